"""Outlines of natural classes lose their corners: each arc is smoothed by itself, yet neighbors get the same border.

The corners of a simplified arc (`simplify`) are cut off (Chaikin 1974), in two rounds: a corner at which the arc turns
by more than `LEAST_TURN` is replaced by two points, a quarter of the way toward the neighboring points on either side,
or an eighth, or a sixteenth, and stays if none of these is allowed. So a right angle becomes four bends of 23 degrees,
and a corner of a simplified outline three more vertices at most.

A cut is allowed by the rule that the simplifier has for chords: every vertex of the old arc has a point on the new one
that is nearer to it than its reach, in rows and in columns, and these points follow each other as the vertices do. A
reach is half the clearance, and at most `reach_px`. Hence no border moves farther than that from the pixel edges,
bands of different arcs do not meet, and borders neither cross nor touch; an arc that crosses itself is not smoothed.

Junctions do not move. Arcs along the raster's edge are straight, and stay so. New points lie on a grid of 1 / UNIT px;
that they leave the line from which they were cut by up to half a unit is why every segment is checked, not only cuts.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.chords import TINY, spoiled, strays
from fctl_geo.system.kernels import inner, kernel

UNIT = 64
"""Points of smooth arcs lie on fractions of a pixel with this denominator, a multiple of `corners.GRID`."""
LEAST_REACH_PX = 2.0
"""How far borders may move where the tolerance of the simplification is smaller."""
ROUGH_PX = 1.0
"""Tolerance of the simplification where none is given: stairs must be gone before corners are cut."""
ROUNDS = 2
TRIES = 3
LEAST_TURN = 0.94
"""Cosine of the smallest turn that is cut: 20 degrees."""


@kernel
def smooth_arc(x, y, edge, points, place, reach_px, free):  # type: ignore[no-untyped-def]
    """(P, 2) the new points x, y.

    Args:
        x, y: (size,) the old arc.
        edge: (size - 1,) half the clearance of its edges.
        points, place: the simplified arc, and where on the old one its points lie (see `corners.sharpen_arc`).
        reach_px: see the module's docstring.
        free: the arc is an isolated ring without a junction.
    """
    size = x.shape[0]
    room = np.empty(size, np.float64)
    for k in range(size):
        room[k] = min(reach_px, edge[max(k - 1, 0)], edge[min(k, size - 2)])
    new, new_place = points.copy(), place.copy()
    if free:
        x3, y3 = np.concatenate((x, x[1:], x[1:])), np.concatenate((y, y[1:], y[1:]))
        room3 = np.concatenate((room, room[1:], room[1:]))
        for _ in range(ROUNDS):
            new, new_place = _cut_ring(x3, y3, room3, new, new_place, 2 * (size - 1))
    else:
        room[0] = room[size - 1] = 0.0  # the ends do not move
        for _ in range(ROUNDS):
            new, new_place = _cut_arc(x, y, room, new, new_place)
    return points.copy() if spoiled(x, y, new, new_place, reach_px) else new


@inner
def _cut_ring(x3, y3, room3, points, place, period):  # type: ignore[no-untyped-def]
    """The same for an isolated ring, whose last point is its first; the arrays have three revolutions of it."""
    m = points.shape[0] - 1
    if m < 3:
        return points, place
    ring, ring_place = np.empty((m + 2, 2), np.float64), np.empty(m + 2, np.int64)
    first = place[0] // period * period
    for k in range(m + 2):
        ring[k], ring_place[k] = points[k % m], place[k % m] - first + k // m * period
    out, out_place = _cut_arc(x3, y3, room3, ring, ring_place)
    n = out.shape[0] - 2  # without the first and the last point, which are those of the old ring
    begin, end = out_place[n] // 2 + 1, (out_place[1] + period + 1) // 2
    if strays(x3, y3, room3, begin, end, out[n, 0], out[n, 1], out[1, 0], out[1, 1]) < 0:
        return points, place
    new, new_place = np.empty((n + 1, 2), np.float64), np.empty(n + 1, np.int64)
    new[:n], new_place[:n] = out[1 : n + 1], out_place[1 : n + 1]
    new[n], new_place[n] = out[1], out_place[1] + period
    return new, new_place


@inner
def _cut_arc(x, y, room, points, place):  # type: ignore[no-untyped-def]
    """Cut all corners but the ends: new points and places."""
    n = points.shape[0]
    out, out_place = np.empty((2 * n, 2), np.float64), np.empty(2 * n, np.int64)
    out[0], out_place[0] = points[0], place[0]
    m = 1
    for k in range(1, n - 1):
        share, done = 0.25, False
        for _ in range(TRIES if _turns(points[k - 1], points[k], points[k + 1]) else 0):
            ax, ay = _between(points[k], points[k - 1], share)
            bx, by = _between(points[k], points[k + 1], share)
            before = _place_on(x, y, room, points[k - 1], place[k - 1], points[k], place[k], 1.0 - share)
            after = _place_on(x, y, room, points[k], place[k], points[k + 1], place[k + 1], share)
            if (
                _within(x, y, room, ax, ay, before)
                and _within(x, y, room, bx, by, after)
                and _holds(x, y, room, out[m - 1, 0], out[m - 1, 1], out_place[m - 1], ax, ay, before)
                and _holds(x, y, room, ax, ay, before, bx, by, after)
                and _holds(x, y, room, bx, by, after, points[k + 1, 0], points[k + 1, 1], place[k + 1])
            ):
                out[m, 0], out[m, 1], out_place[m] = ax, ay, before
                out[m + 1, 0], out[m + 1, 1], out_place[m + 1] = bx, by, after
                m += 2
                done = True
                break
            share /= 2
        if not done:
            out[m], out_place[m] = points[k], place[k]
            m += 1
    out[m], out_place[m] = points[n - 1], place[n - 1]
    return out[: m + 1].copy(), out_place[: m + 1].copy()


@inner
def _turns(a, b, c):  # type: ignore[no-untyped-def]
    """Whether the arc turns enough at b."""
    ux, uy, vx, vy = b[0] - a[0], b[1] - a[1], c[0] - b[0], c[1] - b[1]
    return ux * vx + uy * vy < LEAST_TURN * np.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy))


@inner
def _between(a, b, share):  # type: ignore[no-untyped-def]
    """The point of the grid next to the one that divides a, b."""
    px, py = a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
    return np.floor(px * UNIT + 0.5) / UNIT, np.floor(py * UNIT + 0.5) / UNIT


@inner
def _place_on(x, y, room, a, place_a, b, place_b, share):  # type: ignore[no-untyped-def]
    """The edge of the old arc beside which a point of the chord a, b lies: that after the last vertex passed."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    at, last = 0.0, place_a // 2
    for k in range(place_a // 2 + 1, (place_b + 1) // 2):
        for offset, along in ((x[k] - a[0], dx), (y[k] - a[1], dy)):
            if along != 0.0:
                at = max(at, min((offset - room[k]) / along, (offset + room[k]) / along))
        if at > share:
            break
        last = k
    return 2 * last + 1


@inner
def _within(x, y, room, px, py, place):  # type: ignore[no-untyped-def]
    """Whether a point lies in the band of an edge: the convex hull of the squares around its ends."""
    k = place // 2
    one, two = room[k], room[k + 1]
    along, off, length = px - x[k], abs(py - y[k]), x[k + 1] - x[k]
    if length == 0.0:
        along, off, length = py - y[k], abs(px - x[k]), y[k + 1] - y[k]
    if length < 0.0:
        along, length = -along, -length
    if one > two:
        one, two, along = two, one, length - along
    if along <= -one or along >= length + two:
        return False
    wide = two
    if along < length - two:  # the band widens up to here
        wide = one + (two - one) * (along + one) / (length - two + one)
    return off < wide - TINY


@inner
def _holds(x, y, room, ax, ay, place_a, bx, by, place_b):  # type: ignore[no-untyped-def]
    """Whether a chord may replace the old arc between two places."""
    return strays(x, y, room, place_a // 2 + 1, (place_b + 1) // 2, ax, ay, bx, by) >= 0
