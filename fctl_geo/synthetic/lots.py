"""One lot: its ground, its house and everything around it."""

from __future__ import annotations

import numpy as np

from fctl_geo.synthetic.draft import Draft
from fctl_geo.synthetic.houses import add_house, add_shed
from fctl_geo.synthetic.large_buildings import add_hall, add_slab
from fctl_geo.synthetic.layout import Block, Points, inside_ring
from fctl_geo.synthetic.solids import KEEP_CLASS, Frame, add_car, add_wall, vary

GREEN = {"houses": 1.1, "rows": 1.0, "slabs": 1.0, "center": 0.25, "industry": 0.3, "farm": 0.6}
"""Factor on the look's share of green, by kind of lot."""
PAVED = {"houses": 0.12, "rows": 0.3, "slabs": 0.3, "center": 0.6, "industry": 0.7, "farm": 0.0}


def build_lot(draft: Draft, lot: Block, kind: str, angle: float, stories: int) -> None:
    """Cover a lot, build its house and furnish it.

    Args:
        kind: houses, rows, slabs, center, industry or farm.
        angle: direction of the street.
    """
    rng, look = draft.rng, draft.look
    ring = draft.warp(lot.ring)
    center = ring.mean(axis=0)
    green, paved = rng.random() < look.green * GREEN[kind], rng.random() < PAVED[kind]
    if kind != "farm":
        draft.lay(lot, "lawn" if green else "paved" if paved else "yard", angle)
    half = _house_size(draft, ring, center, kind, angle)
    if min(half) < 2.2 or not draft.dry(center, 6.0 + max(half)) or (kind != "center" and rng.random() < 0.05):
        draft.scatter_trees(lot, 90.0)
        return
    frame = Frame(float(center[0]), float(center[1]), angle + (rng.normal(0, 0.03) if kind == "houses" else 0.0))
    frame = _set_back(rng, frame, half, ring, kind)
    if draft.fine and kind in ("houses", "rows", "farm"):
        _pave(draft, frame, half, green)
    if kind == "slabs":
        deep = min(half[1], 8.0) if rng.random() < 0.6 and half[1] > 5 else half[1]
        add_slab(draft.solids, rng, look, frame, (half[0], deep), stories)
    elif kind == "industry":
        add_hall(draft.solids, rng, look, frame, half)
    else:
        tall = max(1, stories + int(rng.integers(-1, 2))) if kind == "center" else stories
        add_house(draft.solids, rng, look, frame, half, tall)
    _enclose(draft, lot, ring, kind)
    _furnish(draft, lot, ring, frame, half, kind)


def inscribed(ring: Points, center: Points, angle: float, aspect: float) -> tuple[float, float]:
    """Half sides of the largest rectangle of a given aspect, center and angle inside a convex ring."""
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[aspect, 1.0], [aspect, -1.0]]) @ np.array([[c, s], [-s, c]])
    edges = np.roll(ring, -1, axis=0) - ring
    normals = np.column_stack([-edges[:, 1], edges[:, 0]])
    room = np.abs(((ring - center) * normals).sum(axis=1))
    need = np.abs(corners @ normals.T).max(axis=0)
    scale = float((room / np.maximum(need, 1e-9)).min())
    return scale * aspect, scale


def _house_size(draft: Draft, ring: Points, center: Points, kind: str, angle: float) -> tuple[float, float]:
    """Half sides of the house: a share of what the lot allows, limited by its kind."""
    rng, style = draft.rng, draft.look.style
    hu, hv = inscribed(ring, center, angle, rng.uniform(0.9, 1.7))
    fill = rng.uniform(0.85, 1.0) if kind in ("center", "rows") else rng.uniform(*style.cover)
    own = rng.uniform(*style.house_m) / 2
    most = {"houses": own, "farm": 9.0, "slabs": 34.0, "industry": 50.0}.get(kind, 13.0)
    scale = min(fill, most / max(hu, hv))
    return hu * scale, hv * scale


def _set_back(rng: np.random.Generator, frame: Frame, half: tuple[float, float], ring: Points, kind: str) -> Frame:
    """Move a house toward one side of its lot, as far as there is room."""
    if kind not in ("houses", "slabs"):
        return frame
    here = np.array([frame.x, frame.y])
    shift = rng.choice([-1.0, 1.0]) * rng.uniform(0, 6)
    moved = Frame(*frame.at(0.0, shift), frame.angle)
    room = inscribed(ring, np.array([moved.x, moved.y]), frame.angle, half[0] / half[1])
    inside = inside_ring(ring, np.array([moved.x, moved.y]), 1.0) and inside_ring(ring, here, 1.0)
    return moved if inside and room[0] > half[0] else frame


