"""Right-angled outlines for groups of touching objects, with walls that they share to the last digit.

**Method.** Objects that touch form a group; it waits until its last object is complete (`squarer`). Its rings become
a graph of arcs and nodes (`arcs`), so that whatever is drawn for an arc is drawn for both of its sides. Each object
has one direction, or two (`directions`); objects of a group share them. The outline around the group, and around its
courtyards, is cut into simplified edges, each in one of its object's directions or at right angles to it; edges
become few lines of least squares through the raw outline, and corners are where lines meet (`lines`). Nodes at which
walls end slide along the new outline, once for both sides; walls between them become straight (`redraw`, `outline`).
For an object by itself, a rectangle and a circle of the same area are candidates, too (`shapes`).

**Gate.** An object keeps its simplified outline, and the others of its group are squared around it, if

- no direction explains half of its outline, nor two of them three quarters (`directions.ALONE`, `TOGETHER`);
- a new corner is more than 3.5 tolerances from the raw outline, or a raw one from the new outline, in rows or columns;
- more than a tenth of the new corners are more than 2.5 tolerances away (`band.MOST_MOVED`, `MUCH`, `OFTEN`);
- its outline would leave the object by half the distance to anything else there, although its lines were shifted back
  (`band`, `redraw.DRAWS_IN`);
- a wall would be shorter than nothing, or walls would end in the wrong order (`lines`, `outline`);
- an arc of it crosses another arc of the group, a ring turns inside out, or a hole comes to lie outside;
- its area changes by more than 15 %, or its intersection over union with its pixels is below 0.85 (`gate`).

**Law.** Polygons are valid; neighbors share their borders; two never overlap; the group's outline depends on its pixels
and on those within 7 tolerances, never on strips. Memory holds the groups that are not complete, up to a limit
(`squarer`).

**Not done.** A border with a polygon of another class, the edge of the raster, and a corner at which two objects meet
diagonally do not move; the rest of the outline is squared between them. Walls are straight lines between their ends,
or as simplified if they bend, and nodes where only walls meet do not move. Curved walls are not found, except for whole
circles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.sides import FREE, WALL
from fctl_geo.polygons.simplify import MAX_TOLERANCE_PX
from fctl_geo.polygons.state import PINCH
from fctl_geo.square.arcs import Arcs, build_arcs
from fctl_geo.square.band import MOST_MOVED
from fctl_geo.square.directions import find_directions
from fctl_geo.square.gate import crossing_regions, judge
from fctl_geo.square.outcomes import BORDERS, CROSSES, INSIDE, PLAIN, SHAPELESS, SQUARED
from fctl_geo.square.redraw import redraw, still_arcs
from fctl_geo.square.shapes import best_shape
from fctl_geo.system.kernels import kernel

ROUNDS = 12
"""Attempts at squaring a group, each without the objects that failed before; then all stay simplified."""
WING_LENGTH = 6.0
"""Walls that give an object a second direction are at least this many tolerances long."""


Ints = npt.NDArray[np.int64]


class Rings(NamedTuple):
    """Rings of some regions."""

    corners: Ints
    """(n,) row << 32 | column of their vertices."""
    flags: npt.NDArray[np.uint8]
    """(n,) JUNCTION and PINCH."""
    ends: Ints
    """(rings,) where each ring ends."""
    region: Ints
    """(rings,) the region to which each belongs, ascending from 0; the first of each region is its exterior."""


def square_group(
    raw: Rings, reach: npt.NDArray[np.uint16], why: Ints, tolerance_px: float, mode: int
) -> tuple[Rings, Ints, npt.NDArray[np.float64]]:
    """Square a group of objects that touch each other and no other object.

    Args:
        raw: all rings with every corner.
        reach: (n,) the edge that leads to each vertex, see `sides`.
        why: (regions,) PLAIN, or why the object must not be squared (see `gate`).
        tolerance_px: of the gate; outlines are simplified within it, or `MAX_TOLERANCE_PX` if that is less.
        mode: 90, 45, or 0 for any direction.
    Returns:
        The new rings in units of 1 / FINE px; for each region its outcome (see `gate`), and the intersection over
        union of its new and its raw outline.
    """
    simplify_px, room_px = min(tolerance_px, MAX_TOLERANCE_PX), MOST_MOVED * tolerance_px
    arcs = build_arcs(raw.corners, raw.flags, reach, raw.ends, raw.region, simplify_px, room_px)
    directions, choices = find_directions(arcs, len(why), WING_LENGTH * tolerance_px)
    outcome, iou = why.copy(), np.zeros(len(why))
    _refuse_enclosed(arcs, outcome)
    outcome[(outcome == PLAIN) & (choices[:, 0] < 0)] = SHAPELESS
    for attempt in range(ROUNDS + 1):
        if attempt == ROUNDS:
            outcome[outcome == PLAIN] = CROSSES
        still = still_arcs(arcs, outcome != PLAIN)
        drawing = redraw(arcs, still, len(why), directions, choices, mode, tolerance_px)
        if _refuse(drawing.trouble, outcome):
            continue
        if _refuse(CROSSES * crossing_regions(arcs, still, drawing, len(why)), outcome):
            continue
        if not judge(arcs, drawing, raw.region, outcome, iou):
            break
    outcome[outcome == PLAIN] = SQUARED
    if len(why) == 1 and arcs.begin.tolist() == [-1] and choices[0, 0] >= 0:
        right = mode == 90 and choices[0, 1] < 0
        angle = directions[choices[0, 0]]
        shape, found, fit = best_shape(arcs, drawing, angle, right, outcome[0], iou[0], tolerance_px)
        if found:
            n = len(shape)
            return Rings(shape, np.zeros(n, np.uint8), np.full(1, n), raw.region), np.full(1, found), np.full(1, fit)
    corners, flags, ends = join_arcs(arcs, drawing, len(raw.ends))
    return Rings(corners, flags, ends, raw.region), outcome, iou


def _refuse(reasons: Ints, outcome: Ints) -> bool:
    """Note why some of the regions cannot be squared; True if any."""
    failed = (reasons != PLAIN) & (outcome == PLAIN)
    outcome[failed] = reasons[failed]
    return bool(failed.any())


def _refuse_enclosed(arcs: Arcs, outcome: Ints) -> None:
    """Objects of whose outline no part is free cannot be squared."""
    free = np.isin(np.arange(len(outcome)), arcs.left[arcs.side == FREE])
    walls = np.concatenate([arcs.left[arcs.side == WALL], arcs.right[arcs.side == WALL]])
    enclosed = ~free & (outcome == PLAIN)
    outcome[enclosed] = np.where(np.isin(np.arange(len(outcome)), walls), INSIDE, BORDERS)[enclosed]


@kernel
def join_arcs(arcs, drawing, n_rings):  # type: ignore[no-untyped-def]
    """Put the rings together again: corners, flags, ends."""
    n = 0
    for a in arcs.use:
        n += drawing.span[a, 1] - drawing.span[a, 0] - 1
    corners, flags, ends = np.empty(n, np.int64), np.zeros(n, np.uint8), np.empty(n_rings, np.int64)
    n = 0
    for ring in range(n_rings):
        for u in range(arcs.uses[ring], arcs.uses[ring + 1]):
            a = arcs.use[u]
            begin, end = drawing.span[a, 0], drawing.span[a, 1]
            for k in range(end - begin - 1):
                at = end - 1 - k if arcs.reverse[u] else begin + k
                corners[n] = drawing.xy[at, 1] << 32 | drawing.xy[at, 0]
                if k == 0 and arcs.begin[a] >= 0:
                    flags[n] = PINCH  # the ring may pass here a second time
                n += 1
        ends[ring] = n
    return corners, flags, ends
