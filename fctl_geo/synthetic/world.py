"""Procedural aerial scenes with ground truth: plan the land, paint it tile by tile, photograph it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SettingsError
from fctl_geo.synthetic.camera import expose
from fctl_geo.synthetic.draft import World
from fctl_geo.synthetic.ground_shader import fill_rings, shade_ground
from fctl_geo.synthetic.light import box_mean, gather, shade, sweep_shadow
from fctl_geo.synthetic.look import draw_look
from fctl_geo.synthetic.plan import draw_world
from fctl_geo.synthetic.solid_shader import draw_crowns, draw_solids
from fctl_geo.synthetic.solids import linear
from fctl_geo.synthetic.street_shader import find_streets, shade_streets

CLASSES = ("land", "building", "road", "vegetation", "water")
"""Names of the ground truth's ids 0..4."""
TILE_PX = 1024
REACH_M = 3.0
"""How far beyond a street its sidewalk may extend."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """An image and what it shows."""

    rgb: NDArray[np.uint8]
    """(3, H, W)."""
    classes: NDArray[np.uint8]
    """(H, W) ids of CLASSES."""


@dataclass(frozen=True, slots=True)
class TileFrame:
    """Where a tile's samples lie."""

    x0_m: float
    y0_m: float
    step_m: float
    height: int
    width: int


def render_scene(seed: int, height_px: int, width_px: int, gsd_m: float, style: str | None = None) -> Rendered:
    """Get a procedural aerial photograph with its ground truth.

    Args:
        seed: the same seed, size, GSD and style give the same bytes.
        gsd_m: meters per pixel, 0.05..5.
        style: a name of styles.STYLES; None: chosen by the seed.
    Raises:
        SettingsError: a size below 1 px, a GSD out of range, an unknown style.
    """
    if height_px < 1 or width_px < 1:
        raise SettingsError(f"a scene of {width_px} x {height_px} px has no pixels", hint="give at least 1 x 1")
    if not 0.05 <= gsd_m <= 5:
        raise SettingsError(f"gsd is {gsd_m} m, the procedural world allows 0.05 to 5")
    look = draw_look(seed, style)
    world = draw_world(seed, look, max(max(height_px, width_px) * gsd_m, 60.0), gsd_m)
    light = np.empty((3, height_px, width_px), dtype=np.float32)
    classes = np.empty((height_px, width_px), dtype=np.uint8)
    corner = (-width_px * gsd_m / 2, -height_px * gsd_m / 2)
    for top in range(0, height_px, TILE_PX):
        for left in range(0, width_px, TILE_PX):
            part = np.s_[top : min(top + TILE_PX, height_px), left : min(left + TILE_PX, width_px)]
            at = (corner[0] + left * gsd_m, corner[1] + top * gsd_m)
            paint_tile(world, seed, at, gsd_m, light[(slice(None), *part)], classes[part])
    return Rendered(expose(light, look, seed), classes)


def paint_tile(
    world: World,
    seed: int,
    at_m: tuple[float, float],
    gsd_m: float,
    light: NDArray[np.float32],
    classes: NDArray[np.uint8],
) -> None:
    """Paint one tile's light (3, h, w) and classes (h, w), in place; at_m is its upper left corner.

    Tiles fit without a seam: everything is a function of world coordinates, and each tile is painted with
    a margin toward the sun as wide as the longest shadow.
    """
    ss = 2 if gsd_m < 1.4 else 3
    step = gsd_m / ss
    look = world.look
    sun = (float(np.cos(look.sun_azimuth_rad)), float(np.sin(look.sun_azimuth_rad)))
    pads = _margins(world, sun, gsd_m)
    h, w = classes.shape
    frame = TileFrame(
        at_m[0] - pads[0] * gsd_m,
        at_m[1] - pads[1] * gsd_m,
        step,
        (h + pads[1] + pads[3]) * ss,
        (w + pads[0] + pads[2]) * ss,
    )
    albedo, height, kinds = _paint_surfaces(world, seed, frame)
    top = sweep_shadow(height, *sun, step * float(np.tan(look.sun_elevation_rad)))
    around = box_mean(height, max(1, round(2.0 / step)))
    shade(albedo, height, kinds, top, around, *sun, look.sun_elevation_rad, look.sky, step)
    gather(albedo, kinds, ss, pads[0] * ss, pads[1] * ss, light, classes)


