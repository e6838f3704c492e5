"""A group of touching objects as a planar graph: arcs that two rings share are there once, between shared nodes.

The rings come as the tracer made them, with every corner. Each is split at its junctions; a wall between two objects
of the group is found in both of their rings and becomes one arc, in the direction of the ring that came first. Every
arc is simplified here just as the tracer simplifies those of other classes, so that an arc left as it is still is the
border that a neighbor of another class has.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.sides import FREE, WALL, clearance_of, room_of, side_in
from fctl_geo.polygons.simplify import simplify_arc, start_of
from fctl_geo.polygons.state import JUNCTION
from fctl_geo.system.kernels import inner, kernel

LOW = np.int64(0xFFFFFFFF)


class Arcs(NamedTuple):
    """The graph: a struct of arrays, for numba. A arcs, N nodes, U uses of arcs by rings."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    """Raw vertices (column, row) of all arcs, one after the other, both ends included."""
    room: npt.NDArray[np.float64]
    """How far the edge that leads to the vertex may move, in pixels; meaningless for an arc's first vertex."""
    raw: npt.NDArray[np.int64]
    """(A + 1,) where each arc begins in x, y and room."""
    points: npt.NDArray[np.float64]
    """(P, 2) vertices of the simplified arcs, both ends included."""
    place: npt.NDArray[np.int64]
    """(P,) where on its own raw arc a point lies: 2 k for vertex k, 2 k + 1 for the edge that follows it."""
    drawn: npt.NDArray[np.int64]
    """(A + 1,) where each arc begins in points and place."""
    side: npt.NDArray[np.int64]
    """(A,) FREE, WALL or FIXED."""
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    """(A,) nodes at both ends; -1 for a ring without junctions."""
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    """(A,) regions on both sides; right is -1 unless it is a wall."""
    use: npt.NDArray[np.int64]
    """(U,) the arcs of all rings, in their order."""
    reverse: npt.NDArray[np.bool_]
    """(U,) whether the ring follows the arc backward."""
    uses: npt.NDArray[np.int64]
    """(rings + 1,) where each ring begins in use."""
    node: npt.NDArray[np.int64]
    """(N,) row << 32 | column of the nodes."""
    slides: npt.NDArray[np.bool_]
    """(N,) walls end here at the outline of the group: the node may slide along it."""


@kernel
def order_of(values):  # type: ignore[no-untyped-def]
    """The positions of int64 values in ascending order; equal ones keep theirs."""
    return np.argsort(values, kind="mergesort")


@inner
def _next_junction(flags, start, n, begin):  # type: ignore[no-untyped-def]
    end = begin + 1
    while end < n and not flags[(start + end) % n] & JUNCTION:
        end += 1
    return end


@inner
def _first_junction(flags):  # type: ignore[no-untyped-def]
    for k in range(flags.shape[0]):
        if flags[k] & JUNCTION:
            return k
    return -1


@inner
def _is_backward(corners, first, size):  # type: ignore[no-untyped-def]
    """Whether the order that both sides agree on is the opposite of this ring's; see `simplify`."""
    n = corners.shape[0]
    one, two = corners[first % n], corners[(first + size - 1) % n]
    if one == two:
        one, two = corners[(first + 1) % n], corners[(first + size - 2) % n]
    return two < one


@inner
def _first_edge(corners, first, size):  # type: ignore[no-untyped-def]
    """A number that only the two uses of an arc share: its first corner, and the direction in which it leaves."""
    n = corners.shape[0]
    backward = _is_backward(corners, first, size)
    one = corners[(first + size - 1 if backward else first) % n]
    two = corners[(first + size - 2 if backward else first + 1) % n]
    rows, cols = (two >> 32) - (one >> 32), (two & LOW) - (one & LOW)
    way = (0 if rows < 0 else 1) if rows else (2 if cols < 0 else 3)
    return one << 2 | way


