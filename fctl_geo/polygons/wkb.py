"""Completed regions become WKB polygons, directly in the kernel (OGC 06-103r4, 8.2; little-endian).

Writing ragged arrays with `shapely.to_wkb` instead was measured: it adds 50 ms to 65 ms of tracing (3,000 x 3,000
pixels, 6,216 polygons), a sixth of the whole polygonise stage.

Exterior rings run counterclockwise in map coordinates and holes clockwise, whatever the signs of the transform. Every
ring repeats its first vertex at its end. A ring that meets itself at a corner, which happens where a region touches
itself diagonally, is split there: OGC allows rings that touch each other, but not a ring that touches itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.labels import free_label
from fctl_geo.polygons.state import DONE, NODE_FREE, NODE_LIVE, PINCH
from fctl_geo.system.kernels import inner, kernel

LOW = np.int64(0xFFFFFFFF)


@inner
def take_ring(st, ring, corners, flags, reach):  # type: ignore[no-untyped-def]
    """Copy a ring out of the state and free its nodes; returns its length."""
    n = st.length[ring]
    node = ring
    for k in range(n):
        corners[k], flags[k], reach[k] = st.corner[node], st.flags[node], st.reach[node]
        last = node
        node = st.next[node]
    st.next[last] = np.int32(st.scalar[NODE_FREE])
    st.scalar[NODE_FREE] = ring
    st.scalar[NODE_LIVE] -= n
    return n


@inner
def _find_twins(corners, flags, n, twin):  # type: ignore[no-untyped-def]
    """Mark the vertices at which the ring visits a corner a second time; True if there are any.

    twin[k] is the earlier visit to the same corner, or -1. A corner is visited at most twice.
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
    """Split a ring at its twins into rings that visit no corner twice.

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
        if twin[k] >= 0:  # everything visited since the twin is a separate ring
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
    """Twice the signed area; positive for rings oriented like an exterior (rows point down)."""
    total = np.int64(0)
    for k in range(begin, end):
        one = corners[members[k]]
        two = corners[members[k + 1 if k + 1 < end else begin]]
        total += (two & LOW) * (one >> 32) - (one & LOW) * (two >> 32)
    return total


@inner
def _write_count(out, at, count):  # type: ignore[no-untyped-def]
    """Write a uint32, at any alignment."""
    for k in range(4):
        out[at + k] = (count >> (8 * k)) & 255


@inner
def _write_ring(out, at, corners, members, begin, end, transform, xy):  # type: ignore[no-untyped-def]
    """Write the vertices members[begin:end] and the first one again; returns the position after them.

    `xy` has room for all of them: WKB is not aligned, so numbers are computed there and copied as bytes.
    """
    n = end - begin
    _write_count(out, at, n + 1)
    at += 4
    backwards = transform[0] * transform[4] - transform[1] * transform[3] > 0
    for k in range(n + 1):
        corner = corners[members[begin + ((n - k) % n if backwards else k % n)]]
        row, col = np.float64(corner >> 32), np.float64(corner & LOW)
        xy[2 * k] = transform[0] * col + transform[1] * row + transform[2]
        xy[2 * k + 1] = transform[3] * col + transform[4] * row + transform[5]
    raw = xy.view(np.uint8)
    for k in range(16 * (n + 1)):
        out[at + k] = raw[k]
    return at + 16 * (n + 1)


class Scratch(NamedTuple):
    """Room for the work on one ring."""

    xy: npt.NDArray[np.float64]
    twin: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    members: npt.NDArray[np.int64]
    straight: npt.NDArray[np.int64]
    """0, 1, 2, ..."""


@inner
def _new_scratch(longest):  # type: ignore[no-untyped-def]
    return Scratch(
        np.empty(2 * longest + 2, np.float64), np.empty(longest, np.int64), np.empty(longest, np.int64),
        np.empty(longest, np.int64), np.arange(longest),
    )  # fmt: skip


@inner
def _write_simple_rings(out, at, corners, flags, is_exterior, transform, scratch):  # type: ignore[no-untyped-def]
    """Write a ring, split where it meets itself; the position after it, and the number of rings written."""
    n = corners.shape[0]
    if not _find_twins(corners, flags, n, scratch.twin):
        return _write_ring(out, at, corners, scratch.straight, 0, n, transform, scratch.xy), 1
    members, ends = scratch.members, scratch.ends
    parts = _split_ring(scratch.twin, n, members, ends)
    outer = -1
    for part in range(parts):  # one of an exterior's parts is the exterior; the others are holes
        begin = ends[part - 1] if part else 0
        if is_exterior and _doubled_area(corners, members, begin, ends[part]) > 0:
            at = _write_ring(out, at, corners, members, begin, ends[part], transform, scratch.xy)
            outer = part
    for part in range(parts):
        if part != outer:
            begin = ends[part - 1] if part else 0
            at = _write_ring(out, at, corners, members, begin, ends[part], transform, scratch.xy)
    return at, parts


@kernel
def write_rings(corners, flags, ring_ends, ring_region, transform):  # type: ignore[no-untyped-def]
    """Write regions as WKB, given by all their rings.

    Args:
        corners: (n,) row << 32 | column of the vertices of all rings, each region's exterior first.
        flags: (n,) PINCH where a ring may pass a second time.
        ring_ends: (rings,) where each ring ends.
        ring_region: (rings,) the region to which each belongs, ascending from 0.
        transform: (6,) float64 from these rows and columns to the map.
    Returns:
        wkb (bytes,) uint8, offsets (regions + 1,) int64, and twice each region's area (regions,) int64.
    """
    n_regions = ring_region[-1] + 1
    out = np.empty(9 * n_regions + 20 * ring_ends.shape[0] + 26 * corners.shape[0], np.uint8)
    offsets, doubled_area = np.zeros(n_regions + 1, np.int64), np.zeros(n_regions, np.int64)
    scratch = _new_scratch(corners.shape[0])
    at = rings_at = rings = begin = np.int64(0)
    for ring in range(ring_ends.shape[0]):
        region = ring_region[ring]
        if ring == 0 or ring_region[ring - 1] != region:
            out[at] = 1
            _write_count(out, at + 1, 3)
            rings_at, rings = at + 5, np.int64(0)
            at += 9
        own = corners[begin : ring_ends[ring]]
        doubled_area[region] += _doubled_area(own, scratch.straight, 0, own.shape[0])
        at, parts = _write_simple_rings(out, at, own, flags[begin : ring_ends[ring]], rings == 0, transform, scratch)
        rings += parts
        _write_count(out, rings_at, rings)
        offsets[region + 1] = at
        begin = ring_ends[ring]
    return out[:at].copy(), offsets, doubled_area


@inner
def _sizes(st):  # type: ignore[no-untyped-def]
    """Upper bound for the size of the WKB in bytes, and the length of the longest ring."""
    total = longest = np.int64(0)
    for k in range(st.scalar[DONE]):
        total += 9
        ring = st.done[k, 1]
        following = st.holes[st.done[k, 0], 0]
        while ring >= 0:
            n = np.int64(st.length[ring])
            longest = max(longest, n)
            total += 20 + 16 * n + 10 * n  # a split repeats a vertex and adds a count: 20 bytes per two vertices
            ring = following
            following = st.other[ring] if ring >= 0 else -1
    return total, longest


@kernel
def write_done(st, transform, grid):  # type: ignore[no-untyped-def]
    """Write all completed regions as WKB and free their nodes and labels.

    Args:
        transform: (6,) float64, see `Affine6`; applies to corners in units of 1 / grid pixels.
        grid: see `transform`.
    Returns:
        wkb (bytes,) uint8, offsets (N + 1,) int64, class_id (N,) uint8, pixels (N,) int64, area (N,) float64: the sum
        over the pixels times the drawn polygon's share of it (1 without simplification), confidence sums (N,) int64,
        first pixels (N,) int64 row << 32 | column, groups (N,) int64, -1 for regions that were never cut.
    """
    n_done = st.scalar[DONE]
    total, longest = _sizes(st)
    out = np.empty(total, np.uint8)
    offsets = np.zeros(n_done + 1, np.int64)
    class_id = np.empty(n_done, np.uint8)
    pixels, confidence = np.empty(n_done, np.int64), np.empty(n_done, np.int64)
    area = np.empty(n_done, np.float64)
    first, group = np.empty(n_done, np.int64), np.empty(n_done, np.int64)
    corners, flags, reach = np.empty(longest, np.int64), np.empty(longest, np.uint8), np.empty(longest, np.uint16)
    scratch = _new_scratch(longest)
    at = np.int64(0)
    for k in range(n_done):
        label = st.done[k, 0]
        out[at] = 1
        _write_count(out, at + 1, 3)
        rings_at = at + 5
        rings = doubled_area = 0
        at += 9
        ring = st.done[k, 1]
        following = st.holes[label, 0]
        while ring >= 0:
            n = take_ring(st, ring, corners, flags, reach)
            doubled_area += _doubled_area(corners, scratch.straight, 0, n)
            at, parts = _write_simple_rings(out, at, corners[:n], flags, rings == 0, transform, scratch)
            rings += parts
            ring = following
            following = st.other[ring] if ring >= 0 else -1
        _write_count(out, rings_at, rings)
        offsets[k + 1] = at
        class_id[k], pixels[k], confidence[k] = st.done[k, 2], st.pixels[label], st.confidence[label]
        area[k] = st.area[label] * (doubled_area / (2 * grid * grid * pixels[k]))
        first[k], group[k] = st.first[label], st.group[label]
        free_label(st, label)
    st.scalar[DONE] = 0
    return out[:at].copy(), offsets, class_id, pixels, area, confidence, first, group
