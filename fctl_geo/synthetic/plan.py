"""The plan of one scene: which land is used for what, where its streets, houses and trees stand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.grounds import Ground, draw_ground
from fctl_geo.synthetic.houses import Frame, Solids, add_car, add_hall, add_house, add_shed, add_slab, add_wall, vary
from fctl_geo.synthetic.layout import (
    DIRT,
    MAIN,
    MINOR,
    TRACK,
    Block,
    Cut,
    Points,
    Street,
    Warp,
    densify,
    inset,
    subdivide,
)
from fctl_geo.synthetic.planting import Trees
from fctl_geo.synthetic.styles import Look
from fctl_geo.synthetic.water import WaterField, draw_water


@dataclass(frozen=True, slots=True)
class World:
    """All that stands in a scene, in metres from its centre (x right, y down)."""

    look: Look
    water: WaterField
    rings: list[Points]
    """Parcels' outlines, later ones lie on earlier ones."""
    grounds: NDArray[np.float64]
    """(P + 1, 18) a `Ground` a parcel; row 0 is the open country."""
    streets: NDArray[np.float64]
    """(S, 10) pieces: ax, ay, bx, by, metres from the street's start, half width, kind, rank, seed, pavement width."""
    solids: NDArray[np.float64]
    """(B, 18), see houses.Solids."""
    trees: NDArray[np.float64]
    """(T, 9), see planting.Trees."""


@dataclass(slots=True)
class Zones:
    """How urban the land is, and where forests grow."""

    centre: Points
    radius_m: float
    forest_level: float
    waves: NDArray[np.float64]

    def urban(self, p: Points) -> float:
        """1 in the town's centre, about 0.3 at its edge, 0 outside."""
        d = float(np.hypot(*(p - self.centre))) / max(self.radius_m, 1e-3)
        return float(np.clip(1.0 - 0.7 * d + 0.12 * self._noise(p, 0), 0, 1))

    def forest(self, p: Points) -> bool:
        """Whether a piece of open country is wooded."""
        return self._noise(p, 4) > self.forest_level

    def _noise(self, p: Points, at: int) -> float:
        w = self.waves[at : at + 4]
        return float(np.sin(p[0] * w[:, 0] + p[1] * w[:, 1] + w[:, 2]).sum() / 2)


def _draw_zones(rng: np.random.Generator, extent_m: float, look: Look) -> Zones:
    if extent_m >= 700:
        centre, radius = rng.uniform(-0.22, 0.22, 2) * extent_m, rng.uniform(0.28, 0.5) * min(extent_m, 2500)
    else:
        kind = rng.choice(["town", "edge", "country"], p=[0.62, 0.25, 0.13])
        centre = rng.uniform(-0.6, 0.6, 2) * extent_m
        radius = {"town": rng.uniform(1.2, 4.0), "edge": 0.7, "country": 0.01}[str(kind)] * max(extent_m, 150.0)
    a, k = rng.uniform(0, 2 * np.pi, 8), 2 * np.pi / rng.uniform(200, 700, 8)
    waves = np.column_stack([np.cos(a) * k, np.sin(a) * k, rng.uniform(0, 7, 8)])
    level = 1.4 - 1.6 * look.tree_density * look.green + rng.normal(0, 0.2)
    return Zones(centre, radius, level, waves)


@dataclass(slots=True)
class Draft:
    """The world while it is being drawn."""

    rng: np.random.Generator
    look: Look
    zones: Zones
    water: WaterField
    warp: Warp
    gsd_m: float
    lot_m2: float
    rings: list[Points] = field(default_factory=list)
    grounds: list[Ground] = field(default_factory=list)
    solids: Solids = field(default_factory=Solids)
    trees: Trees = field(default_factory=Trees)

    def lay(self, block: Block, use: str, angle: float) -> None:
        """Cover a piece of land."""
        self.rings.append(self.warp(densify(block.ring, 12.0, closed=True)))
        self.grounds.append(draw_ground(self.rng, self.look, use, angle))

    def dry(self, points: Points, shore_m: float) -> NDArray[np.bool_]:
        """Whether points lie at least so far from the water."""
        return np.asarray(self.water.at(points) > shore_m)


