"""Whether a redrawn outline stays in the band around the raw one, in which it can meet no other outline.

The test is that of `simplify`, with room for more: every raw vertex has a point on the new outline that is nearer than
its room, in rows and in columns, and these points follow each other as the vertices do. A vertex's room is half the
clearance of the group along its two edges (see `room`), and at most `MOST_MOVED` tolerances.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.chords import strays
from fctl_geo.system.kernels import inner

MOST_MOVED = 3.5
"""No corner, new or old, is farther than this many tolerances from the other outline."""
MUCH = 2.5
OFTEN = 0.1
"""At most this share of the new corners is farther than `MUCH` tolerances from the raw outline."""


@inner
def vertex_rooms(edge_room, closed):  # type: ignore[no-untyped-def]
    """(n,) the lesser room of the two edges at each vertex; edge_room[k] belongs to the edge that leads to vertex k."""
    n = edge_room.shape[0]
    room = np.empty(n, np.float64)
    for k in range(n):
        before = edge_room[k] if k else (edge_room[n - 1] if closed else edge_room[1])
        after = edge_room[k + 1] if k + 1 < n else (edge_room[1] if closed else edge_room[n - 1])
        room[k] = min(before, after)
    return room


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
def leaves_band(x, y, room, corners, place, far, tolerance_px, bad):  # type: ignore[no-untyped-def]
    """Mark the sides that leave the band.

    Args:
        x, y, room: (n,) the raw outline and its room; for a closed one, several revolutions.
        corners: (K + 1, 2) the new outline; for a closed one, its last corner is its first.
        place, far: (K + 1,) the nearest place on the raw outline to each corner, in ascending order, and its distance.
        bad: (K,) bool: side k leads from corner k to corner k + 1.
    """
    moved = 0
    n_sides = corners.shape[0] - 1
    for k in range(n_sides):
        moved += far[k + 1] > MUCH * tolerance_px
    for k in range(n_sides + 1):
        v = place[k] // 2
        most = min(room[v], room[v + place[k] % 2])
        lost = far[k] >= min(most, MOST_MOVED * tolerance_px)
        lost = lost or (far[k] > MUCH * tolerance_px and moved > OFTEN * n_sides)
        if lost and k:
            bad[k - 1] = True
        if lost and k < n_sides:
            bad[k] = True
    for k in range(n_sides):
        begin, end = place[k] // 2 + 1, (place[k + 1] + 1) // 2
        if place[k + 1] < place[k]:
            bad[k] = True
        elif not bad[k]:
            stray = strays(x, y, room, begin, end, corners[k, 0], corners[k, 1], corners[k + 1, 0], corners[k + 1, 1])
            bad[k] = stray < 0
