"""A stretch of a group's outline: from raw vertices to lines, and the nodes that slide along what becomes of them."""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.sides import WALL
from fctl_geo.square.band import leaves_band, nearest_place
from fctl_geo.square.directions import add_up
from fctl_geo.square.lines import Lines, Outline, classify
from fctl_geo.square.outcomes import SHORT
from fctl_geo.system.kernels import inner

FINE = 256
"""New corners lie on this fraction of a pixel: a wall of 10 px is then right-angled to a hundredth of a degree."""
SNAP = 1.0
"""A wall that ends within this many tolerances of a corner of the outline ends in the corner."""
UPRIGHT = 0.94
"""Cosine of the largest angle between a wall and the perpendicular at which it counts as one: 20 degrees."""
SLIDE = 2.0
"""A wall's middle moves its ends by at most this many tolerances."""


@inner
def load(arcs, chain, closed):  # type: ignore[no-untyped-def]
    """The raw outline of a chain, the room of the edge before each vertex, and the vertex at which each arc begins."""
    offset = np.zeros(chain.shape[0] + 1, np.int64)
    for i in range(chain.shape[0]):
        offset[i + 1] = offset[i] + arcs.raw[chain[i] + 1] - arcs.raw[chain[i]] - 1
    n = offset[-1] + 1
    x, y, edge = np.empty(n, np.float64), np.empty(n, np.float64), np.empty(n, np.float64)
    for i in range(chain.shape[0]):
        part = slice(arcs.raw[chain[i]], arcs.raw[chain[i] + 1])
        x[offset[i] : offset[i + 1] + 1], y[offset[i] : offset[i + 1] + 1] = arcs.x[part], arcs.y[part]
        edge[offset[i] + 1 : offset[i + 1] + 1] = arcs.room[part][1:]
    edge[0] = edge[n - 1]
    return Outline(x, y, add_up(x, y), closed), edge, offset


@inner
def owner(arcs, chain, offset, place):  # type: ignore[no-untyped-def]
    """The region to whose outline a place belongs."""
    vertex = place // 2 % offset[-1]
    i = np.searchsorted(offset, vertex, side="right") - 1
    return arcs.left[chain[min(i, chain.shape[0] - 1)]]


@inner
def first_lines(arcs, chain, offset, directions, choices, mode, tolerance_px):  # type: ignore[no-untyped-def]
    """One line for each simplified edge of the chain."""
    n = 0
    for a in chain:
        n += arcs.drawn[a + 1] - arcs.drawn[a] - 1
    size = 3 * n + 8
    lines = Lines(
        np.zeros(size, np.int64), np.zeros((size, 2), np.int64), np.zeros((size, 2), np.float64),
        np.zeros((size, 2), np.float64), np.zeros(size, np.float64),
    )  # fmt: skip
    n = 0
    for i in range(chain.shape[0]):
        a = chain[i]
        for k in range(arcs.drawn[a], arcs.drawn[a + 1] - 1):
            dx, dy = arcs.points[k + 1, 0] - arcs.points[k, 0], arcs.points[k + 1, 1] - arcs.points[k, 1]
            length = np.sqrt(dx * dx + dy * dy)
            lines.kind[n] = classify(np.arctan2(dy, dx), length, choices[arcs.left[a]], directions, mode, tolerance_px)
            lines.stretch[n, 0] = 2 * offset[i] + arcs.place[k]
            lines.stretch[n, 1] = 2 * offset[i] + arcs.place[k + 1]
            n += 1
    return lines, n