def draw_world(seed: int, look: Look, extent_m: float, gsd_m: float) -> World:
    """Draw the plan of a square of land.

    Args:
        seed: the scene's seed.
        look: the scene's look.
        extent_m: side of the square.
        gsd_m: ground metres a pixel; very small things are left out of coarse scenes.
    """
    rng = np.random.default_rng([seed, 3])
    big = extent_m >= 700
    water = draw_water(
        seed,
        extent_m + 120,
        river=bool(rng.random() < (0.85 if big else 0.22)),
        lakes=int(rng.poisson(1.2 if big else 0.3)),
    )
    draft = Draft(
        rng,
        look,
        _draw_zones(rng, extent_m, look),
        water,
        Warp.draw(rng, look.warp_m),
        gsd_m,
        rng.uniform(*look.style.lot_m2),
    )
    a = rng.uniform(0, np.pi / 2)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    side = 0.8 * extent_m + 60
    root = Block(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]) * side @ turn, np.zeros(4))
    seen = extent_m / 2 + 30 + look.warp_m
    blocks, streets = subdivide(
        root,
        lambda p: _block_m2(draft, p),
        lambda b, depth: _choose_cut(draft, b, depth),
        look.jitter_rad,
        rng,
        keep=lambda b: bool((b.ring.min(axis=0) < seen).all() and (b.ring.max(axis=0) > -seen).all()),
    )
    for block in blocks:
        _use_block(draft, block)
    pieces = _street_pieces(draft, streets)
    draft.trees.riverside(rng, look, water, extent_m)
    wild = draw_ground(rng, look, "wild", 0.0)
    grounds = np.array([wild, *draft.grounds], dtype=np.float64)
    return World(look, water, draft.rings, grounds, pieces, draft.solids.array(), draft.trees.array())


def _block_m2(draft: Draft, p: Points) -> float:
    u = draft.zones.urban(p)
    return 7 * draft.lot_m2 + 1500 if u > 0.3 else 22000.0


def _choose_cut(draft: Draft, block: Block, depth: int) -> Cut:
    rng, style = draft.rng, draft.look.style
    u = draft.zones.urban(block.centre)
    if block.area_m2 > 250_000 or (depth < 2 and block.area_m2 > 40_000):
        return Cut(rng.uniform(3.5, 7.5), MAIN) if rng.random() < 0.8 else Cut(3.0, MINOR)
    if u > 0.25:
        return (
            Cut(rng.uniform(1.6, 3.0), DIRT) if rng.random() < style.dirt_streets else Cut(rng.uniform(2.3, 4.2), MINOR)
        )
    draw = rng.random()
    if draw < 0.3:
        return Cut(rng.uniform(1.5, 2.4), DIRT) if rng.random() < 0.6 else Cut(2.6, MINOR)
    return Cut(1.3, TRACK) if draw < 0.5 else Cut(0.0, -1)


def _use_block(draft: Draft, block: Block) -> None:
    """Decide what a block is for, and build it."""
    rng, u = draft.rng, draft.zones.urban(block.centre)
    angle = _front(draft, block)
    inner = inset(block, 1.5 if u > 0.3 else 0.3)
    if inner is None or inner.area_m2 < 60:
        return
    if u <= 0.3:
        _country(draft, inner, angle)
        return
    kinds = ["houses", "rows", "slabs", "centre", "industry", "park", "lot", "pitch", "waste"]
    w = np.array([6, 0.6 + u, 0.5 + u, 4 * max(0.0, u - 0.6), 0.8, 0.35, 0.3, 0.15, 0.3])
    kind = str(rng.choice(kinds, p=w / w.sum()))
    if kind == "park":
        draft.lay(inner, "lawn", angle)
        draft.trees.scatter(
            rng, draft.look, draft.warp, inner, max(0.3, draft.look.tree_density) * inner.area_m2 / 80, draft.water
        )
    elif kind in ("pitch", "waste", "lot"):
        draft.lay(inner, {"pitch": "pitch", "waste": "wild", "lot": "parking"}[kind], angle)
        if kind == "lot":
            _park_cars(draft, inner, angle)
        if kind == "waste":
            draft.trees.scatter(
                rng, draft.look, draft.warp, inner, draft.look.tree_density * inner.area_m2 / 150, draft.water
            )
    else:
        _build_block(draft, inner, kind, angle)


