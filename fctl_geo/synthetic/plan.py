"""The plan of one scene, from its waters down to its last tree."""

from __future__ import annotations

import numpy as np

from fctl_geo.synthetic.country import use_country
from fctl_geo.synthetic.draft import Draft, World
from fctl_geo.synthetic.grounds import draw_ground
from fctl_geo.synthetic.layout import Block, Points, Warp, inset, subdivide
from fctl_geo.synthetic.look import Look
from fctl_geo.synthetic.streets import choose_cut, lay_streets
from fctl_geo.synthetic.town import use_town
from fctl_geo.synthetic.water import WaterField, draw_water
from fctl_geo.synthetic.zones import TOWN_EDGE, draw_zones


def draw_world(seed: int, look: Look, extent_m: float, gsd_m: float) -> World:
    """Draw the plan of a square of land.

    Args:
        seed: the scene's seed.
        look: the scene's look.
        extent_m: side of the square.
        gsd_m: meters per pixel; very small objects are left out of coarse scenes.
    """
    rng = np.random.default_rng([seed, 3])
    water = _waters(seed, rng, extent_m)
    warp = Warp.draw(rng, look.warp_m)
    draft = Draft(rng, look, draw_zones(rng, extent_m, look), water, warp, gsd_m, rng.uniform(*look.style.lot_m2))
    seen = extent_m / 2 + 30 + look.warp_m
    blocks, streets = subdivide(
        _root(rng, extent_m),
        lambda p: _block_m2(draft, p),
        lambda block, depth: choose_cut(draft, block, depth),
        look.jitter_rad,
        rng,
        keep=lambda b: bool((b.ring.min(axis=0) < seen).all() and (b.ring.max(axis=0) > -seen).all()),
    )
    for block in blocks:
        _use_block(draft, block)
    pieces = lay_streets(draft, streets)
    draft.trees.riverside(rng, look, water, extent_m)
    wild = draw_ground(rng, look, "wild", 0.0)
    grounds = np.array([g.row() for g in (wild, *draft.grounds)])
    return World(look, water, draft.rings, grounds, pieces, draft.solids.array(), draft.trees.array())


def _waters(seed: int, rng: np.random.Generator, extent_m: float) -> WaterField:
    """Large scenes always have a river, small ones sometimes."""
    river = bool(rng.random() < (1.0 if extent_m >= 900 else 0.5 if extent_m >= 400 else 0.2))
    lakes = int(rng.poisson(1.0 if extent_m >= 700 else 0.3))
    return draw_water(seed, extent_m + 120, river=river, lakes=lakes)


def _root(rng: np.random.Generator, extent_m: float) -> Block:
    """A rotated square that covers the scene."""
    a = rng.uniform(0, np.pi / 2)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    corners = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]) * (0.8 * extent_m + 60)
    return Block(corners @ turn, np.zeros(4))


def _block_m2(draft: Draft, p: Points) -> float:
    return 7 * draft.lot_m2 + 1500 if draft.zones.urban(p) > TOWN_EDGE else 24000.0


def _use_block(draft: Draft, block: Block) -> None:
    urban = draft.zones.urban(block.center)
    angle = draft.front(block)
    inner = inset(block, 1.5 if urban > TOWN_EDGE else 0.3)
    if inner is None or inner.area_m2 < 60:
        return
    if urban > TOWN_EDGE:
        use_town(draft, inner, angle, urban)
    else:
        use_country(draft, inner, angle)
