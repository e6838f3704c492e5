"""Streets: the kind of each cut, and the pieces, cars and trees along streets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.draft import Draft
from fctl_geo.synthetic.layout import DIRT, MAIN, MINOR, TRACK, Block, Cut, Points, Street, densify
from fctl_geo.synthetic.solids import add_car

PIECE_M = 8.0


def choose_cut(draft: Draft, block: Block, depth: int) -> Cut:
    """Decide what divides a block: the first cuts are main roads, later ones minor, in the country often none."""
    rng, u = draft.rng, draft.zones.urban(block.center)
    if (depth < 2 and block.area_m2 > 90_000) or (u > 0.2 and block.area_m2 > 400_000):
        return Cut(rng.uniform(3.4, max(4.0, 6.5 - 0.8 * depth)), MAIN) if rng.random() < 0.75 else Cut(3.0, MINOR)
    if u > 0.25:
        if rng.random() < draft.look.style.dirt_streets:
            return Cut(rng.uniform(1.6, 2.8), DIRT)
        return Cut(rng.uniform(2.1, max(2.3, 3.8 - 0.15 * depth)), MINOR)
    draw = rng.random()
    if draw < 0.12:
        return Cut(2.4, MINOR)
    if draw < 0.3:
        return Cut(rng.uniform(1.5, 2.4), DIRT)
    return Cut(1.3, TRACK) if draw < 0.5 else Cut(0.0, -1)


def lay_streets(draft: Draft, streets: list[Street]) -> NDArray[np.float64]:
    """Bend the streets, drop the pieces that run through water, and add cars and trees along them; (S, 11) pieces."""
    rows = []
    for order, street in enumerate(streets):
        line = draft.warp(densify(np.stack([street.start, street.end]), PIECE_M))
        run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        walk = _pavement(draft, street, line)
        dry = draft.water.at((line[1:] + line[:-1]) / 2) > 1.0
        kept = _without_stubs(dry | _bridges(draft, street, dry))
        before, after = np.concatenate([[False], kept[:-1]]), np.concatenate([kept[1:], [False]])
        ends = 1 * ~before + 2 * ~after
        for i in np.flatnonzero(kept):
            rows.append((*line[i], *line[i + 1], run[i], street.half_width_m, street.kind, order, order, walk, ends[i]))
        _along(draft, line, street, walk)
    return np.array(rows, dtype=np.float64).reshape(-1, 11)


def _bridges(draft: Draft, street: Street, dry: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pieces over water become bridges: short runs of paved roads with land at both ends."""
    bridged = np.zeros_like(dry)
    longest = {MAIN: 30, MINOR: 8 if draft.rng.random() < 0.3 else 0}.get(street.kind, 0)
    shores = np.flatnonzero(dry)
    for a, b in pairwise(shores):
        if 1 < b - a <= longest + 1:
            bridged[a:b] = True
    return bridged


def _without_stubs(kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop what is left of a drowned street in runs of one to three pieces: 0110111100 gives 0000111100."""
    if kept.all():
        return kept
    out = kept.copy()
    borders = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    for a, b in zip(borders[::2], borders[1::2], strict=True):
        if b - a <= 3:
            out[a:b] = False
    return out


def _pavement(draft: Draft, street: Street, line: Points) -> float:
    if street.kind not in (MAIN, MINOR) or draft.zones.urban(line.mean(axis=0)) < 0.25:
        return 0.0
    return float(draft.rng.choice([0.0, 1.2, 2.0], p=[0.5, 0.3, 0.2]))


def _along(draft: Draft, line: Points, street: Street, walk: float) -> None:
    """Street trees, parked and driving cars."""
    rng, half = draft.rng, street.half_width_m
    lined = street.kind in (MAIN, MINOR) and rng.random() < draft.look.tree_density * 0.35
    traffic = rng.uniform(0.02, 0.2) if street.kind in (MAIN, MINOR) and draft.fine else 0.0
    for a, b in pairwise(line):
        d = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
        n = np.array([-d[1], d[0]])
        dry = draft.dry(a, 4.0)
        if lined and dry and rng.random() < 0.8:
            draft.trees.along(rng, draft.look, a + n * (half + max(walk, 0.8) + 0.6) * rng.choice([-1.0, 1.0]))
        if dry and rng.random() < traffic:
            parked = street.kind == MINOR and rng.random() < 0.6
            p = a + n * rng.choice([-1.0, 1.0]) * (half - 1.1 if parked else half * 0.5)
            add_car(draft.solids, rng, (float(p[0]), float(p[1])), float(np.arctan2(d[1], d[0])))