def _front(draft: Draft, block: Block) -> float:
    """Direction of the block's longest edge after the warp."""
    edges = np.roll(block.ring, -1, axis=0) - block.ring
    i = int(np.argmax(np.hypot(edges[:, 0], edges[:, 1]) * (1 + 2 * (block.margins_m > 0))))
    a, b = draft.warp(np.stack([block.ring[i], block.ring[(i + 1) % len(block.ring)]]))
    return float(np.arctan2(*(b - a)[::-1]))


def _country(draft: Draft, block: Block, angle: float) -> None:
    """Fields, meadows, orchards, woods and bare land outside the town."""
    rng, look = draft.rng, draft.look
    if draft.zones.forest(block.centre):
        draft.lay(block, "forest", angle)
        draft.trees.forest(rng, look, draft.warp, block, draft.water, draft.gsd_m)
        return
    uses = ["field", "meadow", "orchard", "bare", "wild"]
    w = np.array([4.0 * look.green + 0.4, 1.2, 0.4 * look.green, 1.5 * (1 - look.green), 1.5 * (1 - look.green) + 0.2])
    parts, _ = subdivide(
        block, lambda _: float(rng.choice([4000.0, 12000.0, 30000.0])), lambda *_: Cut(0.0, -1), 0.03, rng
    )
    for part in parts:
        use = str(rng.choice(uses, p=w / w.sum()))
        draft.lay(part, use, angle + rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.03))
        if use == "orchard":
            draft.trees.orchard(rng, look, draft.warp, part, angle, draft.water)
        elif use in ("wild", "meadow", "bare"):
            draft.trees.scatter(
                rng, look, draft.warp, part, look.tree_density * part.area_m2 / 500 * rng.random(), draft.water
            )
        if rng.random() < look.tree_density * 0.45:
            draft.trees.hedgerow(rng, look, draft.warp, part.ring, draft.water, wild=True)
    if rng.random() < 0.12:
        _build_lot(draft, block, "farm", angle, 2)


def _build_block(draft: Draft, block: Block, kind: str, angle: float) -> None:
    """Cut a block into lots and build on each."""
    rng = draft.rng
    wanted = {
        "houses": draft.lot_m2,
        "rows": 0.35 * draft.lot_m2 + 60,
        "slabs": 2600.0,
        "centre": 420.0,
        "industry": 4200.0,
    }[kind]
    lots, _ = subdivide(block, lambda _: wanted * 0.8, lambda *_: Cut(0.0, -1), 0.03, rng)
    storeys = {
        "houses": int(rng.integers(1, 3)),
        "rows": 2,
        "slabs": int(rng.integers(3, 8)),
        "centre": int(rng.integers(2, 5)),
        "industry": 2,
    }[kind]
    for lot in lots:
        edge = _front(draft, lot) if any(lot.margins_m > 0) else angle
        _build_lot(draft, lot, kind, edge, storeys)


def _inscribed(ring: Points, centre: Points, angle: float, aspect: float) -> tuple[float, float]:
    """Half sides of the largest rectangle of an aspect at a centre and angle inside a convex ring."""
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[aspect, 1.0], [aspect, -1.0]]) @ np.array([[c, s], [-s, c]])
    edges = np.roll(ring, -1, axis=0) - ring
    normals = np.column_stack([-edges[:, 1], edges[:, 0]])
    room = np.abs(((ring - centre) * normals).sum(axis=1))
    need = np.abs(corners @ normals.T).max(axis=0)
    scale = float((room / np.maximum(need, 1e-9)).min())
    return scale * aspect, scale


