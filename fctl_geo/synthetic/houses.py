"""Buildings as sets of simple solids: rectangles with a roof's shape, and the small things on roofs and in yards."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fctl_geo.synthetic.styles import CONCRETE, CORRUGATED, GRAVEL, SEAM, Look, Rgb

FLAT, GABLE, HIP, SHED, BARREL, SAW, DRUM, CAR, PANEL = range(9)
"""Shapes of solids."""
KEEP_CLASS = -1
BUILDING_CLASS = 1
COLUMNS = 18
"""cx, cy, cos, sin, half u, half v, z, shape, pitch, r, g, b (linear), texture, seed, parapet, class, age, relative."""


def linear(rgb: tuple[float, ...] | Rgb) -> tuple[float, float, float]:
    """Turn an sRGB colour of 0..255 into light of 0..1 (gamma 2.2)."""
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
        """Put one solid down: centre, angle of its u axis, half sides and height of its eaves, in metres."""
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
    """Jitter a colour: mostly its lightness, a little its hue."""
    r, g, b = np.clip(np.array(rgb) + rng.normal(0, amount) + rng.normal(0, amount * 0.35, 3), 8, 245)
    return float(r), float(g), float(b)


def choose_roof(rng: np.random.Generator, look: Look, *, flat: bool) -> tuple[tuple[float, float, float], int]:
    """Draw colour and texture of a roof from the style's palette."""
    palette = look.style.flat if flat else look.style.pitched
    weights = np.array([w for _, _, w in palette])
    rgb, texture, _ = palette[int(rng.choice(len(palette), p=weights / weights.sum()))]
    return vary(rng, rgb), texture


def add_house(
    out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float], storeys: int
) -> None:
    """A dwelling: one to three joined wings, pitched or flat, with chimneys, skylights or water tanks."""
    flat = rng.random() < look.style.flat_share
    rgb, texture = choose_roof(rng, look, flat=flat)
    turned = half[0] < half[1]
    if turned:
        frame, half = Frame(frame.x, frame.y, frame.angle + np.pi / 2), (half[1], half[0])
    z = 2.8 * storeys + rng.uniform(0, 0.6)
    seed, age = int(rng.integers(1 << 20)), rng.random()
    if flat:
        _flat_house(out, rng, frame, half, z, rgb, texture, seed, age)
        _roof_clutter(out, rng, look, frame, half, z)
        return
    pitch = rng.uniform(*look.style.pitch)
    shape = int(rng.choice([GABLE, HIP], p=[0.6, 0.4]))
    if texture == CORRUGATED:
        shape, pitch = int(rng.choice([GABLE, SHED, HIP], p=[0.55, 0.35, 0.1])), rng.uniform(0.1, 0.35)
    for u, v, hu, hv, wing_shape in _wings(rng, half, shape):
        out.add(
            frame.at(u, v),
            frame.angle + (np.pi / 2 if hu < hv else 0),
            (max(hu, hv), min(hu, hv)),
            z,
            wing_shape,
            rgb,
            pitch=pitch,
            texture=texture,
            seed=seed,
            age=age,
        )
    _roof_trifles(out, rng, look, frame, half, z, pitch)


def _wings(
    rng: np.random.Generator, half: tuple[float, float], shape: int
) -> list[tuple[float, float, float, float, int]]:
    """Local centre, half sides and shape of a house's wings: a bar, an L, a T or a bar with a porch."""
    hu, hv = half
    plan = rng.random()
    if plan < 0.45 or hu < 4:
        return [(0, 0, hu, hv, shape)]
    depth = hv * rng.uniform(0.5, 0.68)
    side = rng.choice([-1.0, 1.0])
    bar = (0.0, side * (depth - hv), hu, depth, shape)
    w = hu * rng.uniform(0.3, 0.5)
    if plan < 0.75:
        return [bar, (rng.choice([-1.0, 1.0]) * (hu - w), 0.0, w, hv, shape)]
    if plan < 0.9:
        return [bar, (rng.uniform(-0.4, 0.4) * hu, 0.0, w, hv, shape)]
    return [bar, (w - hu, 0.0, w, hv, shape), (hu - w, 0.0, w, hv, shape)]