@inner
def find_uses(corners, flags, reach, ring_ends):  # type: ignore[no-untyped-def]
    """All uses of arcs by rings: ring, first vertex within the ring, size, key (-1 unless a wall), isolated."""
    total = corners.shape[0]
    found = np.empty((total, 5), np.int64)
    n_uses = 0
    begin = 0
    for ring in range(ring_ends.shape[0]):
        own, own_flags, own_reach = corners[begin : ring_ends[ring]], flags[begin : ring_ends[ring]], reach[begin:]
        n = own.shape[0]
        start = _first_junction(own_flags)
        isolated = start < 0
        if isolated:
            start = start_of(own, n)
        at = 0
        while at < n:
            end = _next_junction(own_flags, start, n, at)
            size = end - at + 1
            first = (start + at) % n
            key = np.int64(-1)
            if side_in(own_reach[(first + 1) % n]) == WALL:
                key = _first_edge(own, first, size)
            found[n_uses, 0], found[n_uses, 1], found[n_uses, 2] = ring, first, size
            found[n_uses, 3], found[n_uses, 4] = key, isolated
            n_uses += 1
            at = end
        begin = ring_ends[ring]
    return found[:n_uses]


@kernel
def build_arcs(corners, flags, reach, ring_ends, ring_region, tolerance_px, room_px):  # type: ignore[no-untyped-def]
    """The graph of a group.

    Args:
        corners, flags, reach: the vertices of all rings; reach: the edge that leads to each, see `sides`.
        ring_ends: (rings,) where each ring ends in them.
        ring_region: (rings,) the region to which each ring belongs.
        tolerance_px: of the simplification.
        room_px: no edge may move farther than this.
    """
    found = find_uses(corners, flags, reach, ring_ends)
    n_uses = found.shape[0]
    use, reverse = np.empty(n_uses, np.int64), np.zeros(n_uses, np.bool_)
    uses = np.zeros(ring_ends.shape[0] + 1, np.int64)
    arc_of, n_arcs = _number_arcs(found, use, reverse)
    for k in range(n_uses):
        uses[found[k, 0] + 1] = k + 1
    raw, drawn = np.zeros(n_arcs + 1, np.int64), np.zeros(n_arcs + 1, np.int64)
    for a in range(n_arcs):
        raw[a + 1] = raw[a] + found[arc_of[a], 2]
    x, y, room = np.empty(raw[-1], np.float64), np.empty(raw[-1], np.float64), np.empty(raw[-1], np.float64)
    points, place = np.empty((2 * raw[-1], 2), np.float64), np.empty(2 * raw[-1], np.int64)
    side, left = np.empty(n_arcs, np.int64), np.empty(n_arcs, np.int64)
    right = np.full(n_arcs, -1, np.int64)
    ends = np.empty((n_arcs, 2), np.int64)
    for a in range(n_arcs):
        ring, first, size = found[arc_of[a], 0], found[arc_of[a], 1], found[arc_of[a], 2]
        begin = ring_ends[ring - 1] if ring else 0
        own, own_reach = corners[begin : ring_ends[ring]], reach[begin : ring_ends[ring]]
        n = own.shape[0]
        part = slice(raw[a], raw[a + 1])
        clear = np.empty(size, np.float64)
        for k in range(size):
            at = (first + k) % n
            x[raw[a] + k], y[raw[a] + k] = own[at] & LOW, own[at] >> 32
            clear[k] = clearance_of(own_reach[at]) / 2.0
            room[raw[a] + k] = min(room_of(own_reach[at]) / 2.0, room_px)
        isolated = found[arc_of[a], 4] == 1
        pieces, places = _simplified(
            x[part], y[part], clear, _is_backward(own, first, size), isolated and n == 4, isolated, tolerance_px
        )
        drawn[a + 1] = drawn[a] + places.shape[0]
        points[drawn[a] : drawn[a + 1]], place[drawn[a] : drawn[a + 1]] = pieces, places
        side[a], left[a] = side_in(own_reach[(first + 1) % n]), ring_region[ring]
        ends[a, 0] = ends[a, 1] = -1
        if not isolated:
            ends[a, 0], ends[a, 1] = own[first], own[(first + size - 1) % n]
    for k in range(n_uses):
        if reverse[k]:
            right[use[k]] = ring_region[found[k, 0]]
    node, begin_node, end_node = _number_nodes(ends)
    return Arcs(
        x, y, room, raw, points[: drawn[-1]], place[: drawn[-1]], drawn, side, begin_node, end_node, left, right,
        use, reverse, uses, node, _find_slides(node.shape[0], side, begin_node, end_node),
    )  # fmt: skip