def _build_lot(draft: Draft, lot: Block, kind: str, angle: float, storeys: int) -> None:
    """One lot: its ground, house, sheds, wall, pool, car and trees."""
    rng, look = draft.rng, draft.look
    style = look.style
    ring = draft.warp(lot.ring)
    centre = ring.mean(axis=0)
    green = (
        rng.random()
        < look.green * {"houses": 1.1, "rows": 1.0, "slabs": 1.0, "centre": 0.25, "industry": 0.3, "farm": 0.6}[kind]
    )
    paved = (
        rng.random() < {"houses": 0.15, "rows": 0.3, "slabs": 0.3, "centre": 0.75, "industry": 0.7, "farm": 0.0}[kind]
    )
    if kind != "farm":
        draft.lay(lot, "lawn" if green else "paved" if paved else "yard", angle)
    if not draft.dry(centre, 14.0) or (kind != "centre" and rng.random() < 0.06):
        draft.trees.scatter(rng, look, draft.warp, lot, look.tree_density * lot.area_m2 / 100, draft.water)
        return
    hu, hv = _inscribed(ring, centre, angle, rng.uniform(0.9, 1.7))
    fill = rng.uniform(*style.cover)
    if kind in ("centre", "rows"):
        fill = rng.uniform(0.85, 1.0)
    most = {"houses": rng.uniform(*style.house_m) / 2, "farm": 9.0, "slabs": 34.0, "industry": 50.0}.get(kind, 13.0)
    scale = min(fill, most / max(hu, hv))
    half = (hu * scale, hv * scale)
    if min(half) < 2.2:
        draft.trees.scatter(rng, look, draft.warp, lot, look.tree_density * lot.area_m2 / 60, draft.water)
        return
    frame = Frame(float(centre[0]), float(centre[1]), angle + (rng.normal(0, 0.03) if kind == "houses" else 0.0))
    if kind == "slabs":
        add_slab(
            draft.solids,
            rng,
            look,
            frame,
            (half[0], max(5.0, min(half[1], 8.0)) if rng.random() < 0.6 else half[1]),
            storeys,
        )
    elif kind == "industry":
        add_hall(draft.solids, rng, look, frame, half)
    else:
        add_house(
            draft.solids,
            rng,
            look,
            frame,
            half,
            max(1, storeys + int(rng.integers(-1, 2)) if kind == "centre" else storeys),
        )
    _furnish(draft, lot, ring, frame, half, kind)


def _furnish(draft: Draft, lot: Block, ring: Points, frame: Frame, half: tuple[float, float], kind: str) -> None:
    """Sheds, walls, hedges, pools, cars and trees around a house."""
    rng, look, style = draft.rng, draft.look, draft.look.style
    centre = ring.mean(axis=0)
    room = float(np.sqrt(lot.area_m2)) / 2
    if kind in ("houses", "farm", "industry", "rows") and rng.random() < 0.55:
        for _ in range(int(rng.integers(1, 3 if kind != "farm" else 6))):
            corner = ring[int(rng.integers(len(ring)))]
            at = centre + (corner - centre) * rng.uniform(0.68, 0.82)
            add_shed(draft.solids, rng, look, (float(at[0]), float(at[1])), frame.angle)
    if kind in ("houses", "industry", "centre", "rows") and rng.random() < style.walls:
        rgb = vary(rng, (196, 184, 166))
        for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if np.hypot(*(b - a)) > 1:
                add_wall(draft.solids, rng, a, b, rgb)
    elif kind in ("houses", "rows") and rng.random() < style.hedges * (0.4 + look.green):
        draft.trees.hedgerow(rng, look, draft.warp, lot.ring, draft.water, wild=False)
    if kind == "houses" and rng.random() < style.pools and room > half[1] + 5:
        at = frame.at(rng.uniform(-0.4, 0.4) * half[0], rng.choice([-1, 1]) * (half[1] + 4.5))
        draft.solids.add(at, frame.angle, (5.2, 3.4), 0.1, 0, vary(rng, (206, 200, 190)), cls=0, relative=True)
        draft.solids.add(
            at, frame.angle, (4.0, 2.2), 0.02, 0, vary(rng, (88, 176, 196)), cls=0, relative=True, texture=1
        )
    if rng.random() < 0.5 and draft.gsd_m < 0.8:
        at = frame.at(rng.choice([-1, 1]) * (half[0] + 1.6), rng.uniform(-1, 1) * half[1])
        add_car(draft.solids, rng, at, frame.angle + np.pi / 2)
    density = look.tree_density * {"centre": 0.3, "industry": 0.25, "slabs": 0.8}.get(kind, 1.0)
    draft.trees.scatter(
        rng, look, draft.warp, lot, density * rng.uniform(0, 2) * lot.area_m2 / 130, draft.water, around=(frame, half)
    )


