"""What a photograph from one region of the world is likely to show."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]
TILE, SEAM, CONCRETE, GRAVEL, CORRUGATED, SHINGLE = range(6)
"""Roof textures."""
ROUND, CONIFER, PALM, BARE = range(4)
"""Kinds of trees."""


@dataclass(frozen=True, slots=True)
class Style:
    """One region of the world: what a photograph from there is likely to show (colors are sRGB as seen in the sun)."""

    pitched: tuple[tuple[Rgb, int, float], ...]
    """Color, texture and weight of pitched roofs."""
    flat: tuple[tuple[Rgb, int, float], ...]
    """The same for flat roofs."""
    flat_share: float
    grass: tuple[Rgb, ...]
    dry: tuple[Rgb, ...]
    """Withered grass, steppe."""
    soil: tuple[Rgb, ...]
    crops: tuple[Rgb, ...]
    leaves: tuple[Rgb, ...]
    trees: tuple[float, float, float, float]
    """Weights of round, conifer, palm and bare trees."""
    green: tuple[float, float]
    """Range of the share of open ground that is green."""
    tree_density: tuple[float, float]
    asphalt: tuple[Rgb, ...]
    dirt: tuple[Rgb, ...]
    water: tuple[Rgb, ...]
    lot_m2: tuple[float, float]
    house_m: tuple[float, float]
    """Range of a house's longer side."""
    cover: tuple[float, float]
    """Range of the share of a lot that its house may fill (0..1 of its inscribed rectangle)."""
    sun_elevation_deg: tuple[float, float]
    haze: tuple[float, float]
    saturation: tuple[float, float]
    dirt_streets: float = 0.1
    """Share of minor streets that are unpaved."""
    walls: float = 0.1
    """Share of lots surrounded by a wall."""
    pools: float = 0.02
    hedges: float = 0.3
    clutter: float = 0.0
    """Amount of clutter in yards and on flat roofs, 0..1."""
    dense: float = 0.0
    """Extra weight of blocks built up without gaps."""
    pitch: tuple[float, float] = (0.35, 0.9)
    """Range of the rise of a roof over its run."""