def _margins(world: World, sun: tuple[float, float], gsd_m: float) -> tuple[int, int, int, int]:
    """Pixels to paint beyond a tile's left, top, right and bottom."""
    tallest = max([6.0, *world.solids[:, 6], *world.trees[:, 3]]) + 3
    reach = min(tallest / np.tan(world.look.sun_elevation_rad), 90.0)
    few = 3 + int(np.ceil(3.0 / gsd_m))
    far = [few + int(np.ceil(max(0.0, side) * reach / gsd_m)) for side in (-sun[0], -sun[1], sun[0], sun[1])]
    return far[0], far[1], far[2], far[3]


def _paint_surfaces(
    world: World, seed: int, f: TileFrame
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Albedo (h, w, 3), height (h, w) in meters and class (h, w) of a tile's samples."""
    look, at = world.look, (f.x0_m, f.y0_m, f.step_m)
    ids = np.zeros((f.height, f.width), dtype=np.int32)
    fill_rings(ids, *_rings_in(world, f), *at)
    albedo = np.empty((f.height, f.width, 3), dtype=np.float32)
    height = np.zeros((f.height, f.width), dtype=np.float32)
    classes = np.zeros((f.height, f.width), dtype=np.uint8)
    sand = np.array(linear(look.style.soil[0]))
    w = world.water
    shade_ground(
        ids,
        albedo,
        height,
        classes,
        world.grounds,
        w.distance_m,
        w.origin_m,
        w.cell_m,
        np.array(linear(look.water)),
        sand,
        *at,
        seed,
    )
    _paint_streets(world, seed, f, albedo, height, classes)
    solids = _seen(world.solids, world.solids[:, 4] + world.solids[:, 5], f)
    draw_solids(solids, albedo, height, classes, *at)
    draw_crowns(_seen(world.trees, 1.4 * world.trees[:, 2], f), albedo, height, classes, *at)
    return albedo, height, classes


def _paint_streets(
    world: World,
    seed: int,
    f: TileFrame,
    albedo: NDArray[np.float32],
    height: NDArray[np.float32],
    classes: NDArray[np.uint8],
) -> None:
    s = world.streets
    middle = np.column_stack([(s[:, 0] + s[:, 2]) / 2, (s[:, 1] + s[:, 3]) / 2, s[:, 2:]])
    near = _mask(middle, 5.0 + s[:, 5] + REACH_M, f)
    pieces = s[near]
    shape = (f.height, f.width)
    which = np.full(shape, -1, dtype=np.int32)
    outside, along, lateral = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    at = (f.x0_m, f.y0_m, f.step_m)
    other = np.full(shape, 1e3, dtype=np.float32)
    find_streets(pieces, which, outside, other, along, lateral, *at, REACH_M)
    asphalt, dirt = np.array(linear(world.look.asphalt)), np.array(linear(world.look.dirt))
    shade_streets(which, outside, other, along, lateral, pieces, albedo, height, classes, asphalt, dirt, *at, seed)


def _mask(rows: NDArray[np.float64], reach_m: NDArray[np.float64], f: TileFrame) -> NDArray[np.bool_]:
    """Rows (x, y, ...) that extend into a tile."""
    x, y = rows[:, 0], rows[:, 1]
    return np.asarray(
        (x + reach_m > f.x0_m)
        & (x - reach_m < f.x0_m + f.width * f.step_m)
        & (y + reach_m > f.y0_m)
        & (y - reach_m < f.y0_m + f.height * f.step_m)
    )


def _seen(rows: NDArray[np.float64], reach_m: NDArray[np.float64], f: TileFrame) -> NDArray[np.float64]:
    return np.ascontiguousarray(rows[_mask(rows, reach_m, f)])


def _rings_in(
    world: World, f: TileFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int32]]:
    """Corners (xs, ys), starts and numbers of the parcels that touch a tile."""
    right, low = f.x0_m + f.width * f.step_m, f.y0_m + f.height * f.step_m
    kept = [
        k
        for k, r in enumerate(world.rings)
        if r[:, 0].max() > f.x0_m and r[:, 0].min() < right and r[:, 1].max() > f.y0_m and r[:, 1].min() < low
    ]
    corners = np.concatenate([np.zeros((0, 2)), *(world.rings[k] for k in kept)])
    starts = np.concatenate([[0], np.cumsum([len(world.rings[k]) for k in kept])]).astype(np.int64)
    return (
        np.ascontiguousarray(corners[:, 0]),
        np.ascontiguousarray(corners[:, 1]),
        starts,
        np.array(kept, dtype=np.int32) + 1,
    )
