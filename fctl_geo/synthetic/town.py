"""Town blocks: the use of each, and how it is divided into lots."""

from __future__ import annotations

import numpy as np

from fctl_geo.synthetic.draft import Draft
from fctl_geo.synthetic.large_buildings import add_hall
from fctl_geo.synthetic.layout import Block, Cut, Points, inside_ring, subdivide
from fctl_geo.synthetic.lots import build_lot, inscribed
from fctl_geo.synthetic.solids import FLAT, Frame, add_car, vary
from fctl_geo.synthetic.style import Rgb

STALL_M, ROW_M = 2.6, 16.0
"""Width of a stall and spacing of double rows in a parking lot, as painted by ground_shader."""


def use_town(draft: Draft, block: Block, angle: float, urban: float) -> None:
    """Choose the use of a town block, and build it."""
    rng = draft.rng
    kinds = ["houses", "rows", "slabs", "center", "industry", "park", "market", "pitch", "courts", "waste"]
    dense = draft.look.style.dense
    w = np.array([6, 0.6 + urban, 0.4 + urban, 4 * max(0.0, urban - 0.6) + dense, 0.8, 0.35, 0.35, 0.12, 0.12, 0.3])
    if block.area_m2 < 2500:
        w[[2, 4, 6]] = 0
    kind = str(rng.choice(kinds, p=w / w.sum()))
    if kind == "park":
        draft.lay(block, "lawn", angle)
        draft.scatter_trees(block, 80.0, density=max(0.3, draft.look.tree_density))
    elif kind == "market":
        _market(draft, block, angle)
    elif kind == "pitch":
        draft.lay(block, "pitch", angle)
    elif kind == "courts":
        _courts(draft, block, angle)
    elif kind == "waste":
        draft.lay(block, "wild", angle)
        draft.scatter_trees(block, 200.0)
        draft.trees.groves(rng, draft.look, draft.warp, block, draft.water)
    else:
        _build_block(draft, block, kind, angle)


def _build_block(draft: Draft, block: Block, kind: str, angle: float) -> None:
    """Cut a block into lots and build on each."""
    rng, lot_m2 = draft.rng, draft.lot_m2
    wanted = {
        "houses": lot_m2,
        "rows": 0.35 * lot_m2 + 60,
        "slabs": 2600.0,
        "center": min(420.0, lot_m2),
        "industry": 4200.0,
    }
    lots, _ = subdivide(block, lambda _: wanted[kind] * 0.8, lambda *_: Cut(0.0, -1), 0.03, rng)
    low, high = {"houses": (1, 2), "rows": (2, 2), "slabs": (3, 7), "center": (2, 4), "industry": (2, 2)}[kind]
    stories = int(rng.integers(low, high + 1))
    for lot in lots:
        edge = draft.front(lot) if any(lot.margins_m > 0) else angle
        build_lot(draft, lot, kind, edge, stories)


def _courts(draft: Draft, block: Block, angle: float) -> None:
    """Ball courts of painted asphalt with lines, in a park: flat, colored and rectangular, yet land."""
    rng = draft.rng
    draft.lay(block, "lawn", angle)
    draft.scatter_trees(block, 400.0)
    ring = draft.warp(block.ring)
    colors: tuple[Rgb, ...] = ((150, 84, 66), (84, 124, 96), (76, 104, 148), (132, 132, 130), (178, 112, 82))
    outer, inner = (vary(rng, colors[int(rng.integers(len(colors)))]) for _ in range(2))
    center = ring.mean(axis=0)
    start = Frame(float(center[0]), float(center[1]), angle)
    for k in range(-2, 3):
        frame = Frame(*start.at(19.0 * k, 0.0), angle)
        if not inside_ring(ring, np.array([frame.x, frame.y]), 19.0) or not draft.dry(
            np.array([frame.x, frame.y]), 20.0
        ):
            continue
        at = (frame.x, frame.y)
        for half, z, rgb in (
            ((8.9, 17.5), 0.03, outer),
            ((5.6, 12.0), 0.02, (226.0, 226.0, 224.0)),
            ((5.45, 11.85), 0.02, inner),
        ):
            draft.solids.add(at, angle, half, z, FLAT, rgb, cls=0, relative=True)
        for v in (-6.4, 0.0, 6.4):
            draft.solids.add(frame.at(0, v), angle, (5.5, 0.07), 0.02, FLAT, (226, 226, 224), cls=0, relative=True)


def _market(draft: Draft, block: Block, angle: float) -> None:
    """A parking lot, usually with a big store on it."""
    rng = draft.rng
    draft.lay(block, "parking", angle)
    ring = draft.warp(block.ring)
    taken: tuple[Points, float] | None = None
    if rng.random() < 0.75 or block.area_m2 > 7000:
        center = ring.mean(axis=0) + rng.normal(0, 3, 2)
        hu, hv = inscribed(ring, center, angle, rng.uniform(1.0, 1.8))
        size = rng.uniform(0.45, 0.7)
        if draft.dry(center, hu):
            add_hall(
                draft.solids, rng, draft.look, Frame(float(center[0]), float(center[1]), angle), (hu * size, hv * size)
            )
            taken = (center, float(np.hypot(hu, hv)) * size + 2)
    _park_cars(draft, ring, angle, taken)


def _park_cars(draft: Draft, ring: Points, angle: float, taken: tuple[Points, float] | None) -> None:
    """Fill a share of the stalls, in the rows that are painted."""
    if not draft.fine:
        return
    rng = draft.rng
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    local = ring @ turn
    share = rng.uniform(0.15, 0.75)
    for row in np.arange(np.floor(local[:, 1].min() / ROW_M) * ROW_M, local[:, 1].max(), ROW_M):
        for offset in (2.6, ROW_M - 2.6):
            for u in np.arange(np.floor(local[:, 0].min() / STALL_M) * STALL_M, local[:, 0].max(), STALL_M):
                p = turn @ np.array([u + STALL_M / 2, row + offset])
                free = taken is None or np.hypot(*(p - taken[0])) > taken[1]
                if rng.random() < share and free and inside_ring(ring, p, STALL_M) and draft.dry(p, 3.0):
                    add_car(draft.solids, rng, (float(p[0]), float(p[1])), angle + np.pi / 2, stall=True)
