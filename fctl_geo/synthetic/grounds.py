"""What covers a parcel: a row of numbers that the ground shader reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fctl_geo.synthetic.houses import linear, vary
from fctl_geo.synthetic.styles import Look, Rgb

LAND, BUILDING, ROAD, VEGETATION, WATER = range(5)
PLAIN, PARKING, ROWS, SLABS, PITCH = range(5)
"""Kinds of cover that the shader knows."""


class Ground(NamedTuple):
    """One parcel's cover: two covers A and B mixed in patches, with stripes and fine grain."""

    class_a: float
    r_a: float
    g_a: float
    b_a: float
    class_b: float
    r_b: float
    g_b: float
    b_b: float
    share_b: float
    """Share of B in A, 0..1."""
    patch_m: float
    """Wavelength of the patches."""
    cos: float
    sin: float
    stripe_m: float
    stripe_amp: float
    grain: float
    relief_m: float
    kind: float
    seed: float


def _pick(rng: np.random.Generator, colours: tuple[Rgb, ...]) -> tuple[float, float, float]:
    return linear(vary(rng, colours[int(rng.integers(len(colours)))], 6))


def draw_ground(rng: np.random.Generator, look: Look, use: str, angle: float) -> Ground:
    """Draw the cover of a parcel by its use.

    Args:
        use: lawn, yard, paved, parking, field, meadow, bare, forest, pitch, orchard or wild.
        angle: direction of rows, furrows or slabs.
    """
    s = look.style
    grass, dry, soil = _pick(rng, s.grass), _pick(rng, s.dry), _pick(rng, s.soil)
    c, sn, seed = float(np.cos(angle)), float(np.sin(angle)), float(rng.integers(1 << 20))
    green = float(np.clip(look.green + rng.normal(0, 0.12), 0, 1))
    if use == "field":
        return _field(rng, look, c, sn, seed)
    if use == "paved":
        stone = linear(
            vary(rng, ((176, 170, 162), (150, 148, 144), (196, 186, 170), (164, 140, 124))[int(rng.integers(4))])
        )
        return Ground(
            LAND, *stone, LAND, *soil, rng.uniform(0, 0.25), 9, c, sn, rng.uniform(2, 6), 0.05, 0.10, 0.02, SLABS, seed
        )
    if use == "parking":
        tar = linear(vary(rng, look.asphalt))
        return Ground(ROAD, *tar, ROAD, *(0.8 * v for v in tar), 0.3, 12, c, sn, 5.2, 0, 0.07, 0.0, PARKING, seed)
    if use == "pitch":
        return Ground(
            VEGETATION, *grass, LAND, *dry, 0.08, 20, c, sn, rng.uniform(8, 12), 0.07, 0.12, 0.03, PITCH, seed
        )
    if use in ("yard", "bare"):
        share = green * (0.5 if use == "yard" else 0.15) * rng.uniform(0.2, 1.4)
        return Ground(
            LAND, *soil, VEGETATION, *grass, share, rng.uniform(4, 14), c, sn, 1.0, 0, 0.16, 0.08, PLAIN, seed
        )
    if use in ("forest", "orchard"):
        floor = tuple(0.6 * g for g in grass) if use == "forest" else grass
        share = 1 - green if use == "orchard" else 0.5 * (1 - green)
        return Ground(VEGETATION, *floor, LAND, *soil, share, 8, c, sn, 5, 0, 0.3, 0.3, PLAIN, seed)  # type: ignore[misc]
    share = (1 - green) * rng.uniform(0.3, 1.5)
    bare = soil if use == "wild" and rng.random() < 0.7 else dry
    grain = 0.16 if use == "lawn" else 0.26
    mown = rng.uniform(0, 0.05) if use == "lawn" else 0.0
    return Ground(VEGETATION, *grass, LAND, *bare, share, rng.uniform(6, 30), c, sn, 2.2, mown, grain, 0.1, PLAIN, seed)


def _field(rng: np.random.Generator, look: Look, c: float, s: float, seed: float) -> Ground:
    """A crop in rows, a ripe or mown one, or a ploughed field."""
    crop, soil = _pick(rng, look.style.crops), _pick(rng, look.style.soil)
    lush = crop[1] > crop[0] * 1.05
    draw = rng.random()
    if draw < 0.3:
        return Ground(
            LAND,
            *soil,
            LAND,
            *(0.75 * v for v in soil),
            0.4,
            40,
            c,
            s,
            rng.uniform(0.8, 3),
            0.14,
            0.15,
            0.12,
            PLAIN,
            seed,
        )
    cls = VEGETATION if lush else LAND
    if draw < 0.5 and lush:
        return Ground(
            cls, *crop, LAND, *soil, rng.uniform(0.3, 0.5), 30, c, s, rng.uniform(0.7, 2.5), 0.1, 0.2, 0.25, ROWS, seed
        )
    return Ground(
        cls,
        *crop,
        cls,
        *(rng.uniform(0.75, 1.15) * v for v in crop),
        0.4,
        rng.uniform(25, 80),
        c,
        s,
        rng.uniform(1.5, 12),
        rng.uniform(0.02, 0.1),
        0.16,
        0.15,
        PLAIN,
        seed,
    )