@inner
def check_band(lines, n, outline, room, corners, tolerance_px, bad, lacking):  # type: ignore[no-untyped-def]
    """Mark the sides that leave the band, see `band.leaves_band`; returns the places of all corners."""
    size = outline.x.shape[0]
    x, y = outline.x, outline.y
    period = 2 * (size - 1)
    if outline.closed:
        x, y = np.concatenate((x, x[1:], x[1:], x[1:])), np.concatenate((y, y[1:], y[1:], y[1:]))
    place, far = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.float64)
    if not outline.closed:
        place[n] = period
    base = lines.stretch[0, 0] // period * period
    for k in range(0 if outline.closed else 1, n):
        before = (k - 1) % n
        begin, end = lines.stretch[before, 0], lines.stretch[k, 1]
        if outline.closed:
            begin, end = begin - base, end - base
            while end <= begin:
                end += period
            while end - begin > period:
                end -= period
        place[k], far[k] = nearest_place(x, y, max(begin, 0) // 2, (end + 1) // 2, corners[k, 0], corners[k, 1])
        if outline.closed and k and place[k] < place[k - 1]:
            place[k] += period
    if outline.closed:
        while place[0] > place[1] and place[0] >= period:
            place[0] -= period
        place[n], far[n] = place[0] + period, far[0]
    leaves_band(outline, room, corners, place, far, tolerance_px, bad, lacking)
    return place


@inner
def slide_nodes(arcs, chain, offset, closed, lines, n, outline, corners, tolerance_px, still, out):  # type: ignore[no-untyped-def]
    """Move the nodes between the chain's arcs; returns the position of each arc's begin, and of the last one's end.

    A position counts sides: 2.25 is a quarter of the way from corner 2 to corner 3. -1: the outline has no node.
    """
    along = np.full(chain.shape[0] + 1, -1.0)
    for i in range(chain.shape[0]):
        node = arcs.begin[chain[i]]
        if node < 0:
            return along
        if i == 0 and not closed:
            along[0] = 0.0
            continue
        side = _side_at(lines, n, outline, corners, offset[i])
        ax, ay, bx, by = corners[side, 0], corners[side, 1], corners[side + 1, 0], corners[side + 1, 1]
        length = max(np.sqrt((bx - ax) ** 2 + (by - ay) ** 2), 1e-9)
        ux, uy = (bx - ax) / length, (by - ay) / length
        x, y = outline.x[offset[i]], outline.y[offset[i]]
        t = (x - ax) * ux + (y - ay) * uy
        wall = _foot_of_wall(arcs, node, ax, ay, ux, uy, still)
        if abs(wall - t) <= SLIDE * tolerance_px:
            t = wall
        if t < min(SNAP * tolerance_px, 0.5 * length):
            t = 0.0
        elif t > length - min(SNAP * tolerance_px, 0.5 * length):
            t = length
        along[i] = side + t / length
        out.node[node, 0], out.node[node, 1] = np.round((ax + t * ux) * FINE), np.round((ay + t * uy) * FINE)
    along[chain.shape[0]] = along[0] + n if closed else n
    for i in range(chain.shape[0]):
        if closed and i and along[i] < along[0]:
            along[i] += n
        if i and not along[i] > along[i - 1]:
            out.trouble[arcs.left[chain[i - 1]]] = out.trouble[arcs.left[chain[i]]] = SHORT
    if not along[chain.shape[0]] > along[chain.shape[0] - 1]:
        out.trouble[arcs.left[chain[-1]]] = SHORT
    return along


@inner
def _side_at(lines, n, outline, corners, vertex):  # type: ignore[no-untyped-def]
    """The side on which a raw vertex comes to lie: the nearest one of the stretch that it is in, and its neighbors."""
    period = 2 * (outline.x.shape[0] - 1)
    best, least_gap = 0, period
    for k in range(n):
        into = 2 * vertex - lines.stretch[k, 0]
        if outline.closed:
            into %= period
        gap = max(into - (lines.stretch[k, 1] - lines.stretch[k, 0]), 0)
        if into >= 0 and gap < least_gap:
            best, least_gap = k, gap
    chosen, least = best, np.inf
    for step in range(-1, 2):
        k = best + step
        if outline.closed:
            k %= n
        elif k < 0 or k >= n:
            continue
        _, away = nearest_place_on(corners, k, outline.x[vertex], outline.y[vertex])
        if away < least - 1e-9:
            chosen, least = k, away
    return chosen


@inner
def nearest_place_on(corners, k, x, y):  # type: ignore[no-untyped-def]
    """How far along side k a point's foot is, as a fraction, and the point's distance from the side."""
    ax, ay, bx, by = corners[k, 0], corners[k, 1], corners[k + 1, 0], corners[k + 1, 1]
    square = (bx - ax) ** 2 + (by - ay) ** 2
    t = 0.0 if square == 0.0 else min(max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / square, 0.0), 1.0)
    return t, np.sqrt((ax + t * (bx - ax) - x) ** 2 + (ay + t * (by - ay) - y) ** 2)


@inner
def _foot_of_wall(arcs, node, ax, ay, ux, uy, still):  # type: ignore[no-untyped-def]
    """How far along a side the middle of the wall at this node is, if there is one, and it is upright; else inf."""
    foot = np.inf
    for a in range(arcs.side.shape[0]):
        if arcs.side[a] != WALL or still[a] or (arcs.begin[a] != node and arcs.end[a] != node):
            continue
        first, last = arcs.raw[a], arcs.raw[a + 1] - 1
        dx, dy = arcs.x[last] - arcs.x[first], arcs.y[last] - arcs.y[first]
        length = np.sqrt(dx * dx + dy * dy)
        if length == 0.0 or abs(dx * uy - dy * ux) < UPRIGHT * length:
            continue
        sums = add_up(arcs.x[first : last + 1], arcs.y[first : last + 1])
        mx, my = arcs.x[first] + sums[-1, 1] / sums[-1, 0], arcs.y[first] + sums[-1, 2] / sums[-1, 0]
        foot = (mx - ax) * ux + (my - ay) * uy
    return foot
