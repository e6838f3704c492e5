"""The looks of the world's regions: palettes, densities, sun and air; a seed draws one look within a style."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fctl_geo.errors import SettingsError

Rgb = tuple[int, int, int]
TILE, SEAM, CONCRETE, GRAVEL, CORRUGATED, SHINGLE = range(6)
"""Roof textures."""
ROUND, CONIFER, PALM, BARE = range(4)
"""Kinds of trees."""


@dataclass(frozen=True, slots=True)
class Style:
    """One region of the world: what a photograph from there is likely to show (colours are sRGB as seen in the sun)."""

    pitched: tuple[tuple[Rgb, int, float], ...]
    """Colour, texture, weight of pitched roofs."""
    flat: tuple[tuple[Rgb, int, float], ...]
    """The same of flat roofs."""
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
    """Share of minor streets that are not paved."""
    walls: float = 0.1
    """Share of lots inside a wall."""
    pools: float = 0.02
    hedges: float = 0.3
    clutter: float = 0.0
    """How much lies about in yards and on flat roofs, 0..1."""
    dense: float = 0.0
    """Extra weight of blocks that are built up without gaps."""
    pitch: tuple[float, float] = (0.35, 0.9)
    """Range of the rise of a roof by its run."""


STYLES: dict[str, Style] = {
    "temperate": Style(
        pitched=(
            ((150, 88, 68), TILE, 3),
            ((126, 76, 62), TILE, 3),
            ((172, 108, 84), TILE, 2),
            ((92, 88, 88), TILE, 2),
            ((72, 72, 76), TILE, 1.5),
            ((150, 146, 140), SHINGLE, 1),
            ((112, 92, 78), TILE, 1.5),
            ((176, 180, 182), SEAM, 0.5),
        ),
        flat=(
            ((128, 126, 124), CONCRETE, 2),
            ((168, 166, 160), GRAVEL, 2),
            ((206, 206, 202), CONCRETE, 1),
            ((96, 96, 98), CONCRETE, 1),
            ((110, 128, 84), GRAVEL, 0.2),
        ),
        flat_share=0.2,
        grass=((98, 116, 64), (112, 126, 74), (88, 106, 58), (124, 132, 84)),
        dry=((150, 146, 104), (164, 152, 112)),
        soil=((146, 122, 96), (128, 106, 84), (162, 140, 112)),
        crops=((104, 124, 62), (132, 140, 76), (172, 162, 104), (188, 172, 116), (92, 112, 56), (150, 152, 92)),
        leaves=((70, 88, 46), (82, 98, 54), (60, 78, 42), (92, 104, 58), (78, 88, 50)),
        trees=(0.85, 0.15, 0, 0),
        green=(0.75, 0.97),
        tree_density=(0.35, 0.9),
        asphalt=((128, 128, 128), (112, 112, 114), (144, 142, 138)),
        dirt=((176, 158, 130), (164, 148, 124)),
        water=((56, 72, 66), (66, 80, 62), (48, 64, 70)),
        lot_m2=(380, 900),
        house_m=(9, 16),
        cover=(0.5, 0.8),
        sun_elevation_deg=(32, 60),
        haze=(0.0, 0.12),
        saturation=(0.8, 1.1),
    ),
    "mediterranean": Style(
        pitched=(
            ((196, 132, 98), TILE, 4),
            ((182, 114, 84), TILE, 3),
            ((208, 156, 122), TILE, 2),
            ((160, 104, 82), TILE, 2),
            ((214, 176, 144), TILE, 1),
        ),
        flat=(
            ((222, 216, 204), CONCRETE, 3),
            ((196, 186, 170), CONCRETE, 2),
            ((178, 150, 132), TILE, 1),
            ((160, 158, 152), GRAVEL, 1),
        ),
        flat_share=0.35,
        grass=((118, 122, 78), (106, 116, 70), (134, 132, 90)),
        dry=((178, 164, 124), (190, 174, 132), (166, 154, 116)),
        soil=((186, 154, 120), (170, 132, 100), (200, 176, 144), (150, 112, 88)),
        crops=((128, 130, 76), (186, 170, 118), (150, 142, 92), (200, 184, 136)),
        leaves=((84, 92, 62), (98, 104, 74), (72, 84, 52), (110, 112, 84)),
        trees=(0.88, 0.08, 0.04, 0),
        green=(0.25, 0.6),
        tree_density=(0.15, 0.5),
        asphalt=((150, 146, 142), (132, 130, 128), (166, 162, 154)),
        dirt=((206, 186, 154), (196, 172, 138)),
        water=((44, 84, 96), (58, 92, 92), (70, 92, 80)),
        lot_m2=(180, 700),
        house_m=(9, 18),
        cover=(0.6, 0.95),
        sun_elevation_deg=(40, 68),
        haze=(0.0, 0.1),
        saturation=(0.85, 1.15),
        dirt_streets=0.2,
        walls=0.35,
        pools=0.12,
        hedges=0.2,
        pitch=(0.25, 0.45),
    ),
    "desert": Style(
        pitched=(((186, 110, 84), TILE, 2), ((150, 148, 146), SEAM, 1), ((204, 160, 124), TILE, 1)),
        flat=(
            ((212, 196, 168), CONCRETE, 4),
            ((232, 228, 218), CONCRETE, 3),
            ((194, 174, 144), CONCRETE, 3),
            ((160, 152, 142), GRAVEL, 1.5),
            ((224, 212, 190), CONCRETE, 2),
        ),
        flat_share=0.9,
        grass=((112, 124, 74), (126, 132, 86)),
        dry=((196, 178, 142), (186, 166, 130)),
        soil=((210, 184, 144), (198, 168, 128), (220, 200, 166), (186, 152, 116)),
        crops=((104, 122, 66), (124, 132, 76), (196, 178, 134)),
        leaves=((84, 94, 60), (96, 102, 70), (76, 90, 54)),
        trees=(0.5, 0, 0.5, 0),
        green=(0.02, 0.2),
        tree_density=(0.03, 0.25),
        asphalt=((140, 136, 130), (122, 120, 118), (164, 156, 144)),
        dirt=((214, 192, 156), (202, 178, 142)),
        water=((52, 100, 104), (70, 104, 96), (40, 84, 100)),
        lot_m2=(250, 900),
        house_m=(10, 22),
        cover=(0.65, 1.0),
        sun_elevation_deg=(38, 70),
        haze=(0.04, 0.2),
        saturation=(0.7, 1.0),
        dirt_streets=0.45,
        walls=0.7,
        pools=0.08,
        hedges=0.05,
        pitch=(0.2, 0.4),
    ),
    "tropical": Style(
        pitched=(
            ((150, 98, 78), CORRUGATED, 3),
            ((172, 176, 180), CORRUGATED, 3),
            ((74, 110, 158), CORRUGATED, 1.2),
            ((168, 76, 62), CORRUGATED, 1.5),
            ((206, 206, 204), SEAM, 1),
            ((86, 122, 102), CORRUGATED, 0.6),
            ((128, 112, 100), CORRUGATED, 2),
            ((176, 116, 88), TILE, 1),
        ),
        flat=(
            ((158, 152, 144), CONCRETE, 3),
            ((186, 180, 172), CONCRETE, 2),
            ((128, 124, 118), CONCRETE, 2),
            ((204, 198, 190), CONCRETE, 1),
        ),
        flat_share=0.4,
        grass=((100, 126, 62), (116, 138, 72), (90, 116, 56)),
        dry=((156, 150, 98), (170, 158, 112)),
        soil=((172, 128, 96), (156, 112, 84), (186, 150, 118), (150, 126, 104)),
        crops=((108, 138, 62), (130, 152, 74), (96, 122, 58), (160, 158, 92), (126, 132, 96)),
        leaves=((62, 92, 42), (76, 106, 50), (88, 114, 58), (56, 80, 40), (100, 118, 64)),
        trees=(0.78, 0.02, 0.2, 0),
        green=(0.45, 0.9),
        tree_density=(0.3, 0.9),
        asphalt=((134, 130, 126), (150, 144, 138), (116, 114, 112)),
        dirt=((184, 148, 116), (196, 168, 136), (170, 130, 100)),
        water=((96, 100, 76), (112, 108, 82), (70, 88, 72)),
        lot_m2=(130, 500),
        house_m=(6, 14),
        cover=(0.55, 1.0),
        sun_elevation_deg=(42, 75),
        haze=(0.02, 0.2),
        saturation=(0.85, 1.15),
        dirt_streets=0.55,
        walls=0.3,
        pools=0.01,
        hedges=0.2,
        pitch=(0.2, 0.5),
    ),
    "winter-drab": Style(
        pitched=(
            ((112, 92, 84), TILE, 2),
            ((96, 92, 92), TILE, 2),
            ((132, 96, 84), TILE, 2),
            ((146, 146, 146), SEAM, 1.5),
            ((120, 84, 72), SEAM, 1),
            ((84, 98, 94), SEAM, 0.5),
            ((156, 152, 146), CORRUGATED, 1),
        ),
        flat=(
            ((112, 110, 110), CONCRETE, 3),
            ((144, 142, 140), CONCRETE, 2),
            ((92, 90, 92), CONCRETE, 2),
            ((172, 170, 168), GRAVEL, 1),
        ),
        flat_share=0.35,
        grass=((124, 120, 86), (134, 126, 94), (112, 112, 78)),
        dry=((156, 142, 110), (146, 132, 104)),
        soil=((124, 108, 92), (110, 96, 84), (140, 124, 106)),
        crops=((120, 122, 80), (138, 126, 96), (118, 104, 88), (104, 112, 70)),
        leaves=((110, 102, 86), (98, 92, 76), (122, 112, 94), (88, 92, 64)),
        trees=(0.15, 0.2, 0, 0.65),
        green=(0.5, 0.85),
        tree_density=(0.3, 0.8),
        asphalt=((126, 126, 128), (110, 110, 114), (142, 140, 140)),
        dirt=((158, 142, 122), (144, 130, 112)),
        water=((60, 66, 66), (70, 74, 72), (50, 56, 60)),
        lot_m2=(350, 900),
        house_m=(9, 16),
        cover=(0.5, 0.85),
        sun_elevation_deg=(24, 42),
        haze=(0.02, 0.2),
        saturation=(0.6, 0.95),
        dirt_streets=0.25,
        hedges=0.25,
    ),
    "nordic": Style(
        pitched=(
            ((74, 74, 78), SEAM, 3),
            ((96, 94, 94), SHINGLE, 3),
            ((132, 72, 62), SEAM, 1.5),
            ((150, 92, 76), TILE, 1.5),
            ((176, 178, 180), SEAM, 1.5),
            ((82, 104, 94), SEAM, 0.6),
            ((120, 116, 112), CORRUGATED, 1.5),
        ),
        flat=(
            ((104, 102, 102), CONCRETE, 3),
            ((146, 144, 140), GRAVEL, 2),
            ((80, 80, 82), CONCRETE, 2),
            ((190, 190, 188), CONCRETE, 1),
        ),
        flat_share=0.35,
        grass=((108, 124, 74), (122, 132, 84), (96, 112, 66)),
        dry=((154, 146, 108), (142, 136, 102)),
        soil=((138, 124, 106), (122, 110, 96), (156, 146, 130)),
        crops=((120, 138, 72), (146, 150, 90), (108, 124, 64), (168, 160, 108)),
        leaves=((62, 78, 50), (52, 68, 46), (80, 96, 56), (92, 106, 64)),
        trees=(0.5, 0.5, 0, 0),
        green=(0.7, 0.95),
        tree_density=(0.4, 0.95),
        asphalt=((120, 120, 122), (104, 104, 108), (138, 136, 134)),
        dirt=((160, 150, 134), (148, 136, 118)),
        water=((36, 48, 54), (44, 56, 58), (52, 58, 50)),
        lot_m2=(450, 1200),
        house_m=(8, 15),
        cover=(0.45, 0.75),
        sun_elevation_deg=(26, 50),
        haze=(0.0, 0.12),
        saturation=(0.75, 1.1),
        dirt_streets=0.25,
        pitch=(0.4, 0.9),
    ),
    "bazaar": Style(
        pitched=(
            ((150, 104, 84), CORRUGATED, 3),
            ((176, 178, 180), CORRUGATED, 3),
            ((44, 118, 186), CORRUGATED, 2),
            ((184, 72, 60), CORRUGATED, 1.2),
            ((126, 112, 102), CORRUGATED, 2),
            ((160, 160, 160), SEAM, 1),
            ((70, 130, 110), CORRUGATED, 0.4),
            ((168, 116, 92), TILE, 0.6),
        ),
        flat=(
            ((166, 160, 150), CONCRETE, 3),
            ((188, 182, 172), CONCRETE, 2),
            ((140, 134, 126), CONCRETE, 2),
            ((206, 200, 190), CONCRETE, 1),
            ((176, 128, 108), TILE, 0.6),
        ),
        flat_share=0.6,
        grass=((104, 122, 66), (94, 112, 60), (118, 130, 76)),
        dry=((160, 148, 108), (150, 140, 104)),
        soil=((150, 126, 102), (136, 112, 92), (168, 144, 118), (146, 104, 80)),
        crops=((112, 134, 70), (136, 148, 84), (150, 138, 96), (172, 156, 108)),
        leaves=((66, 88, 46), (80, 102, 56), (58, 78, 44), (92, 108, 62)),
        trees=(0.92, 0.03, 0.05, 0),
        green=(0.3, 0.8),
        tree_density=(0.15, 0.6),
        asphalt=((132, 128, 124), (146, 140, 134), (112, 110, 108)),
        dirt=((176, 150, 124), (160, 132, 108), (186, 162, 136)),
        water=((96, 100, 78), (80, 90, 74), (110, 104, 84)),
        lot_m2=(90, 260),
        house_m=(7, 15),
        cover=(0.75, 1.0),
        sun_elevation_deg=(30, 70),
        haze=(0.0, 0.15),
        saturation=(0.8, 1.15),
        dirt_streets=0.45,
        walls=0.35,
        pools=0.0,
        hedges=0.05,
        pitch=(0.15, 0.4),
        clutter=0.75,
        dense=3.0,
    ),
    "suburban": Style(
        pitched=(
            ((132, 122, 112), SHINGLE, 3),
            ((110, 106, 104), SHINGLE, 3),
            ((156, 144, 130), SHINGLE, 2),
            ((92, 84, 80), SHINGLE, 2),
            ((168, 112, 88), TILE, 1),
            ((178, 172, 164), SHINGLE, 1),
        ),
        flat=(
            ((206, 204, 198), CONCRETE, 3),
            ((172, 168, 160), GRAVEL, 2),
            ((226, 226, 222), CONCRETE, 2),
            ((134, 132, 130), CONCRETE, 1),
        ),
        flat_share=0.12,
        grass=((106, 122, 70), (120, 130, 80), (134, 138, 92), (94, 112, 62)),
        dry=((166, 154, 114), (154, 146, 108)),
        soil=((162, 138, 110), (146, 124, 100), (178, 156, 128)),
        crops=((108, 126, 66), (140, 144, 82), (178, 166, 112), (122, 132, 74)),
        leaves=((72, 88, 50), (86, 100, 60), (64, 80, 46), (98, 108, 68)),
        trees=(0.85, 0.12, 0.03, 0),
        green=(0.6, 0.95),
        tree_density=(0.25, 0.7),
        asphalt=((146, 144, 142), (126, 126, 126), (168, 166, 162)),
        dirt=((188, 168, 138), (174, 154, 126)),
        water=((62, 80, 76), (72, 88, 80), (56, 74, 84)),
        lot_m2=(600, 1300),
        house_m=(14, 24),
        cover=(0.55, 0.85),
        sun_elevation_deg=(36, 66),
        haze=(0.0, 0.1),
        saturation=(0.85, 1.15),
        dirt_streets=0.02,
        pools=0.12,
        hedges=0.15,
        pitch=(0.3, 0.6),
    ),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One scene's draw from its style."""

    style: Style
    name: str
    green: float
    tree_density: float
    water: Rgb
    asphalt: Rgb
    dirt: Rgb
    warp_m: float
    """How far streets bend away from straight."""
    jitter_rad: float
    """How far cuts of blocks leave the right angle."""
    sun_azimuth_rad: float
    """Where the sun stands, in image axes (x right, y down)."""
    sun_elevation_rad: float
    sky: float
    """Light of the sky as a share of all light on flat ground."""
    haze: float
    saturation: float
    cast: tuple[float, float, float]
    """Gains of red, green, blue."""
    contrast: float
    gamma: float
    blur_px: float
    noise: float
    """Sensor noise, of 255."""
    jpeg: float
    """Quantisation: 0 none, 1 strong."""


