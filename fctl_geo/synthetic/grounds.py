"""What covers a parcel: two covers mixed in patches, with stripes, slabs or rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fctl_geo.synthetic.look import Look
from fctl_geo.synthetic.solids import linear, vary
from fctl_geo.synthetic.style import Rgb

LAND, BUILDING, ROAD, VEGETATION, WATER = range(5)
PLAIN, PARKING, ROWS, SLABS, PITCH = range(5)
"""Kinds of patterns that the shader can draw."""
Light = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Cover:
    """A surface of one class."""

    cls: int
    light: Light
    """Linear red, green, blue."""

    def toned(self, factor: float) -> Cover:
        """The same, lighter or darker."""
        r, g, b = self.light
        return Cover(self.cls, (r * factor, g * factor, b * factor))


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground cover of one parcel."""

    a: Cover
    b: Cover
    share_b: float
    """Share of cover b, 0..1."""
    seed: int
    angle: float = 0.0
    """Direction of stripes, rows or slabs."""
    patch_m: float = 10.0
    """Wavelength of the patches."""
    stripe_m: float = 2.0
    stripe_amp: float = 0.0
    grain: float = 0.15
    relief_m: float = 0.1
    kind: int = PLAIN

    def row(self) -> tuple[float, ...]:
        """The 18 numbers that the ground shader reads."""
        c, s = float(np.cos(self.angle)), float(np.sin(self.angle))
        a, b = (self.a.cls, *self.a.light), (self.b.cls, *self.b.light)
        stripes = (c, s, self.stripe_m, self.stripe_amp)
        return (*a, *b, self.share_b, self.patch_m, *stripes, self.grain, self.relief_m, self.kind, self.seed)


@dataclass(frozen=True, slots=True)
class Draw:
    """What the parcels of a look have in common, drawn again for each parcel."""

    rng: np.random.Generator
    look: Look
    angle: float
    seed: int
    green: float
    grass: Cover
    dry: Cover
    soil: Cover


def draw_ground(rng: np.random.Generator, look: Look, use: str, angle: float) -> Ground:
    """Draw the ground cover of a parcel according to its use.

    Args:
        use: lawn, meadow, wild, yard, bare, paved, parking, field, forest, orchard or pitch.
        angle: direction of rows, furrows or slabs.
    """
    s = look.style
    grass, dry, soil = pick(rng, s.grass), pick(rng, s.dry), pick(rng, s.soil)
    green = float(np.clip(look.green + rng.normal(0, 0.12), 0, 1))
    covers = (Cover(VEGETATION, grass), Cover(LAND, dry), Cover(LAND, soil))
    draw = Draw(rng, look, angle, int(rng.integers(1 << 20)), green, *covers)
    return RECIPES[use](draw)


def pick(rng: np.random.Generator, colors: tuple[Rgb, ...]) -> Light:
    """Draw one of several colors, with a slight variation."""
    return linear(vary(rng, colors[int(rng.integers(len(colors)))], 6))


def _lawn(d: Draw) -> Ground:
    share = (1 - d.green) * d.rng.uniform(0.2, 1.3)
    mown = d.rng.uniform(0, 0.05)
    return Ground(d.grass, d.dry, share, d.seed, d.angle, d.rng.uniform(8, 40), 2.2, mown, 0.16)


def _meadow(d: Draw) -> Ground:
    share = (1 - d.green) * d.rng.uniform(0.3, 1.4)
    return Ground(d.grass, d.dry, share, d.seed, d.angle, d.rng.uniform(15, 70), grain=0.24)


def _wild(d: Draw) -> Ground:
    share = (1 - d.green) * d.rng.uniform(0.4, 1.6)
    bare = d.soil if d.rng.random() < 0.5 else d.dry
    return Ground(d.grass, bare, share, d.seed, d.angle, d.rng.uniform(10, 45), grain=0.28, relief_m=0.15)


def _yard(d: Draw) -> Ground:
    share = 0.5 * d.green * d.rng.uniform(0.2, 1.4)
    return Ground(d.soil, d.grass, share, d.seed, d.angle, d.rng.uniform(5, 16), grain=0.16, relief_m=0.08)


def _bare(d: Draw) -> Ground:
    share = 0.15 * d.green * d.rng.uniform(0.2, 1.4)
    return Ground(d.soil, d.grass, share, d.seed, d.angle, d.rng.uniform(5, 30), grain=0.16, relief_m=0.08)


def _paved(d: Draw) -> Ground:
    stones: tuple[Rgb, ...] = ((176, 170, 162), (150, 148, 144), (196, 186, 170), (164, 140, 124))
    stone = Cover(LAND, pick(d.rng, stones))
    share, side = d.rng.uniform(0, 0.25), d.rng.uniform(2, 6)
    return Ground(stone, d.soil, share, d.seed, d.angle, 9, side, 0.05, 0.10, 0.02, SLABS)


def _parking(d: Draw) -> Ground:
    tar = Cover(ROAD, linear(vary(d.rng, d.look.asphalt)))
    return Ground(tar, tar.toned(0.8), 0.3, d.seed, d.angle, 12, grain=0.07, relief_m=0.0, kind=PARKING)


def _pitch(d: Draw) -> Ground:
    return Ground(d.grass, d.dry, 0.08, d.seed, d.angle, 20, d.rng.uniform(8, 12), 0.07, 0.12, 0.03, PITCH)


def _forest(d: Draw) -> Ground:
    share = 0.5 * (1 - d.green)
    return Ground(d.grass.toned(0.6), d.soil, share, d.seed, d.angle, 8, grain=0.3, relief_m=0.3)


def _orchard(d: Draw) -> Ground:
    return Ground(d.grass, d.soil, 1 - d.green, d.seed, d.angle, 8, grain=0.3, relief_m=0.2)


def _field(d: Draw) -> Ground:
    """A crop in rows, a ripe or mown one, or a plowed field."""
    rng, light = d.rng, pick(d.rng, d.look.style.crops)
    lush = light[1] > light[0] * 1.05
    crop = Cover(VEGETATION if lush else LAND, light)
    what = rng.random()
    if what < 0.3:
        furrow = rng.uniform(0.8, 3)
        return Ground(d.soil, d.soil.toned(0.75), 0.4, d.seed, d.angle, 40, furrow, 0.14, 0.15, 0.12)
    if what < 0.5 and lush:
        share, gap = rng.uniform(0.3, 0.5), rng.uniform(0.7, 2.5)
        return Ground(crop, d.soil, share, d.seed, d.angle, 30, gap, 0.1, 0.2, 0.25, ROWS)
    other, patch = crop.toned(rng.uniform(0.75, 1.15)), rng.uniform(25, 80)
    width, amp = rng.uniform(1.5, 12), rng.uniform(0.02, 0.1)
    return Ground(crop, other, 0.4, d.seed, d.angle, patch, width, amp, 0.16, 0.15)


RECIPES: dict[str, Callable[[Draw], Ground]] = {
    "lawn": _lawn,
    "meadow": _meadow,
    "wild": _wild,
    "yard": _yard,
    "bare": _bare,
    "paved": _paved,
    "parking": _parking,
    "pitch": _pitch,
    "forest": _forest,
    "orchard": _orchard,
    "field": _field,
}
