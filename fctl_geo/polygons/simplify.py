"""Shared-border simplification: each polygon is simplified by itself, yet neighbors get the same border.

A ring is split at its junctions (corners where three or more boundaries meet, and the raster's own corners), which
never move. The pieces between them are arcs. An arc is put into an order that is the same for both of its sides, and
redrawn with few vertices. A chord may replace a stretch of the arc if

    every vertex of the stretch has a point on the chord that is nearer to it than its reach, in rows and in columns,
    and these points follow each other along the chord as the vertices do along the arc.

A vertex's reach is half the clearance of its two edges (see `clearance`), and at most the tolerance. Hence no
border leaves a band around its old position, and the bands of different arcs do not meet: borders cannot cross or
touch, polygons stay valid, and whatever lay to the left of a border still does. Only an arc could cross itself; this
is checked, and such an arc is simplified again with half the tolerance. At a reach of half a pixel it cannot happen.

Where boundaries run one pixel apart, the reach is half a pixel, however large the tolerance: lines through the middle
of staircases are still found there, but single pixels and spikes of one pixel remain.

Vertices are chosen in three passes: first with the Douglas-Peucker algorithm (1973), which is fast and finds the true
corners; then, where many old edges remain, with the fewest segments (Imai and Iri 1988) over vertices and edge
midpoints; finally, corners that were cut off are restored where the walls beside them meet (`corners`).

Arcs of natural classes may then be smoothed (`smooth`); the others keep their corners.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.chords import TINY, spoiled, strays
from fctl_geo.polygons.corners import sharpen_arc, sharpen_ring
from fctl_geo.polygons.sides import clearance_of, is_kept
from fctl_geo.polygons.smooth import LEAST_REACH_PX, ROUGH_PX, UNIT, smooth_arc
from fctl_geo.polygons.state import CLOSED, DONE, JUNCTION, NODE_FREE, NODE_LIVE, NODE_TOP
from fctl_geo.system.kernels import inner, kernel

SAFE_REACH_PX = 0.5
"""An arc whose reaches are no larger than this cannot cross itself."""
MAX_TOLERANCE_PX = 4.0
"""Larger tolerances are capped at this: clearances are measured up to twice this distance only."""
MOST_GROWTH = 4
"""A corner that is cut in two rounds becomes four."""
LOW = np.int64(0xFFFFFFFF)
NARROW_REACH_PX = 0.75
"""Vertices with less reach are left to the second pass: chords between corners would only dent the staircases there."""
LOOK_BACK = 64
"""Candidates that a segment of the second pass may skip."""
PATIENCE = 6
"""Consecutive failures after which the second pass looks no farther back."""
LONGEST_STRETCH = 256
"""Vertices that a segment of the second pass may skip."""
CUT_COST = 0.75
"""A segment of the second pass that cuts off just one corner must save more than this fraction of a segment."""
STRAY_COST = 0.1
"""Of two paths with equally many segments the one that deviates less wins; a pixel costs this fraction of a segment."""


@kernel
def simplify_closed(st, objects, tolerance_px, smooth):  # type: ignore[no-untyped-def]
    """Simplify the rings closed since the last call: holes immediately, exteriors when their region is complete.

    Rings of `objects`, (256,) bool, are left as they are: they wait for the other objects that they touch.

    The corners of these rings are then in units of 1 / UNIT px; nodes that are no longer needed are freed. With
    `smooth` a ring may need `MOST_GROWTH` times as many: there must be room for them.
    """
    longest = np.int64(0)
    for k in range(st.scalar[CLOSED]):
        longest = max(longest, np.int64(st.length[st.closed[k]]))
    for k in range(st.scalar[DONE]):
        longest = max(longest, np.int64(st.length[st.done[k, 1]]))
    if smooth:
        longest *= MOST_GROWTH
    nodes, corners = np.empty(longest, np.int32), np.empty(longest, np.int64)
    flags, reach = np.empty(longest, np.uint8), np.empty(longest, np.uint16)
    for k in range(st.scalar[CLOSED]):
        _simplify_nodes(st, st.closed[k], tolerance_px, smooth, nodes, corners, flags, reach)
    st.scalar[CLOSED] = 0
    for k in range(st.scalar[DONE]):
        if objects[st.done[k, 2]]:
            continue
        _simplify_nodes(st, st.done[k, 1], tolerance_px, smooth, nodes, corners, flags, reach)


@inner
def _simplify_nodes(st, ring, tolerance_px, smooth, nodes, corners, flags, reach):  # type: ignore[no-untyped-def]
    n = st.length[ring]
    node = ring
    for k in range(n):
        nodes[k], corners[k], flags[k], reach[k] = node, st.corner[node], st.flags[node], st.reach[node]
        node = st.next[node]
    left = simplify_ring(corners, flags, reach, n, tolerance_px, smooth)
    for k in range(n, left):
        nodes[k] = _free_node(st)
        st.next[nodes[k - 1]] = nodes[k]
    for k in range(left):
        st.corner[nodes[k]], st.flags[nodes[k]] = corners[k], flags[k]
    st.length[ring] = left
    if left < n:
        st.next[nodes[n - 1]] = np.int32(st.scalar[NODE_FREE])
        st.scalar[NODE_FREE] = nodes[left]
        st.scalar[NODE_LIVE] -= n - left


@inner
def _free_node(st):  # type: ignore[no-untyped-def]
    node = np.int32(st.scalar[NODE_FREE])
    if node >= 0:
        st.scalar[NODE_FREE] = st.next[node]
    else:
        node = np.int32(st.scalar[NODE_TOP])
        st.scalar[NODE_TOP] += 1
    st.scalar[NODE_LIVE] += 1
    return node


@inner
def simplify_ring(corners, flags, reach, n, tolerance_px, smooth):  # type: ignore[no-untyped-def]
    """Simplify a closed ring.

    Args:
        corners: (n,) row << 32 | column of the vertices; with `smooth`, there is room for `MOST_GROWTH` times as many.
        flags: (n,) likewise, JUNCTION and PINCH.
        reach: (n,) the edge that leads to the vertex, see `sides`.
        n: number of vertices.
        tolerance_px: see the module's docstring.
        smooth: whether arcs that are not to be kept are smoothed.
    Returns:
        The number of vertices of the simplified ring, which overwrites the old one: corners in units of 1 / UNIT px,
        and flags. The ring begins at its first junction, or at an extreme vertex if it has none.
    """
    start = -1
    for k in range(n):
        if flags[k] & JUNCTION:
            start = k
            break
    free = start < 0
    if free and n == 4 and (not smooth or is_kept(reach[0])):  # a rectangle cannot be simplified
        for k in range(n):
            corners[k] *= UNIT
        return n
    if free:
        start = start_of(corners, n)
    most = MOST_GROWTH * n if smooth else n
    new_corners, new_flags = np.empty(most, np.int64), np.zeros(most, np.uint8)
    n_new = 0
    begin = 0  # from here on, positions are relative to `start`
    while begin < n:
        end = begin + 1
        while end < n and not flags[(start + end) % n] & JUNCTION:
            end += 1
        size = end - begin + 1
        if size == 2:
            new_corners[n_new], new_flags[n_new] = corners[(start + begin) % n] * UNIT, flags[(start + begin) % n]
            n_new += 1
            begin = end
            continue
        x, y, edge = np.empty(size, np.float64), np.empty(size, np.float64), np.empty(size - 1, np.float64)
        backwards = _load_arc(corners, reach, n, start + begin, x, y, edge)
        rounded = smooth and not is_kept(reach[(start + begin + 1) % n])
        points = _redraw(x, y, edge, tolerance_px, rounded, free)
        new_flags[n_new] = flags[(start + begin) % n]
        for k in range(points.shape[0] - 1):  # its last point is the next arc's first
            point = points[points.shape[0] - 1 - k if backwards else k]
            new_corners[n_new] = np.int64(UNIT * point[1]) << 32 | np.int64(UNIT * point[0])
            n_new += 1
        begin = end
    corners[:n_new], flags[:n_new] = new_corners[:n_new], new_flags[:n_new]
    return n_new


@inner
def _redraw(x, y, edge, tolerance_px, rounded, free):  # type: ignore[no-untyped-def]
    """(P, 2) the points of an arc, simplified and perhaps smoothed; as it is without a tolerance."""
    size = x.shape[0]
    points, place = np.empty((size, 2), np.float64), 2 * np.arange(size)
    points[:, 0], points[:, 1] = x, y
    tolerance = tolerance_px if tolerance_px > 0.0 or not rounded else ROUGH_PX
    if tolerance > 0.0 and not (free and size == 5):  # a rectangle cannot be simplified
        simple, simple_place = simplify_arc(x, y, edge, tolerance, free)
        points, place = simple.copy(), simple_place.copy()
    if rounded:
        points = smooth_arc(x, y, edge, points, place, max(tolerance, LEAST_REACH_PX), free)
    return points


@inner
def start_of(corners, n):  # type: ignore[no-untyped-def]
    """Where a ring without a junction begins: the same for both of its sides."""
    return _farthest(corners, n, corners[_first_corner(corners, n)])


@inner
def _first_corner(corners, n):  # type: ignore[no-untyped-def]
    best = 0
    for k in range(1, n):
        if corners[k] < corners[best]:
            best = k
    return best


@inner
def _farthest(corners, n, origin):  # type: ignore[no-untyped-def]
    """The vertex farthest from a corner, the first in raster order if tied: a vertex of the convex hull."""
    best, best_distance = 0, np.int64(-1)
    for k in range(n):
        rows, cols = (corners[k] >> 32) - (origin >> 32), (corners[k] & LOW) - (origin & LOW)
        distance = rows * rows + cols * cols
        if distance > best_distance or (distance == best_distance and corners[k] < corners[best]):
            best, best_distance = k, distance
    return best


@inner
def _load_arc(corners, reach, n, first, x, y, edge):  # type: ignore[no-untyped-def]
    """Copy an arc in the order that both of its sides agree on; True if that reverses the ring's order.

    The arc starts at the end that comes first in raster order; if it is closed, toward the neighbor that comes first.
    """
    size = x.shape[0]
    one, two = corners[first % n], corners[(first + size - 1) % n]
    if one == two:
        one, two = corners[(first + 1) % n], corners[(first + size - 2) % n]
    backwards = two < one
    for k in range(size):
        at = (first + (size - 1 - k if backwards else k)) % n
        x[k], y[k] = corners[at] & LOW, corners[at] >> 32
    for k in range(size - 1):
        at = (first + (size - 1 - k if backwards else k + 1)) % n
        edge[k] = clearance_of(reach[at]) / 2.0
    return backwards


@kernel
def simplify_arc(x, y, edge, tolerance_px, free):  # type: ignore[no-untyped-def]
    """(P, 2) the new points x, y, and their places; `free`: the arc is an isolated ring without a junction."""
    size = x.shape[0]
    room = np.empty(size, np.float64)
    keep = np.empty(size, np.bool_)
    cap = tolerance_px
    while True:
        for k in range(size):
            room[k] = min(cap, edge[max(k - 1, 0)], edge[min(k, size - 2)])
        _thin_out(x, y, room, keep, free)
        points, place = _fewest_segments(x, y, room, keep)
        if free:
            points, place = sharpen_ring(x, y, room, points, place)
        else:
            points, place = sharpen_arc(x, y, room, points, place)
        if cap <= SAFE_REACH_PX or not spoiled(x, y, points, place, cap):
            return points, place
        cap = max(cap / 2, SAFE_REACH_PX)


@inner
def _thin_out(x, y, room, keep, free):  # type: ignore[no-untyped-def]
    """The first pass: mark the vertices to keep; a stretch is split where it deviates most, in units of the reach."""
    size = x.shape[0]
    for k in range(size):
        keep[k] = room[k] < NARROW_REACH_PX
    keep[0] = keep[size - 1] = True
    if free:  # a second end far from the first, so that the ring has two sides
        keep[_most_distant(x, y, room, 0, size - 1)] = True
    kept = np.flatnonzero(keep)
    stack = np.empty((size + 2, 2), np.int64)
    height = kept.shape[0] - 1
    stack[:height, 0], stack[:height, 1] = kept[:-1], kept[1:]
    while height:
        height -= 1
        i, j = stack[height, 0], stack[height, 1]
        if j - i < 2 or strays(x, y, room, i + 1, j, x[i], y[i], x[j], y[j]) >= 0:
            continue
        middle = _most_distant(x, y, room, i, j)
        keep[middle] = True
        stack[height, 0], stack[height, 1] = i, middle
        stack[height + 1, 0], stack[height + 1, 1] = middle, j
        height += 2


@inner
def _candidates(x, y, keep):  # type: ignore[no-untyped-def]
    """The vertices that were kept, and the midpoints of edges that were kept: points (C, 2) and their places (C,).

    The place of vertex k is 2 k, that of the midpoint of the edge that follows it 2 k + 1.
    """
    kept = np.flatnonzero(keep)
    points, place = np.empty((2 * kept.shape[0], 2), np.float64), np.empty(2 * kept.shape[0], np.int64)
    n = 0
    for k in range(kept.shape[0]):
        v = kept[k]
        points[n, 0], points[n, 1], place[n] = x[v], y[v], 2 * v
        n += 1
        if k + 1 < kept.shape[0] and kept[k + 1] == v + 1:
            points[n, 0], points[n, 1], place[n] = (x[v] + x[v + 1]) / 2, (y[v] + y[v + 1]) / 2, 2 * v + 1
            n += 1
    return points[:n], place[:n]


@inner
def _fewest_segments(x, y, room, keep):  # type: ignore[no-untyped-def]
    """The second pass: points and places of the path over the candidates with the fewest segments."""
    points, place = _candidates(x, y, keep)
    n = points.shape[0]
    cost, before = np.zeros(n), np.zeros(n, np.int64)
    for j in range(1, n):
        cost[j], before[j] = cost[j - 1] + 1.0, j - 1
        failures = 0
        for i in range(j - 2, max(j - LOOK_BACK, 0) - 1, -1):
            begin, end = place[i] // 2 + 1, (place[j] + 1) // 2
            if failures == PATIENCE or end - begin > LONGEST_STRETCH:
                break
            stray = strays(x, y, room, begin, end, points[i, 0], points[i, 1], points[j, 0], points[j, 1])
            if stray < 0:
                failures += 1
                continue
            failures = 0
            total = cost[i] + 1.0 + STRAY_COST * stray + (CUT_COST if end - begin == 1 else 0.0)
            if total < cost[j] - TINY:
                cost[j], before[j] = total, i
    chosen = np.empty(n, np.int64)
    at, k = n - 1, n
    while True:
        k -= 1
        chosen[k] = at
        if at == 0:
            break
        at = before[at]
    return points[chosen[k:]], place[chosen[k:]]


@inner
def _most_distant(x, y, room, i, j):  # type: ignore[no-untyped-def]
    """The vertex between i and j farthest from the segment i, j, in units of its reach; the first one if tied."""
    dx, dy = x[j] - x[i], y[j] - y[i]
    square = dx * dx + dy * dy
    best, best_distance = i + 1, -1.0
    for k in range(i + 1, j):
        px, py = x[k] - x[i], y[k] - y[i]
        t = 0.0 if square == 0.0 else min(max((px * dx + py * dy) / square, 0.0), 1.0)
        distance = ((px - t * dx) ** 2 + (py - t * dy) ** 2) / room[k] ** 2
        if distance > best_distance + TINY:
            best, best_distance = k, distance
    return best
