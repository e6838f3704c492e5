"""Open country: fields, meadows, orchards, woods, wild and bare land."""

from __future__ import annotations

import numpy as np

from fctl_geo.synthetic.draft import Draft
from fctl_geo.synthetic.layout import Block, Cut, inside_ring, subdivide
from fctl_geo.synthetic.lots import build_lot
from fctl_geo.synthetic.solids import KEEP_CLASS, SHED


def use_country(draft: Draft, block: Block, angle: float) -> None:
    """Cover a block outside the town."""
    rng, look = draft.rng, draft.look
    if draft.zones.wooded(block.center):
        draft.lay(block, "forest", angle)
        draft.trees.forest(rng, look, draft.warp, block, draft.water, draft.gsd_m)
        return
    size = float(rng.choice([4000.0, 12000.0, 30000.0]))
    parts, _ = subdivide(block, lambda _: size, lambda *_: Cut(0.0, -1), 0.03, rng)
    for part in parts:
        _use_part(draft, part, angle + float(rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.03)))
    if rng.random() < 0.15:
        build_lot(draft, block, "farm", angle, 2)


def _use_part(draft: Draft, part: Block, angle: float) -> None:
    rng, look = draft.rng, draft.look
    uses = ["field", "meadow", "orchard", "bare", "wild", "solar"]
    arid = 1 - look.green
    w = np.array([4.0 * look.green + 0.4, 1.0, 0.4 * look.green, 1.5 * arid, 1.5 * arid + 0.3, 0.1])
    use = str(rng.choice(uses, p=w / w.sum()))
    draft.lay(part, "meadow" if use == "solar" else use, angle)
    if use == "solar":
        _solar_farm(draft, part, angle)
        return
    if use == "orchard":
        draft.trees.orchard(rng, look, draft.warp, part, angle, draft.water)
    elif use != "field":
        draft.scatter_trees(part, 600.0, density=look.tree_density * rng.random())
        if rng.random() < look.tree_density * (0.9 if use == "wild" else 0.5):
            draft.trees.groves(rng, look, draft.warp, part, draft.water)
    if rng.random() < look.tree_density * 0.45:
        draft.trees.hedgerow(rng, look, draft.warp, part.ring, draft.water, wild=True)


def _solar_farm(draft: Draft, part: Block, angle: float) -> None:
    """Rows of panels on a meadow; the ground they stand on keeps its class."""
    ring = draft.warp(part.ring)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    local = ring @ turn
    for v in np.arange(local[:, 1].min(), local[:, 1].max(), 7.0):
        for u in np.arange(local[:, 0].min(), local[:, 0].max(), 12.4):
            p = turn @ np.array([u, v])
            if inside_ring(ring, p, 9.0) and draft.dry(p, 10.0):
                at = (float(p[0]), float(p[1]))
                draft.solids.add(at, angle, (6.0, 1.8), 0.9, SHED, (44, 52, 76), pitch=0.4, cls=KEEP_CLASS, texture=1)
