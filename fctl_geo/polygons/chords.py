"""Which vertices a chord may replace, and whether chords meet: the tests behind simplification."""

from __future__ import annotations

import numpy as np

from fctl_geo.system.kernels import inner

TINY = 1e-9


@inner
def strays(x, y, room, begin, end, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """Mean distance of the vertices begin..end - 1 from the chord a, b; -1 if it may not replace them."""
    dx, dy = bx - ax, by - ay
    if dx == 0.0 and dy == 0.0:  # a closed arc must not shrink to a point
        return -1.0
    at = 0.0  # position along the chord, 0 to 1
    total = 0.0
    for k in range(begin, end):
        low, high = at, 1.0
        for offset, along in ((x[k] - ax, dx), (y[k] - ay, dy)):
            if along == 0.0:
                if abs(offset) >= room[k] - TINY:
                    return -1.0
            else:
                enter, leave = (offset - room[k]) / along, (offset + room[k]) / along
                low, high = max(low, min(enter, leave)), min(high, max(enter, leave))
        if low >= high - TINY:
            return -1.0
        at = low
        total += abs((x[k] - ax) * dy - (y[k] - ay) * dx)
    return total / np.sqrt(dx * dx + dy * dy) / max(end - begin, 1)


@inner
def spoiled(x, y, points, place, cap):  # type: ignore[no-untyped-def]
    """Whether the new arc meets itself or, if it is closed, loses more than half its area.

    Two places on one arc whose bands meet are connected by the arc within a square of 2 * cap around one of them, and
    thus by fewer than (4 * cap + 1) ** 2 pixel edges: only stretches that close along the arc are compared.
    """
    n = points.shape[0]
    closed = x[0] == x[-1] and y[0] == y[-1]
    if closed and (n < 4 or _area(points[:, 0], points[:, 1]) < 0.5 * _area(x, y)):
        return True
    along = _pixel_edges(x, y, place)
    near = (4 * cap + 1) ** 2
    segments = n - 1
    for p in range(segments):
        for q in range(p + 1, 2 * segments if closed else segments):
            s = q % segments
            if s == p or along[s] + (along[segments] - along[0] if q >= segments else 0.0) - along[p + 1] > near:
                break
            adjacent = q == p + 1 or (closed and (s + 1) % segments == p)
            if _meet(points[p], points[p + 1], points[s], points[s + 1], adjacent):
                return True
    return False


@inner
def _pixel_edges(x, y, place):  # type: ignore[no-untyped-def]
    """(P,) pixel edges along the arc from its start to each place, over several revolutions if it is closed."""
    size = x.shape[0]
    way = np.zeros(size)
    for v in range(1, size):
        way[v] = way[v - 1] + abs(x[v] - x[v - 1]) + abs(y[v] - y[v - 1])
    along = np.empty(place.shape[0])
    for k in range(place.shape[0]):
        v = (place[k] + 1) // 2  # an edge counts as the vertex at its end
        rounds = (v - 1) // (size - 1) if v else 0
        along[k] = rounds * way[size - 1] + way[v - rounds * (size - 1)]
    return along


@inner
def _area(x, y):  # type: ignore[no-untyped-def]
    """Area of a ring whose last vertex is its first."""
    total = 0.0
    for k in range(x.shape[0] - 1):
        total += x[k] * y[k + 1] - x[k + 1] * y[k]
    return abs(total) / 2


@inner
def _side(a, b, c):  # type: ignore[no-untyped-def]
    """Sign of the turn a, b, c; exact, because coordinates are multiples of an eighth of a pixel."""
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return int(turn > 0) - int(turn < 0)


@inner
def _meet(a, b, c, d, adjacent):  # type: ignore[no-untyped-def]
    """Whether the segments a, b and c, d meet; if they are adjacent, anywhere but at the point they share."""
    if adjacent:
        at, one, two = (b, a, d) if b[0] == c[0] and b[1] == c[1] else (a, b, c)
        ahead = (one[0] - at[0]) * (two[0] - at[0]) + (one[1] - at[1]) * (two[1] - at[1])
        return _side(one, at, two) == 0 and ahead > 0
    for axis in range(2):
        if max(a[axis], b[axis]) < min(c[axis], d[axis]) or max(c[axis], d[axis]) < min(a[axis], b[axis]):
            return False
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0
