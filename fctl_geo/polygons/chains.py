"""The row kernel of the tracer: boundaries grow as chains of corners, regions as labels.

Between two pixel rows lies a row of corners. The four pixels around a corner are called

    a | b      row above
    --+--
    d | e      row below

Every corner at which the boundary of a region turns becomes a node of that region's chain. Boundaries are directed so
that the region lies to their left when y points up (exterior rings are counterclockwise). A chain grows at both ends;
when its ends meet, it becomes a ring. A ring closed by a convex corner of pixel a is the exterior of its region: that
corner is the region's last one in raster order, so all of the region's holes are already closed and the region is
complete. Diagonal neighbors are never joined (4-connectivity).

Node and label slots are reused, so the size of the state depends on the boundaries that are still open, never on the
size of the raster.
"""

# ruff: noqa: PLR0912, PLR0915  kernels pass arrays by position

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.cut import prepare_cut, rows_to_cut
from fctl_geo.polygons.labels import add_hole, continue_below, finish_run, merge_labels, settle_labels
from fctl_geo.polygons.runs import find_runs, root_of
from fctl_geo.polygons.sides import least, side_of
from fctl_geo.polygons.state import (
    CLOSED,
    DONE,
    EDGES,
    GROUPS,
    JUNCTION,
    LABEL_LIVE,
    NODE_FREE,
    NODE_LIVE,
    NODE_TOP,
    PINCH,
    ROW,
    SIDE,
)
from fctl_geo.polygons.strip import CLASS_BITS
from fctl_geo.system.kernels import inner, kernel

# ---------------------------------------------------------------- nodes


@inner
def _new_node(st, corner, flags):  # type: ignore[no-untyped-def]
    scalar = st.scalar
    node = np.int32(scalar[NODE_FREE])
    if node >= 0:
        scalar[NODE_FREE] = st.next[node]
    else:
        node = np.int32(scalar[NODE_TOP])
        scalar[NODE_TOP] += 1
    scalar[NODE_LIVE] += 1
    st.corner[node], st.flags[node] = corner, flags
    return node


@inner
def _begin(st, corner, flags):  # type: ignore[no-untyped-def]
    """Start a chain of one node; both of its edges lead to corners not yet visited."""
    node = _new_node(st, corner, flags)
    st.other[node], st.length[node] = node, 1
    return node


@inner
def _append(st, head, corner, flags, reach):  # type: ignore[no-untyped-def]
    """Extend the boundary from `head` to this corner; it continues to one not yet visited."""
    node = _new_node(st, corner, flags)
    tail = st.other[head]
    st.next[head], st.reach[node] = node, reach
    st.other[node], st.other[tail] = tail, node
    st.length[tail] += 1
    return node


@inner
def _prepend(st, tail, corner, flags, reach):  # type: ignore[no-untyped-def]
    """Extend the boundary backward from `tail` to this corner; it will arrive here from one not yet visited."""
    node = _new_node(st, corner, flags)
    head = st.other[tail]
    st.next[node], st.reach[tail] = tail, reach
    st.other[node], st.other[head] = head, node
    st.length[node] = st.length[tail] + 1
    return node


@inner
def _join(st, head, tail, corner, flags, reach_in, reach_out):  # type: ignore[no-untyped-def]
    """Connect `head` to `tail` through this corner; True if that closes a ring, which then begins at `tail`."""
    node = _new_node(st, corner, flags)
    st.next[head], st.next[node] = node, tail
    st.reach[node], st.reach[tail] = reach_in, reach_out
    first = st.other[head]
    if first == tail:
        st.length[tail] += 1
        return True
    last = st.other[tail]
    st.other[first], st.other[last] = last, first
    st.length[first] += st.length[tail] + 1
    return False


# ---------------------------------------------------------------- the sweep


