"""Completed regions become WKB polygons, straight from the kernel (OGC 06-103r4, 8.2; little-endian).

Exterior rings run counter-clockwise in map coordinates and holes clockwise, whatever the transform's signs. Every
ring repeats its first vertex at its end. A ring that meets itself at a corner, which happens where a region touches
itself diagonally, is split there: OGC knows rings that touch, but no ring that touches itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from fctl_geo.polygons.chains import free_label
from fctl_geo.polygons.kernel import inner, kernel
from fctl_geo.polygons.state import DONE, NODE_FREE, NODE_LIVE, PINCH

LOW = np.int64(0xFFFFFFFF)


def _store_anywhere(typing_context, array, offset, value):  # type: ignore[no-untyped-def]
    """Store a number into a uint8 array at any byte: WKB is not aligned."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), ir.PointerType(args[2].type))
        builder.store(args[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


_store: Any = intrinsic(_store_anywhere)


@inner
def _take_ring(st, ring, corners, flags):  # type: ignore[no-untyped-def]
    """Copy a ring out of the state and give its nodes back; returns its length."""
    n = st.length[ring]
    node = ring
    for k in range(n):
        corners[k], flags[k] = st.corner[node], st.flags[node]
        last = node
        node = st.next[node]
    st.next[last] = np.int32(st.scalar[NODE_FREE])
    st.scalar[NODE_FREE] = ring
    st.scalar[NODE_LIVE] -= n
    return n


@inner
def _find_twins(corners, flags, n, twin):  # type: ignore[no-untyped-def]
    """Mark the vertices at which the ring comes by a second time; True if there are any.

    twin[k] is the earlier visit of the same corner, or -1. A corner is visited twice at most.
    """
    pinches = 0
    for k in range(n):
        pinches += (flags[k] & PINCH) != 0
    if pinches < 2:
        return False
    where = np.empty(pinches, np.int64)
    pinches = 0
    for k in range(n):
        if flags[k] & PINCH:
            where[pinches] = k
            pinches += 1
    order = where[np.argsort(corners[where], kind="mergesort")]
    twin[:n] = -1
    found = False
    for k in range(1, pinches):
        if corners[order[k]] == corners[order[k - 1]]:
            twin[order[k]] = order[k - 1]
            found = True
    return found


@inner
def _split_ring(twin, n, members, ends):  # type: ignore[no-untyped-def]
    """Cut a ring at its twins into rings that visit no corner twice.

    Args:
        twin: (n,) from `_find_twins`.
        members: (n,) filled with the vertices of the first ring, of the second, and so on.
        ends: (n,) filled with the end of each ring in `members`.
    Returns:
        The number of rings.
    """
    stack = np.empty(n, np.int64)
    height = filled = rings = 0
    for k in range(n):
        if twin[k] >= 0:  # what was visited since the twin is a ring of its own
            low = height - 1
            while stack[low] != twin[k]:
                low -= 1
            for m in range(low, height):
                members[filled] = stack[m]
                filled += 1
            ends[rings] = filled
            rings += 1
            height = low
        stack[height] = k
        height += 1
    for m in range(height):
        members[filled] = stack[m]
        filled += 1
    ends[rings] = filled
    return rings + 1


@inner
def _doubled_area(corners, members, begin, end):  # type: ignore[no-untyped-def]
    """Twice the signed area; positive for rings that run like an exterior (rows point down)."""
    total = np.int64(0)
    for k in range(begin, end):
        one = corners[members[k]]
        two = corners[members[k + 1 if k + 1 < end else begin]]
        total += (two & LOW) * (one >> 32) - (one & LOW) * (two >> 32)
    return total


@inner
def _write_ring(out, at, corners, members, begin, end, transform):  # type: ignore[no-untyped-def]
    """Write the vertices members[begin:end] and the first one again; returns where to go on."""
    n = end - begin
    _store(out, at, np.uint32(n + 1))
    at += 4
    backwards = transform[0] * transform[4] - transform[1] * transform[3] > 0
    for k in range(n + 1):
        corner = corners[members[begin + ((n - k) % n if backwards else k % n)]]
        row, col = np.float64(corner >> 32), np.float64(corner & LOW)
        _store(out, at, transform[0] * col + transform[1] * row + transform[2])
        _store(out, at + 8, transform[3] * col + transform[4] * row + transform[5])
        at += 16
    return at


@inner
def _sizes(st):  # type: ignore[no-untyped-def]
    """Upper bound of the WKB's bytes, and the longest ring."""
    total = longest = np.int64(0)
    for k in range(st.scalar[DONE]):
        total += 9
        ring = st.done[k, 1]
        following = st.holes[st.done[k, 0], 0]
        while ring >= 0:
            n = np.int64(st.length[ring])
            longest = max(longest, n)
            total += 20 + 16 * n + 10 * n  # a split repeats a vertex and adds a count: 20 bytes for two vertices
            ring = following
            following = st.other[ring] if ring >= 0 else -1
    return total, longest


@kernel
def write_done(st, transform):  # type: ignore[no-untyped-def]
    """Write all complete regions as WKB and free what they held.

    Args:
        transform: (6,) float64, see `Affine6`; for corners in the unit in which they are.
    Returns:
        wkb (bytes,) uint8, offsets (N + 1,) int64, class_id (N,) uint8, pixels (N,) int64, area (N,) float64,
        confidence sums (N,) int64, first pixels (N, 2) int64.
    """
    n_done = st.scalar[DONE]
    total, longest = _sizes(st)
    out = np.empty(total, np.uint8)
    offsets = np.zeros(n_done + 1, np.int64)
    class_id = np.empty(n_done, np.uint8)
    pixels, confidence = np.empty(n_done, np.int64), np.empty(n_done, np.int64)
    area = np.empty(n_done, np.float64)
    first = np.empty((n_done, 2), np.int64)
    corners, flags = np.empty(longest, np.int64), np.empty(longest, np.uint8)
    twin, ends = np.empty(longest, np.int64), np.empty(longest, np.int64)
    straight, members = np.arange(longest), np.empty(longest, np.int64)
    at = np.int64(0)
    for k in range(n_done):
        label = st.done[k, 0]
        out[at] = 1
        _store(out, at + 1, np.uint32(3))
        rings_at = at + 5
        rings = 0
        at += 9
        ring = st.done[k, 1]
        following = st.holes[label, 0]
        while ring >= 0:
            n = _take_ring(st, ring, corners, flags)
            if not _find_twins(corners, flags, n, twin):
                at = _write_ring(out, at, corners, straight, 0, n, transform)
                rings += 1
            else:
                parts = _split_ring(twin, n, members, ends)
                outer = -1
                for part in range(parts):  # of an exterior's parts one is the exterior, the others are holes
                    begin = ends[part - 1] if part else 0
                    if rings == 0 and _doubled_area(corners, members, begin, ends[part]) > 0:
                        at = _write_ring(out, at, corners, members, begin, ends[part], transform)
                        outer = part
                for part in range(parts):
                    if part != outer:
                        begin = ends[part - 1] if part else 0
                        at = _write_ring(out, at, corners, members, begin, ends[part], transform)
                rings += parts
            ring = following
            following = st.other[ring] if ring >= 0 else -1
        _store(out, rings_at, np.uint32(rings))
        offsets[k + 1] = at
        class_id[k], pixels[k], area[k] = st.done[k, 2], st.pixels[label], st.area[label]
        confidence[k] = st.confidence[label]
        first[k, 0], first[k, 1] = st.first[label] >> 32, st.first[label] & LOW
        free_label(st, label)
    st.scalar[DONE] = 0
    return out[:at].copy(), offsets, class_id, pixels, area, confidence, first
