"""Whether a redrawn outline stays where it can meet no other group's, and how far it moves.

**Room.** Every point of it lies in the group or is nearer to a point of the raw outline than half the clearance there
(see `polygons.room`). Points that belong to two groups would be too near to both: two groups never meet, nor do a group
and the border of another class. Inward, only the tolerance limits it. Points are taken every `STRIDE_PX` along the
outline; the room is lessened by as much, so that all points between them are safe, too.

**Tolerance.** Every raw vertex has a point on the new outline that is nearer than `MOST_MOVED` tolerances, in rows and
in columns, and these points follow each other as the vertices do (as in `polygons.simplify`).
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.chords import TINY, strays
from fctl_geo.square.outcomes import MOVED, NEAR
from fctl_geo.system.kernels import inner

MOST_MOVED = 3.5
"""No corner, new or old, is farther than this many tolerances from the other outline."""
MUCH = 2.5
STRIDE_PX = 0.25
BESIDE = 16
"""Raw vertices beyond a side's own ones in which its points may have their nearest place."""
OFTEN = 0.1
"""At most this share of the new corners is farther than `MUCH` tolerances from the raw outline."""


@inner
def nearest_place(x, y, begin, end, px, py):  # type: ignore[no-untyped-def]
    """The place between two vertices of the outline that is nearest to a point, and its distance."""
    best, place = np.inf, 2 * begin
    for k in range(begin, end):
        ax, ay, bx, by = x[k], y[k], x[k + 1], y[k + 1]
        nx, ny = min(max(px, min(ax, bx)), max(ax, bx)), min(max(py, min(ay, by)), max(ay, by))
        far = np.sqrt((px - nx) ** 2 + (py - ny) ** 2)
        if far < best - 1e-9:
            best = far
            place = 2 * k + 1 + int(nx == bx and ny == by) - int(nx == ax and ny == ay)
    return place, best


@inner
def _is_outside(x, y, n, closed, place, px, py):  # type: ignore[no-untyped-def]
    """Whether a point lies outside the group, given its nearest place."""
    k = place // 2
    if place % 2 == 0:
        before, after = k - 1, k + 1
        if closed:
            before, after = (k - 1) % (n - 1), (k + 1) % (n - 1)
        elif k in (0, n - 1):
            return True
        turn = (x[k] - x[before]) * (y[after] - y[k]) - (y[k] - y[before]) * (x[after] - x[k])
        if turn != 0:
            return turn < 0  # beside a corner that points away from the group
    return (x[k + 1] - x[k]) * (py - y[k]) - (y[k + 1] - y[k]) * (px - x[k]) > 0


@inner
def _lacking_room(x, y, edge_room, closed, begin, end, enough, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """How much too near to something else a side comes; begin..end: the raw vertices along it.

    If they have `enough` room, nothing is too near.
    """
    n = x.shape[0]
    least = np.inf
    for at in range(begin, end):
        least = min(least, edge_room[(at % (n - 1) if closed else at) + 1])
    if least >= enough:
        return 0.0
    most = 0.0
    steps = int(np.ceil(np.sqrt((bx - ax) ** 2 + (by - ay) ** 2) / STRIDE_PX))
    for s in range(steps + 1):
        px, py = ax + (bx - ax) * s / max(steps, 1), ay + (by - ay) * s / max(steps, 1)
        best, place, room = np.inf, -1, 0.0
        for at in range(begin, end):
            k = at % (n - 1) if closed else at
            nx = min(max(px, min(x[k], x[k + 1])), max(x[k], x[k + 1]))
            ny = min(max(py, min(y[k], y[k + 1])), max(y[k], y[k + 1]))
            far = (px - nx) ** 2 + (py - ny) ** 2
            if far < best - 1e-9:
                best, room = far, edge_room[k + 1]
                place = 2 * k + 1 + int(nx == x[k + 1] and ny == y[k + 1]) - int(nx == x[k] and ny == y[k])
        if place == 2 * (n - 1) and closed:
            place = 0
        lacking = np.sqrt(best) + STRIDE_PX + TINY - room
        if lacking > most and _is_outside(x, y, n, closed, place, px, py):
            most = lacking
    return most


@inner
def leaves_band(outline, edge_room, corners, place, far, tolerance_px, bad, lacking):  # type: ignore[no-untyped-def]
    """Mark the sides that leave the band, or move too far.

    Args:
        outline: the raw one, see `lines.Outline`.
        edge_room: (n,) room of the edge that leads to each of its vertices.
        corners: (K + 1, 2) the new outline; for a closed one, its last corner is its first.
        place, far: (K + 1,) the nearest place on the raw outline to each corner, in ascending order, over several
            revolutions if it is closed; and its distance.
        bad: (K,) filled with MOVED or NEAR; 0: good. Side k leads from corner k to corner k + 1.
        lacking: (K,) filled with the pixels by which a side is too near to something else.
    """
    x, y, closed = outline.x, outline.y, outline.closed
    n, n_sides = x.shape[0], corners.shape[0] - 1
    most = MOST_MOVED * tolerance_px
    moved = 0
    for k in range(n_sides):
        moved += far[k + 1] > MUCH * tolerance_px
    for k in range(n_sides + 1):
        lost = far[k] >= most or (far[k] > MUCH * tolerance_px and moved > OFTEN * n_sides)
        if lost and k:
            bad[k - 1] = MOVED
        if lost and k < n_sides:
            bad[k] = MOVED
    for k in range(n_sides):
        begin, end = place[k] // 2, (place[k + 1] + 1) // 2
        if bad[k] or place[k + 1] < place[k] or end - begin > n:
            bad[k] = MOVED
            continue
        vx, vy = np.empty(max(end - begin - 1, 0), np.float64), np.empty(max(end - begin - 1, 0), np.float64)
        for v in range(vx.shape[0]):
            at = (begin + 1 + v) % (n - 1) if closed else begin + 1 + v
            vx[v], vy[v] = x[at], y[at]
        room = np.full(vx.shape[0], most)
        ax, ay, bx, by = corners[k, 0], corners[k, 1], corners[k + 1, 0], corners[k + 1, 1]
        if strays(vx, vy, room, 0, vx.shape[0], ax, ay, bx, by) < 0:
            bad[k] = MOVED
        else:
            first, last = begin - BESIDE, end + BESIDE
            if closed and last - first >= n - 1:
                first, last = 0, n - 1
            elif not closed:
                first, last = max(first, 0), min(last, n - 1)
            lacking[k] = _lacking_room(x, y, edge_room, closed, first, last, most, ax, ay, bx, by)
            if lacking[k] > 0:
                bad[k] = NEAR