@inner
def _sweep(st, traced, squared, kept, above, below, n_above, n_below, row, area, confidence, clear, cutting):  # type: ignore[no-untyped-def]
    """Visit the corners between two rows from left to right, but only those where a vertical edge begins or ends."""
    n_merged = 0
    simplify = clear.shape[0] > 0  # if so, boundaries that pass straight through a junction get a node, too
    straight_reach = np.uint16(0)
    here = reach_left = reach_up = np.uint16(0)  # least clearances: here, to the left, above
    near = rows_to_cut(st, row)
    last_col = np.int32(0)
    up, down = 1, 1  # the next vertical edge of the row above and of the row below
    upper, lower = (
        np.int32(-1),
        np.int32(-1),
    )  # last node on the current horizontal edge, for its upper and its lower region
    far = np.int32(2147483647)
    while up <= n_above or down <= n_below:
        col_up = st.start[above, up] if up <= n_above else far
        col_down = st.start[below, down] if down <= n_below else far
        col = min(col_up, col_down)
        has_up, has_down = col_up == col, col_down == col
        a, d = st.value[above, up - 1], st.value[below, down - 1]
        b = st.value[above, up] if has_up else a
        e = st.value[below, down] if has_down else d
        run_a, run_e = up - 1, (down if has_down else down - 1)
        run_b = up if has_up else up - 1
        cut_a = cutting and a >= 0 and traced[a & CLASS_BITS] and st.cut[st.label[above, run_a]]
        cut_b = cutting and b >= 0 and traced[b & CLASS_BITS] and st.cut[st.label[above, run_b]]
        has_left, has_right = a != d or cut_a, b != e or cut_b

        # labels: the run on the left ends; the run on the right takes the label above it or is merged with it
        if has_down and d >= 0 and traced[d & CLASS_BITS]:
            finish_run(st, below, down - 1, row, area, confidence)
        if b == e and e >= 0 and traced[e & CLASS_BITS]:
            label_above = root_of(st.parent, st.label[above, run_b])
            if cut_b:
                continue_below(st, label_above, below, run_e, row)
            elif st.label[below, run_e] < 0:
                st.label[below, run_e] = label_above
            else:
                n_merged = merge_labels(st, label_above, st.label[below, run_e], n_merged)

        corner = (row << 32) | np.int64(col)
        junction = int(has_up) + int(has_left) + int(has_right) + int(has_down) >= 3
        rim_corner = int(a < 0) + int(b < 0) + int(d < 0) + int(e < 0) == 3
        flag = JUNCTION if junction or rim_corner else np.uint8(0)
        mark = simplify and junction
        if simplify:
            here = least(clear[col], near)
            reach_up = least(st.edge_reach[above, up], here) if has_up else here
            if has_left:
                reach_left = least(reach_left, near)
                for passed in range(last_col + 1, col + 1):
                    reach_left = least(reach_left, clear[passed])
            last_col = col
            straight_reach = reach_up
            reach_up |= side_of(a, b, traced, squared, kept)
            reach_left |= side_of(a, d, traced, squared, kept)
        up_left = up_right = np.int32(-1)  # the ends of the vertical edge above ...
        if has_up:
            up_left, up_right = st.edge[above, up, 0], st.edge[above, up, 1]
        down_left = down_right = np.int32(-1)  # ... and of the one below
        new_upper, new_lower = np.int32(-1), np.int32(-1)

        if a >= 0 and traced[a & CLASS_BITS]:
            if has_up and has_left:  # convex corner of a
                if _join(st, upper, up_left, corner, flag | PINCH if a == e else flag, reach_left, reach_up):
                    st.done[st.scalar[DONE], 0] = root_of(st.parent, st.label[above, run_a])
                    st.done[st.scalar[DONE], 1] = up_left
                    st.done[st.scalar[DONE], 2] = a & CLASS_BITS
                    st.scalar[DONE] += 1
            elif has_up:
                if has_down:  # a and d: straight ahead, upward
                    down_left = _prepend(st, up_left, corner, flag, reach_up) if mark else up_left
                else:  # all but b
                    new_lower = _prepend(st, up_left, corner, flag, reach_up)
            elif has_left:
                if has_right:  # a and b: straight ahead, to the right
                    new_upper = _append(st, upper, corner, flag, reach_left) if mark else upper
                else:  # all but d
                    down_right = _append(st, upper, corner, flag, reach_left)
            elif has_right:  # all but e
                down_left = new_upper = _begin(st, corner, flag)
        if has_up and b >= 0 and traced[b & CLASS_BITS]:
            if has_right:  # convex corner of b
                new_upper = _append(st, up_right, corner, flag | PINCH if b == d else flag, reach_up)
            elif has_down:  # b and e: straight ahead, downward
                down_right = _append(st, up_right, corner, flag, reach_up) if mark else up_right
            elif _join(st, up_right, lower, corner, flag, reach_up, reach_left):  # all but a
                add_hole(st, root_of(st.parent, st.label[above, run_b]), lower)
                if simplify and not squared[b & CLASS_BITS]:
                    st.closed[st.scalar[CLOSED]] = lower
                    st.scalar[CLOSED] += 1
        if has_left and d >= 0 and traced[d & CLASS_BITS]:
            if has_down:  # convex corner of d
                down_left = _prepend(st, lower, corner, flag | PINCH if b == d else flag, reach_left)
            elif has_right:  # d and e: straight ahead, to the left
                new_lower = _prepend(st, lower, corner, flag, reach_left) if mark else lower
        if has_right and has_down and e >= 0 and traced[e & CLASS_BITS]:  # convex corner of e
            new_lower = down_right = _begin(st, corner, flag | PINCH if a == e else flag)

        upper, lower = new_upper, new_lower
        if simplify:
            straight_down = has_up and has_down and not (has_left or has_right)
            st.edge_reach[below, down] = straight_reach if straight_down else here
            reach_left = here
        if has_down:
            st.edge[below, down, 0], st.edge[below, down, 1] = down_left, down_right
            down += 1
        if has_up:
            up += 1
    return n_merged


