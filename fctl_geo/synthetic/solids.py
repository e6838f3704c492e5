"""Simple solids: rectangles with a roof shape, and objects in yards and streets: cars and walls."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fctl_geo.synthetic.style import CONCRETE, SEAM, Rgb

FLAT, GABLE, HIP, SHED, BARREL, SAW, DRUM, CAR, PANEL = range(9)
"""Shapes of solids."""
KEEP_CLASS = -1
BUILDING_CLASS = 1
COLUMNS = 18
"""cx, cy, cos, sin, half u, half v, z, shape, pitch, r, g, b (linear), texture, seed, parapet, class, age, relative."""


def linear(rgb: tuple[float, ...] | Rgb) -> tuple[float, float, float]:
    """Turn an sRGB color of 0..255 into light of 0..1 (gamma 2.2)."""
    r, g, b = (max(0.0, c / 255.0) ** 2.2 for c in rgb)
    return r, g, b


@dataclass(slots=True)
class Solids:
    """A growing list of solids."""

    rows: list[tuple[float, ...]] = field(default_factory=list)

    def add(
        self,
        at: tuple[float, float],
        angle: float,
        half: tuple[float, float],
        z: float,
        shape: int,
        rgb: tuple[float, ...] | Rgb,
        *,
        pitch: float = 0.0,
        texture: int = CONCRETE,
        seed: int = 0,
        parapet: float = 0.0,
        cls: int = BUILDING_CLASS,
        age: float = 0.5,
        relative: bool = False,
    ) -> None:
        """Place one solid: center, angle of its u axis, half sides and height of its eaves, in meters."""
        self.rows.append(
            (
                *at,
                float(np.cos(angle)),
                float(np.sin(angle)),
                *half,
                z,
                shape,
                pitch,
                *linear(rgb),
                texture,
                seed,
                parapet,
                cls,
                age,
                relative,
            )
        )

    def array(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """All rows, (S, COLUMNS)."""
        return np.array(self.rows, dtype=np.float64).reshape(-1, COLUMNS)


@dataclass(frozen=True, slots=True)
class Frame:
    """A house's own axes: u along its front."""

    x: float
    y: float
    angle: float

    def at(self, u: float, v: float) -> tuple[float, float]:
        """World position of a local point."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return float(self.x + c * u - s * v), float(self.y + s * u + c * v)


def vary(rng: np.random.Generator, rgb: Rgb, amount: float = 7.0) -> tuple[float, float, float]:
    """Jitter a color: mostly its lightness, slightly its hue."""
    r, g, b = np.clip(np.array(rgb) + rng.normal(0, amount) + rng.normal(0, amount * 0.35, 3), 8, 245)
    return float(r), float(g), float(b)


CAR_COLORS: tuple[Rgb, ...] = (
    (228, 228, 228),
    (240, 240, 240),
    (150, 152, 156),
    (120, 122, 126),
    (40, 42, 46),
    (60, 62, 68),
    (130, 40, 38),
    (52, 70, 110),
    (196, 196, 192),
)


def add_car(
    out: Solids, rng: np.random.Generator, at: tuple[float, float], angle: float, *, stall: bool = False
) -> None:
    """A car, a van or occasionally a truck; the class of the ground under it does not change."""
    lorry = rng.random() < 0.06 and not stall
    half = (rng.uniform(3.5, 6), 1.25) if lorry else (rng.uniform(2.0, 2.5), rng.uniform(0.85, 0.95))
    rgb = vary(rng, CAR_COLORS[int(rng.integers(len(CAR_COLORS)))], 5)
    out.add(
        at,
        angle + rng.normal(0, 0.02),
        half,
        3.0 if lorry else 1.45,
        FLAT if lorry else CAR,
        rgb,
        cls=KEEP_CLASS,
        texture=SEAM,
        relative=True,
    )


def add_wall(
    out: Solids,
    rng: np.random.Generator,
    a: np.ndarray[tuple[int], np.dtype[np.float64]],
    b: np.ndarray[tuple[int], np.dtype[np.float64]],
    rgb: tuple[float, float, float],
) -> None:
    """A garden wall or fence from a to b."""
    d = b - a
    mid = (a + b) / 2
    out.add(
        (float(mid[0]), float(mid[1])),
        float(np.arctan2(d[1], d[0])),
        (float(np.hypot(*d)) / 2, 0.13),
        rng.uniform(1.2, 2.2),
        FLAT,
        rgb,
        cls=KEEP_CLASS,
        relative=True,
    )