def _pave(draft: Draft, frame: Frame, half: tuple[float, float], green: bool) -> None:
    """A driveway and a terrace; both are land."""
    rng = draft.rng
    stones = ((176, 170, 162), (150, 146, 142), (190, 176, 158), (160, 128, 112))
    rgb = vary(rng, stones[int(rng.integers(4))])
    if rng.random() < 0.6:
        at = frame.at(rng.choice([-0.8, 0.8]) * half[0], rng.choice([-1.0, 1.0]) * (half[1] + 3.0))
        size = (rng.uniform(1.3, 2.6), 4.0)
        draft.solids.add(at, frame.angle, size, 0.06, 0, rgb, cls=0, relative=True)
    if green and rng.random() < 0.5:
        at = frame.at(rng.uniform(-0.4, 0.4) * half[0], rng.choice([-1.0, 1.0]) * (half[1] + 1.0))
        draft.solids.add(at, frame.angle, (rng.uniform(2, 4), 2.2), 0.05, 0, rgb, cls=0, relative=True)


def _enclose(draft: Draft, lot: Block, ring: Points, kind: str) -> None:
    """A wall or a hedge around the lot."""
    rng, style = draft.rng, draft.look.style
    if kind in ("houses", "industry", "center", "rows") and rng.random() < style.walls:
        rgb = vary(rng, (186, 174, 156))
        for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if np.hypot(*(b - a)) > 1 and draft.dry(np.stack([a, (a + b) / 2, b]), 3.0):
                add_wall(draft.solids, rng, a, b, rgb)
    elif kind in ("houses", "rows") and rng.random() < style.hedges * (0.4 + draft.look.green):
        draft.trees.hedgerow(rng, draft.look, draft.warp, lot.ring, draft.water, wild=False)


def _furnish(draft: Draft, lot: Block, ring: Points, frame: Frame, half: tuple[float, float], kind: str) -> None:
    """Sheds, pools, cars, clutter and trees around a house."""
    rng, look, style = draft.rng, draft.look, draft.look.style
    if kind in ("houses", "farm", "industry", "rows") and rng.random() < 0.55:
        for _ in range(int(rng.integers(1, 3 if kind != "farm" else 6))):
            at = _corner(rng, ring, 0.68, 0.82)
            if draft.dry(np.array(at), 6.0):
                add_shed(draft.solids, rng, look, at, frame.angle)
    if kind == "houses" and rng.random() < style.pools and np.sqrt(lot.area_m2) / 2 > half[1] + 5:
        _pool(draft, frame, half)
    if rng.random() < 0.5 and draft.fine:
        at = frame.at(rng.choice([-1, 1]) * (half[0] + 1.6), rng.uniform(-1, 1) * half[1])
        if draft.dry(np.array(at), 5.0):
            add_car(draft.solids, rng, at, frame.angle + np.pi / 2)
    if draft.fine:
        most = {"industry": 14, "center": 4, "farm": 6}.get(kind, 4)
        for _ in range(int(rng.integers(0, most)) if rng.random() < 0.3 + style.clutter else 0):
            _clutter(draft, _corner(rng, ring, 0.3, 0.92), frame)
    density = look.tree_density * {"center": 0.3, "industry": 0.25, "slabs": 0.8}.get(kind, 1.0)
    count = density * rng.uniform(0, 2) * lot.area_m2 / 130
    draft.trees.scatter(rng, look, draft.warp, lot, count, draft.water, around=(frame, half))


def _corner(rng: np.random.Generator, ring: Points, near: float, far: float) -> tuple[float, float]:
    """Get a point between a lot's center and one of its corners."""
    center = ring.mean(axis=0)
    at = center + (ring[int(rng.integers(len(ring)))] - center) * rng.uniform(near, far)
    return float(at[0]), float(at[1])


def _pool(draft: Draft, frame: Frame, half: tuple[float, float]) -> None:
    """A swimming pool with a tiled border; it counts as land: only rivers and lakes are water."""
    rng = draft.rng
    at = frame.at(rng.uniform(-0.4, 0.4) * half[0], rng.choice([-1, 1]) * (half[1] + 4.5))
    size = (rng.uniform(2.8, 4.6), rng.uniform(1.6, 2.4))
    edge = (size[0] + 1.0, size[1] + 1.0)
    draft.solids.add(at, frame.angle, edge, 0.1, 0, vary(rng, (200, 194, 184)), cls=0, relative=True)
    draft.solids.add(at, frame.angle, size, 0.02, 0, vary(rng, (96, 172, 190)), cls=0, relative=True, texture=1)


def _clutter(draft: Draft, at: tuple[float, float], frame: Frame) -> None:
    """Something small in a yard, such as crates, sheets or piles; the class of the ground does not change."""
    rng = draft.rng
    if not draft.dry(np.array(at), 4.0):
        return
    colors = (
        (120, 104, 88),
        (176, 170, 160),
        (70, 96, 140),
        (150, 60, 50),
        (90, 86, 82),
        (214, 212, 206),
        (84, 104, 84),
    )
    rgb = vary(rng, colors[int(rng.integers(len(colors)))])
    half = (float(np.clip(rng.lognormal(-0.4, 0.6), 0.25, 3)), float(np.clip(rng.lognormal(-0.6, 0.5), 0.2, 1.3)))
    angle = frame.angle + (rng.uniform(0, 3) if rng.random() < 0.4 else 0.0)
    draft.solids.add(at, angle, half, rng.uniform(0.3, 1.3), 0, rgb, cls=KEEP_CLASS, relative=True)