def _flat_house(
    out: Solids,
    rng: np.random.Generator,
    frame: Frame,
    half: tuple[float, float],
    z: float,
    rgb: tuple[float, float, float],
    texture: int,
    seed: int,
    age: float,
) -> None:
    """Flat roofs of one or two heights with parapets, a stair head, tanks and air conditioners."""
    parapet = rng.uniform(0.3, 1.0) if rng.random() < 0.7 else 0.0
    for k, (u, v, hu, hv, _) in enumerate(_wings(rng, half, FLAT)):
        lower = 2.8 if k and rng.random() < 0.4 and z > 5 else 0.0
        out.add(
            frame.at(u, v),
            frame.angle,
            (hu, hv),
            z - lower,
            FLAT,
            rgb,
            texture=texture,
            seed=seed + k,
            parapet=parapet,
            age=age,
        )
    hu, hv = half
    if rng.random() < 0.5 and hv > 3:
        at = frame.at(rng.uniform(-0.6, 0.6) * hu, rng.uniform(-0.5, 0.5) * hv)
        out.add(at, frame.angle, (1.6, 1.4), 2.4, FLAT, vary(rng, (190, 186, 178)), seed=seed + 9, relative=True)
    for _ in range(int(rng.integers(0, 4))):
        at = frame.at(rng.uniform(-0.8, 0.8) * hu, rng.uniform(-0.8, 0.8) * hv)
        if rng.random() < 0.4:
            out.add(
                at,
                0.0,
                (0.6, 0.6),
                1.3,
                DRUM,
                vary(rng, (60, 62, 66) if rng.random() < 0.6 else (210, 210, 208)),
                relative=True,
            )
        else:
            out.add(at, frame.angle, (rng.uniform(0.4, 1.2), 0.5), 0.8, FLAT, vary(rng, (196, 196, 194)), relative=True)


def _roof_clutter(
    out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float], z: float
) -> None:
    """Lean-tos of sheet metal, tanks, crates and washing on the flat roofs of crowded towns."""
    hu, hv = half
    if rng.random() > look.style.clutter:
        return
    if rng.random() < 0.5:
        w, d = rng.uniform(0.25, 0.6) * hu, rng.uniform(0.3, 0.8) * hv
        sheets = ((60, 120, 180), (172, 172, 170), (150, 96, 76), (178, 70, 58), (200, 198, 190))
        at = frame.at(rng.choice([-1.0, 1.0]) * (hu - w), rng.choice([-1.0, 1.0]) * (hv - d))
        rgb = vary(rng, sheets[int(rng.integers(len(sheets)))])
        out.add(at, frame.angle, (w, d), z + 2.3, SHED, rgb, pitch=0.12, texture=CORRUGATED, age=rng.random())
    colours = (
        (60, 62, 66),
        (40, 120, 96),
        (70, 110, 170),
        (206, 204, 198),
        (150, 90, 70),
        (120, 116, 108),
        (96, 120, 66),
    )
    for _ in range(int(rng.integers(2, 12))):
        at = frame.at(rng.uniform(-0.9, 0.9) * hu, rng.uniform(-0.9, 0.9) * hv)
        size = (float(rng.uniform(0.25, 1.1)), float(rng.uniform(0.2, 0.6)))
        round_ = rng.random() < 0.3
        rgb = vary(rng, colours[int(rng.integers(len(colours)))])
        out.add(
            at,
            frame.angle,
            (0.55, 0.55) if round_ else size,
            rng.uniform(0.3, 1.2),
            DRUM if round_ else FLAT,
            rgb,
            relative=True,
        )


def _roof_trifles(
    out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float], z: float, pitch: float
) -> None:
    """Chimneys, roof windows and sun panels on a pitched roof."""
    hu, hv = half
    if rng.random() < 0.5:
        at = frame.at(rng.uniform(-0.6, 0.6) * hu, rng.uniform(-0.3, 0.3) * hv)
        out.add(at, frame.angle, (0.5, 0.4), 0.9, FLAT, vary(rng, (140, 104, 90)), relative=True)
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.35 else 0):
        at = frame.at(rng.uniform(-0.7, 0.7) * hu, rng.uniform(-0.6, 0.6) * hv)
        out.add(at, frame.angle, (0.4, 0.55), 0.06, PANEL, (84, 92, 104), relative=True)
    if rng.random() < 0.12:
        rows = rng.uniform(0.25, 0.7) * hu
        at = frame.at(rng.uniform(-0.2, 0.2) * hu, rng.choice([-0.5, 0.5]) * hv)
        out.add(at, frame.angle, (rows, 0.33 * hv), 0.1, PANEL, (38, 44, 66), relative=True)


def add_shed(out: Solids, rng: np.random.Generator, look: Look, at: tuple[float, float], angle: float) -> None:
    """A garage or garden shed."""
    half = (rng.uniform(1.5, 3.6), rng.uniform(1.2, 2.6))
    rgb, texture = choose_roof(rng, look, flat=rng.random() < 0.4)
    shape = int(rng.choice([FLAT, SHED, GABLE], p=[0.4, 0.3, 0.3]))
    out.add(
        at,
        angle,
        (max(half), min(half)),
        rng.uniform(2.2, 2.8),
        shape,
        rgb,
        pitch=0.25,
        texture=texture,
        seed=int(rng.integers(1 << 20)),
        age=rng.random(),
    )


