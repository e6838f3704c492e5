"""Houses and sheds as sets of simple solids, and the small things on their roofs."""

from __future__ import annotations

import numpy as np

from fctl_geo.synthetic.look import Look
from fctl_geo.synthetic.solids import DRUM, FLAT, GABLE, HIP, PANEL, SHED, Frame, Solids, vary
from fctl_geo.synthetic.style import CORRUGATED


def choose_roof(rng: np.random.Generator, look: Look, *, flat: bool) -> tuple[tuple[float, float, float], int]:
    """Draw the color and texture of a roof from the style's palette."""
    palette = look.style.flat if flat else look.style.pitched
    weights = np.array([w for _, _, w in palette])
    rgb, texture, _ = palette[int(rng.choice(len(palette), p=weights / weights.sum()))]
    return vary(rng, rgb), texture


def add_house(
    out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float], stories: int
) -> None:
    """A dwelling: one to three joined wings, pitched or flat, with chimneys, skylights or water tanks."""
    flat = rng.random() < look.style.flat_share
    rgb, texture = choose_roof(rng, look, flat=flat)
    turned = half[0] < half[1]
    if turned:
        frame, half = Frame(frame.x, frame.y, frame.angle + np.pi / 2), (half[1], half[0])
    z = 2.8 * stories + rng.uniform(0, 0.6)
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
    """Local center, half sides and shape of a house's wings: a bar, an L, a T or a bar with a porch."""
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
    """Flat roofs at one or two heights with parapets, a stairwell head, tanks and air conditioners."""
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
    """Lean-tos of sheet metal, tanks, crates and laundry on the flat roofs of crowded towns."""
    hu, hv = half
    if rng.random() > look.style.clutter:
        return
    if rng.random() < 0.5:
        w, d = rng.uniform(0.25, 0.6) * hu, rng.uniform(0.3, 0.8) * hv
        sheets = ((60, 120, 180), (172, 172, 170), (150, 96, 76), (178, 70, 58), (200, 198, 190))
        at = frame.at(rng.choice([-1.0, 1.0]) * (hu - w), rng.choice([-1.0, 1.0]) * (hv - d))
        rgb = vary(rng, sheets[int(rng.integers(len(sheets)))])
        out.add(at, frame.angle, (w, d), z + 2.3, SHED, rgb, pitch=0.12, texture=CORRUGATED, age=rng.random())
    colors = (
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
        rgb = vary(rng, colors[int(rng.integers(len(colors)))])
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
    """Chimneys, skylights and solar panels on a pitched roof."""
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