def _pick(rng: np.random.Generator, colours: tuple[Rgb, ...]) -> Rgb:
    return colours[int(rng.integers(len(colours)))]


def draw_look(seed: int, style: str | None) -> Look:
    """Draw the look of one scene.

    Args:
        seed: the scene's seed.
        style: a name of STYLES, or None for a random one.
    Raises:
        SettingsError: no such style.
    """
    rng = np.random.default_rng([seed, 1])
    chosen = list(STYLES)[int(rng.integers(len(STYLES)))]
    name = chosen if style is None else style
    if name not in STYLES:
        raise SettingsError(f"unknown style {name!r}", hint="styles: " + ", ".join(STYLES))
    s = STYLES[name]
    warm = rng.normal(0, 0.03)
    tint = rng.normal(0, 0.015)
    return Look(
        style=s,
        name=name,
        green=rng.uniform(*s.green),
        tree_density=rng.uniform(*s.tree_density),
        water=_pick(rng, s.water),
        asphalt=_pick(rng, s.asphalt),
        dirt=_pick(rng, s.dirt),
        warp_m=float(rng.choice([0.0, 6.0, 14.0, 24.0])),
        jitter_rad=float(rng.choice([0.02, 0.1, 0.22])),
        sun_azimuth_rad=rng.uniform(0, 2 * np.pi),
        sun_elevation_rad=float(np.radians(rng.uniform(*s.sun_elevation_deg))),
        sky=rng.uniform(0.16, 0.42),
        haze=rng.uniform(*s.haze),
        saturation=rng.uniform(*s.saturation),
        cast=(1 + warm, 1 + tint, 1 - warm),
        contrast=rng.uniform(0.85, 1.2),
        gamma=rng.uniform(0.8, 1.1),
        blur_px=rng.uniform(0.3, 0.8),
        noise=rng.uniform(0.8, 3.0),
        jpeg=float(rng.choice([0.0, rng.uniform(0.1, 0.6)])),
    )