def add_slab(
    out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float], storeys: int
) -> None:
    """An apartment or office block: a flat roof with parapet, lift houses and vents in a row."""
    rgb, texture = choose_roof(rng, look, flat=True)
    z = 2.9 * storeys + 0.5
    seed, age = int(rng.integers(1 << 20)), rng.random()
    if half[0] < half[1]:
        frame, half = Frame(frame.x, frame.y, frame.angle + np.pi / 2), (half[1], half[0])
    hu, hv = half
    wings = (
        [(0.0, 0.0, hu, hv)]
        if rng.random() < 0.6 or hv < 9
        else [(0.0, hv * 0.55, hu, hv * 0.45), (hu - hv * 0.4, 0.0, hv * 0.4, hv), (hv * 0.4 - hu, 0.0, hv * 0.4, hv)]
    )
    for u, v, wu, wv in wings:
        out.add(
            frame.at(u, v),
            frame.angle,
            (wu, wv),
            z,
            FLAT,
            rgb,
            texture=texture,
            seed=seed,
            parapet=rng.uniform(0.4, 1.0),
            age=age,
        )
    u, v, wu, wv = wings[0]
    for k in range(max(1, int(wu / 9))):
        at = frame.at(u - wu + (k + 0.5) * 2 * wu / max(1, int(wu / 9)), v + rng.uniform(-0.2, 0.2) * wv)
        out.add(
            at,
            frame.angle,
            (rng.uniform(1.2, 2.6), 1.6),
            2.6,
            FLAT,
            vary(rng, (180, 178, 172)),
            relative=True,
            seed=seed + k,
        )
    for _ in range(int(wu * wv / 30)):
        at = frame.at(u + rng.uniform(-0.9, 0.9) * wu, v + rng.uniform(-0.85, 0.85) * wv)
        out.add(
            at,
            frame.angle,
            (rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.7)),
            0.7,
            FLAT,
            vary(rng, (188, 188, 186), 18),
            relative=True,
        )


def add_hall(out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float]) -> None:
    """A factory or warehouse: wide low roofs with ribs, bands of skylights or saw teeth."""
    if half[0] < half[1]:
        frame, half = Frame(frame.x, frame.y, frame.angle + np.pi / 2), (half[1], half[0])
    hu, hv = half
    shape = int(rng.choice([GABLE, FLAT, BARREL, SAW], p=[0.5, 0.3, 0.1, 0.1]))
    metals: tuple[Rgb, ...] = (
        (186, 190, 194),
        (160, 164, 168),
        (208, 210, 212),
        (120, 138, 160),
        (150, 116, 98),
        (176, 170, 158),
        (96, 110, 126),
        (222, 222, 220),
    )
    rgb = vary(rng, metals[int(rng.integers(len(metals)))])
    texture = GRAVEL if shape == FLAT and rng.random() < 0.4 else SEAM
    z, seed, age = rng.uniform(5, 10), int(rng.integers(1 << 20)), rng.random()
    bays = max(1, round(hv / rng.uniform(9, 16))) if shape in (GABLE, BARREL) else 1
    for k in range(bays):
        v = -hv + (2 * k + 1) * hv / bays
        out.add(
            frame.at(0, v),
            frame.angle,
            (hu, hv / bays),
            z,
            shape,
            rgb,
            pitch=rng.uniform(0.08, 0.16),
            texture=texture,
            seed=seed,
            parapet=0.5 if shape == FLAT else 0,
            age=age,
        )
    if rng.random() < 0.5:
        n = max(2, int(hu / rng.uniform(4, 8)))
        for k in range(n):
            for v in (-0.5, 0.5):
                at = frame.at(-hu + (k + 0.5) * 2 * hu / n, v * hv)
                out.add(at, frame.angle, (0.7, min(3.5, hv * 0.2)), 0.1, PANEL, (226, 230, 232), relative=True)
    for _ in range(int(rng.integers(0, 8))):
        at = frame.at(rng.uniform(-0.9, 0.9) * hu, rng.uniform(-0.8, 0.8) * hv)
        out.add(
            at,
            frame.angle,
            (rng.uniform(0.5, 2), rng.uniform(0.5, 1.4)),
            1.2,
            FLAT,
            vary(rng, (190, 190, 190), 15),
            relative=True,
        )


CAR_COLOURS: tuple[Rgb, ...] = (
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
    """A car, a van or now and then a lorry; it keeps the class of what it stands on."""
    lorry = rng.random() < 0.06 and not stall
    half = (rng.uniform(3.5, 6), 1.25) if lorry else (rng.uniform(2.0, 2.5), rng.uniform(0.85, 0.95))
    rgb = vary(rng, CAR_COLOURS[int(rng.integers(len(CAR_COLOURS)))], 5)
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