@kernel
def trace_rows(st, classes, objects, area, confidence, clear, traced, squared, kept, max_vertices, begin):  # type: ignore[no-untyped-def]
    """Trace rows, starting with `begin`, until the strip ends, space runs out, or a region has been cut.

    Args:
        classes: (h, width) uint8; h = 0 marks the end of the raster.
        objects: (h, width) or (h, 0) int32.
        area: (h, 1) or (h, blocks) float64.
        confidence: (h, width) or (h, 0) uint8.
        clear: (h, width + 1) clearances of the corners along the top of each row, at the end (1, width + 1); or of
            width 0 if nothing will be simplified.
        traced: (256,) bool, False for classes that get no polygons.
        squared: (256,) bool, True for classes whose outlines will be squared.
        kept: (256,) bool, True for classes whose outlines will not be smoothed.
        max_vertices: regions with more vertices are cut, see `cut`.
    Returns:
        The row to continue with after making room (`grow`) or writing the completed regions; h if all rows are traced.
    """
    scalar = st.scalar
    height = classes.shape[0]
    runs = st.merged.shape[0]
    for i in range(begin, max(height, 1)):
        if (
            st.corner.shape[0] - scalar[NODE_LIVE] < 8 * runs
            or st.parent.shape[0] - scalar[LABEL_LIVE] < runs
            or st.group_parent.shape[0] - scalar[GROUPS] < runs
            or st.done.shape[0] - scalar[DONE] < runs
            or st.closed.shape[0] - scalar[CLOSED] < runs
        ):
            return i
        above, row = scalar[SIDE], scalar[ROW]
        below = 1 - above
        n_above, n_below = scalar[EDGES], 0
        area_row, confidence_row = np.zeros(1), np.zeros(0, np.uint8)
        if height > 0:
            area_row, confidence_row = area[i], confidence[i]
            n_below = find_runs(classes[i], objects[i], st.words, st.start[below], st.value[below])
            st.label[below, : n_below + 1] = -1
        cutting = prepare_cut(st, above, n_above, row, max_vertices)
        n_merged = _sweep(
            st, traced, squared, kept, above, below, n_above, n_below, row, area_row, confidence_row, clear[i], cutting
        )
        settle_labels(st, below, n_below, n_merged)
        scalar[SIDE], scalar[EDGES] = below, n_below
        scalar[ROW] += 1
        if cutting:  # parts are large: write them right away
            return i + 1
    return max(height, 1)