@inner
def _number_arcs(found, use, reverse):  # type: ignore[no-untyped-def]
    """Fill in the arcs of all uses; returns, for each arc, its first use, and the number of arcs.

    The second use of a wall follows it backward, because the two objects lie on different sides.
    """
    n_uses = found.shape[0]
    order = order_of(found[:, 3].copy())
    twin = np.full(n_uses, -1, np.int64)
    for k in range(1, n_uses):
        one, two = order[k - 1], order[k]
        if found[two, 3] >= 0 and found[one, 3] == found[two, 3]:
            twin[two] = one
    arc_of = np.empty(n_uses, np.int64)
    n_arcs = 0
    for k in range(n_uses):
        if twin[k] >= 0:
            use[k], reverse[k] = use[twin[k]], True
        else:
            use[k] = n_arcs
            arc_of[n_arcs] = k
            n_arcs += 1
    return arc_of[:n_arcs], n_arcs


@inner
def _simplified(x, y, clear, backward, square, isolated, tolerance_px):  # type: ignore[no-untyped-def]
    """Points and places of the simplified arc in its own direction, although both sides agree on one."""
    size = x.shape[0]
    if size == 2 or square:
        points, place = np.empty((size, 2), np.float64), 2 * np.arange(size)
        points[:, 0], points[:, 1] = x, y
        return points, place
    own_x, own_y, edge = np.empty(size), np.empty(size), np.empty(size - 1)
    for k in range(size):
        at = size - 1 - k if backward else k
        own_x[k], own_y[k] = x[at], y[at]
    for k in range(size - 1):
        edge[k] = clear[size - 1 - k if backward else k + 1]
    points, place = simplify_arc(own_x, own_y, edge, tolerance_px, isolated)
    if not backward:
        return points, place
    period = 2 * (size - 1)
    place = (period - place)[::-1].copy()
    while place[0] < 0:
        place += period
    return points[::-1].copy(), place


@inner
def _number_nodes(ends):  # type: ignore[no-untyped-def]
    """The different corners at the ends of arcs, and the number of each arc's begin and end among them (-1: none)."""
    every = ends.flatten()
    node = np.empty(every.shape[0], np.int64)
    n = 0
    for k in order_of(every):
        if every[k] >= 0 and (n == 0 or node[n - 1] != every[k]):
            node[n] = every[k]
            n += 1
    node = node[:n].copy()
    begin, end = np.full(ends.shape[0], -1, np.int64), np.full(ends.shape[0], -1, np.int64)
    for a in range(ends.shape[0]):
        if ends[a, 0] >= 0:
            begin[a], end[a] = np.searchsorted(node, ends[a, 0]), np.searchsorted(node, ends[a, 1])
    return node, begin, end


@inner
def _find_slides(n_nodes, side, begin, end):  # type: ignore[no-untyped-def]
    free, walls, fixed = np.zeros(n_nodes, np.int64), np.zeros(n_nodes, np.int64), np.zeros(n_nodes, np.int64)
    for a in range(side.shape[0]):
        if begin[a] >= 0:
            count = free if side[a] == FREE else walls if side[a] == WALL else fixed
            count[begin[a]] += 1
            count[end[a]] += 1
    return (free == 2) & (walls >= 1) & (fixed == 0)


@kernel
def wall_keys(corners, flags, reach, ring_ends):  # type: ignore[no-untyped-def]
    """Numbers of the object's walls, which only the object on the other side has, too."""
    keys = find_uses(corners, flags, reach, ring_ends)[:, 3]
    return keys[keys >= 0]
