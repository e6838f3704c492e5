"""Whether drawn arcs cross, and how much two outlines of an object overlap."""

from __future__ import annotations

import numpy as np

from fctl_geo.square.arcs import order_of
from fctl_geo.system.kernels import inner, kernel

LINES_PER_PX = 4
"""Overlaps are measured along this many lines per row of pixels."""
MAX_LINES = 4096
"""Outlines of more rows than this many lines suffice for are measured along fewer."""


@inner
def _turn(ax, ay, bx, by, cx, cy):  # type: ignore[no-untyped-def]
    """Sign of the turn a, b, c; exact for whole numbers."""
    turn = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    return int(turn > 0) - int(turn < 0)


@inner
def _cross(one, two):  # type: ignore[no-untyped-def]
    """Whether two segments (ax, ay, bx, by, id of a, id of b) meet anywhere but at an end that they share."""
    ax, ay, bx, by = one[0], one[1], one[2], one[3]
    cx, cy, dx, dy = two[0], two[1], two[2], two[3]
    shared = (one[4] == two[4] or one[4] == two[5]) + (one[5] == two[4] or one[5] == two[5])
    if shared == 2:
        return True
    if shared == 1:
        if one[4] == two[4] or one[4] == two[5]:
            ax, ay, bx, by = bx, by, ax, ay
        if two[5] == one[4] or two[5] == one[5]:
            cx, cy, dx, dy = dx, dy, cx, cy
        # both now meet in b = c
        return _turn(ax, ay, bx, by, dx, dy) == 0 and (ax - bx) * (dx - bx) + (ay - by) * (dy - by) > 0
    if min(ax, bx) > max(cx, dx) or max(ax, bx) < min(cx, dx) or min(ay, by) > max(cy, dy) or max(ay, by) < min(cy, dy):
        return False
    return (
        _turn(ax, ay, bx, by, cx, cy) * _turn(ax, ay, bx, by, dx, dy) <= 0
        and _turn(cx, cy, dx, dy, ax, ay) * _turn(cx, cy, dx, dy, bx, by) <= 0
    )


@inner
def find_crossing(segments, arc, still, crossing):  # type: ignore[no-untyped-def]
    """Mark the arcs that cross another one or themselves.

    Args:
        segments: (S, 6) int64 ax, ay, bx, by, and numbers that identify both ends.
        arc: (S,) the arc to which each belongs.
        still: (A,) bool: arcs that were not redrawn, and cannot cross each other.
        crossing: (A,) bool, filled in.
    """
    low = np.minimum(segments[:, 0], segments[:, 2])
    high = np.maximum(segments[:, 0], segments[:, 2])
    order = order_of(low)
    for p in range(order.shape[0]):
        one = order[p]
        for q in range(p + 1, order.shape[0]):
            two = order[q]
            if low[two] > high[one]:
                break
            if still[arc[one]] and still[arc[two]]:
                continue
            if _cross(segments[one], segments[two]):
                crossing[arc[one]] = crossing[arc[two]] = True


@inner
def _mark_crossings(edges, low, step, counts, starts, where, fill):  # type: ignore[no-untyped-def]
    """Count (or, with `fill`, note) where edges cross the measuring lines y = low + (k + 0.5) * step."""
    lines = counts.shape[0]
    for e in range(edges.shape[0]):
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if ay == by:
            continue
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        first = max(int(np.ceil((ay - low) / step - 0.5)), 0)
        for k in range(first, lines):
            y = low + (k + 0.5) * step
            if y >= by:
                break
            if fill:
                where[starts[k] + counts[k]] = ax + (y - ay) / (by - ay) * (bx - ax)
            counts[k] += 1


@inner
def _lines_across(edges, low, step, lines):  # type: ignore[no-untyped-def]
    """Where the edges cross each measuring line, in ascending order: offsets (lines + 1,) and positions."""
    counts, starts = np.zeros(lines, np.int64), np.zeros(lines + 1, np.int64)
    _mark_crossings(edges, low, step, counts, starts, np.empty(0, np.float64), False)
    for k in range(lines):
        starts[k + 1] = starts[k] + counts[k]
    where = np.empty(starts[-1], np.float64)
    counts[:] = 0
    _mark_crossings(edges, low, step, counts, starts, where, True)
    for k in range(lines):
        _sort(where, starts[k], starts[k + 1])
    return starts, where


@inner
def _sort(values, begin, end):  # type: ignore[no-untyped-def]
    """Sort a few values in place."""
    for p in range(begin + 1, end):
        value, q = values[p], p
        while q > begin and values[q - 1] > value:
            values[q] = values[q - 1]
            q -= 1
        values[q] = value


@kernel
def overlap(one, two):  # type: ignore[no-untyped-def]
    """The intersection over union of two polygons, given as edges (E, 4) ax, ay, bx, by of all their rings."""
    low = min(one[:, 1].min(), two[:, 1].min())
    high = max(one[:, 1].max(), two[:, 1].max())
    lines = min(max(int(np.ceil((high - low) * LINES_PER_PX)), 1), MAX_LINES)
    step = (high - low) / lines
    starts1, where1 = _lines_across(one, low, step, lines)
    starts2, where2 = _lines_across(two, low, step, lines)
    both = either = 0.0
    for k in range(lines):
        p, q = starts1[k], starts2[k]
        inside1 = inside2 = False
        last = 0.0
        while p < starts1[k + 1] or q < starts2[k + 1]:
            x1 = where1[p] if p < starts1[k + 1] else np.inf
            x2 = where2[q] if q < starts2[k + 1] else np.inf
            x = min(x1, x2)
            if inside1 and inside2:
                both += x - last
            if inside1 or inside2:
                either += x - last
            if x1 <= x2:
                inside1 = not inside1
                p += 1
            else:
                inside2 = not inside2
                q += 1
            last = x
    return both / either if either > 0 else 0.0