def _park_cars(draft: Draft, block: Block, angle: float) -> None:
    """Fill a share of the stalls of a car park, in the rows that its paint shows (see ground_shader)."""
    if draft.gsd_m > 0.8:
        return
    rng = draft.rng
    ring = draft.warp(block.ring)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    local = ring @ turn
    share = rng.uniform(0.15, 0.75)
    for row in np.arange(np.floor(local[:, 1].min() / 16) * 16, local[:, 1].max(), 16.0):
        for offset in (2.6, 13.4):
            for u in np.arange(np.floor(local[:, 0].min() / 2.6) * 2.6 + 1.3, local[:, 0].max(), 2.6):
                p = turn @ np.array([u, row + offset])
                if rng.random() < share and _inside(ring, p, 2.6) and draft.dry(p, 3.0):
                    add_car(draft.solids, rng, (float(p[0]), float(p[1])), angle + np.pi / 2)


def _inside(ring: Points, p: Points, margin_m: float) -> bool:
    edges = np.roll(ring, -1, axis=0) - ring
    cross = edges[:, 0] * (p - ring)[:, 1] - edges[:, 1] * (p - ring)[:, 0]
    signed = cross / np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)
    return bool((signed > margin_m).all() or (signed < -margin_m).all())


def _street_pieces(draft: Draft, streets: list[Street]) -> NDArray[np.float64]:
    """Bend the streets, drop what would run through water, and put cars and trees along them."""
    rows = []
    for street in streets:
        line = draft.warp(densify(np.stack([street.start, street.end]), 8.0))
        seed = float(draft.rng.integers(1 << 20))
        run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        paved = street.kind in (MAIN, MINOR)
        walk = draft.rng.choice([0.0, 1.2, 2.0]) if paved and draft.zones.urban(line.mean(axis=0)) > 0.25 else 0.0
        bridge = street.kind == MAIN or (street.kind == MINOR and draft.rng.random() < 0.2)
        wet = draft.water.at((line[1:] + line[:-1]) / 2) < 1.0
        for i in np.flatnonzero(~wet | bridge):
            rows.append(
                (*line[i], *line[i + 1], run[i], street.half_width_m, street.kind, street.half_width_m, seed, walk)
            )
        _along_street(draft, line, street, walk)
    return np.array(rows, dtype=np.float64).reshape(-1, 10)


def _along_street(draft: Draft, line: Points, street: Street, walk: float) -> None:
    rng = draft.rng
    lined = walk > 0 and rng.random() < draft.look.tree_density * 0.5
    for a, b in zip(line[:-1], line[1:], strict=True):
        d = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
        n = np.array([-d[1], d[0]])
        dry = bool(draft.dry(a, 4.0))
        if lined and dry:
            draft.trees.along(
                rng, draft.look, a + n * (street.half_width_m + 0.8) * rng.choice([-1.0, 1.0]), small=True
            )
        if street.kind in (MAIN, MINOR) and draft.gsd_m < 0.8 and dry and rng.random() < 0.1:
            lane = rng.choice([-1.0, 1.0])
            parked = rng.random() < 0.6 and street.kind == MINOR
            p = a + n * lane * (street.half_width_m - 1.1 if parked else street.half_width_m * 0.5)
            add_car(draft.solids, rng, (float(p[0]), float(p[1])), float(np.arctan2(d[1], d[0])))
