"""Large buildings as sets of simple solids: apartment and office blocks, and halls."""

from __future__ import annotations

import numpy as np

from fctl_geo.synthetic.houses import choose_roof
from fctl_geo.synthetic.look import Look
from fctl_geo.synthetic.solids import BARREL, FLAT, GABLE, PANEL, SAW, Frame, Solids, vary
from fctl_geo.synthetic.style import GRAVEL, SEAM, Rgb


def add_slab(
    out: Solids, rng: np.random.Generator, look: Look, frame: Frame, half: tuple[float, float], stories: int
) -> None:
    """An apartment or office block: a flat roof with a parapet, elevator housings and a row of vents."""
    rgb, texture = choose_roof(rng, look, flat=True)
    z = 2.9 * stories + 0.5
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
    """A factory or warehouse: wide, low roofs with ribs, strips of skylights or sawteeth."""
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
