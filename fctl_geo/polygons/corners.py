"""The last pass of simplification: corners that were cut off are restored where the walls beside them meet."""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.chords import strays
from fctl_geo.system.kernels import inner

GRID = 8
"""New corners lie on eighths of a pixel, so that computations with them are exact."""
LEAST_TURN = 0.2
"""Sine of the smallest angle at which walls may meet: nearly parallel ones meet too far away, or just anywhere."""


@inner
def sharpen_arc(x, y, room, points, place):  # type: ignore[no-untyped-def]
    """Replace a segment by the point where its two neighbors meet, where the band allows it.

    Args:
        x, y, room: (size,) the old arc and its reaches.
        points, place: (P, 2) and (P,) the new arc, and where on the old one its points lie
            (2 k: vertex k; 2 k + 1: the edge that follows it).
    Returns:
        New points and places; the ends are unchanged.
    """
    n = points.shape[0]
    out, out_place = np.empty_like(points), np.empty_like(place)
    out[0], out_place[0] = points[0], place[0]
    m = 1
    for k in range(1, n):
        if m >= 2 and k + 1 < n:
            corner, at = _corner(
                x, y, room, out[m - 2], out[m - 1], points[k], points[k + 1],
                out_place[m - 2], out_place[m - 1], place[k], place[k + 1],
            )  # fmt: skip
            if at >= 0:
                out[m - 1, 0], out[m - 1, 1], out_place[m - 1] = corner[0], corner[1], at
                continue
        out[m], out_place[m] = points[k], place[k]
        m += 1
    return out[:m], out_place[:m]


@inner
def sharpen_ring(x, y, room, points, place):  # type: ignore[no-untyped-def]
    """The same for an isolated ring, whose last point is its first: that point may be replaced, too.

    Places keep counting through a second and third revolution.
    """
    m = points.shape[0] - 1
    period = 2 * (x.shape[0] - 1)
    longest, length = 0, -1.0
    for k in range(m):
        along = (points[k + 1, 0] - points[k, 0]) ** 2 + (points[k + 1, 1] - points[k, 1]) ** 2
        if along > length:
            longest, length = k, along
    x2, y2 = np.concatenate((x, x[1:], x[1:])), np.concatenate((y, y[1:], y[1:]))
    room2 = np.concatenate((room, room[1:], room[1:]))
    ring, ring_place = np.empty((m + 2, 2), np.float64), np.empty(m + 2, np.int64)  # the longest segment at both ends
    for k in range(m + 2):
        at = longest + k
        ring[k], ring_place[k] = points[at % m], place[at % m] + at // m * period
    out, out_place = sharpen_arc(x2, y2, room2, ring, ring_place)
    last = out.shape[0] - 2
    # out[0] is now called out[last], and the first and last segment may have changed at both of their ends
    begin, end = out_place[last] // 2 + 1, (out_place[1] + period + 1) // 2
    stray = strays(x2, y2, room2, begin, end, out[last, 0], out[last, 1], out[1, 0], out[1, 1])
    if last < 3 or (end > begin and stray < 0):
        return points, place
    closed, closed_place = np.empty((last + 1, 2), np.float64), np.empty(last + 1, np.int64)
    closed[0], closed_place[0] = out[last], out_place[last]
    closed[1:], closed_place[1:] = out[1 : last + 1], out_place[1 : last + 1] + period
    return closed, closed_place


@inner
def _corner(x, y, room, a, b, c, d, place_a, place_b, place_c, place_d):  # type: ignore[no-untyped-def]
    """Where the walls a, b and c, d meet, and the point's place on the old arc (-1: they may not be extended)."""
    nothing = (0.0, 0.0)
    ux, uy, vx, vy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    cut = (c[0] - b[0]) ** 2 + (c[1] - b[1]) ** 2
    one, two = ux * ux + uy * uy, vx * vx + vy * vy
    turn = ux * vy - uy * vx
    if one < cut or two < cut or abs(turn) < LEAST_TURN * np.sqrt(one * two):
        return nothing, -1
    t = ((c[0] - a[0]) * vy - (c[1] - a[1]) * vx) / turn
    place, px, py = _into_band(x, y, room, a[0] + t * ux, a[1] + t * uy, place_b, place_c)
    if place <= place_a or place >= place_d:
        return nothing, -1
    if strays(x, y, room, place_a // 2 + 1, (place + 1) // 2, a[0], a[1], px, py) < 0:
        return nothing, -1
    if strays(x, y, room, place // 2 + 1, (place_d + 1) // 2, px, py, d[0], d[1]) < 0:
        return nothing, -1
    return (px, py), place


@inner
def _into_band(x, y, room, px, py, place_b, place_c):  # type: ignore[no-untyped-def]
    """Pull a point toward the nearest old edge between two places until it is well within its reach.

    Returns:
        The point's place on the old arc (-1: there is no edge), and its coordinates.
    """
    best, place, qx, qy = np.inf, -1, 0.0, 0.0
    for k in range(place_b // 2, (place_c + 1) // 2):
        nx = min(max(px, min(x[k], x[k + 1])), max(x[k], x[k + 1]))
        ny = min(max(py, min(y[k], y[k + 1])), max(y[k], y[k + 1]))
        far = max(abs(px - nx), abs(py - ny))
        spare = min(room[k], room[k + 1]) - 1.5 / GRID
        if far - spare < best:
            best = far - spare
            at_vertex = int(nx == x[k + 1] and ny == y[k + 1]) - int(nx == x[k] and ny == y[k])
            place = 2 * k + 1 + at_vertex
            qx = np.round((nx + min(max(px - nx, -spare), spare)) * GRID) / GRID
            qy = np.round((ny + min(max(py - ny, -spare), spare)) * GRID) / GRID
    return place, qx, qy
