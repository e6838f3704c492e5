"""The tracer's labels: each open region has one, with the sums over its pixels; regions that meet share one.

Label slots are reused, like node slots.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.runs import root_of, run_area
from fctl_geo.polygons.state import GROUPS, LABEL_FREE, LABEL_LIVE, LABEL_TOP
from fctl_geo.system.kernels import inner


@inner
def new_label(st, corner):  # type: ignore[no-untyped-def]
    """Create a label without any pixels; `corner` is row << 32 | column of its first one."""
    scalar = st.scalar
    label = np.int32(scalar[LABEL_FREE])
    if label >= 0:
        scalar[LABEL_FREE] = st.parent[label]
    else:
        label = np.int32(scalar[LABEL_TOP])
        scalar[LABEL_TOP] += 1
    scalar[LABEL_LIVE] += 1
    st.parent[label] = label
    st.pixels[label], st.area[label], st.confidence[label], st.first[label] = 0, 0.0, 0, corner
    st.least[label] = 255
    st.holes[label, 0] = st.holes[label, 1] = -1
    st.hole_nodes[label], st.nodes[label], st.cut[label], st.group[label] = 0, -1, False, -1
    return label


@inner
def free_label(st, label):  # type: ignore[no-untyped-def]
    """Return the slot to the free list."""
    st.parent[label] = np.int32(st.scalar[LABEL_FREE])
    st.scalar[LABEL_FREE] = label
    st.scalar[LABEL_LIVE] -= 1


@inner
def merge_labels(st, one, two, n_merged):  # type: ignore[no-untyped-def]
    """Merge two labels into the one whose first pixel comes first."""
    one, two = root_of(st.parent, one), root_of(st.parent, two)
    if one == two:
        return n_merged
    if st.first[two] < st.first[one]:
        one, two = two, one
    st.parent[two] = one
    st.pixels[one] += st.pixels[two]
    st.area[one] += st.area[two]
    st.confidence[one] += st.confidence[two]
    st.least[one] = min(st.least[one], st.least[two])
    st.group[one] = _unite_groups(st, st.group[one], st.group[two], st.first[one])
    st.hole_nodes[one] += st.hole_nodes[two]
    if st.holes[two, 0] >= 0:
        if st.holes[one, 0] < 0:
            st.holes[one, 0] = st.holes[two, 0]
        else:
            st.other[st.holes[one, 1]] = st.holes[two, 0]
        st.holes[one, 1] = st.holes[two, 1]
    st.merged[n_merged] = two
    return n_merged + 1


@inner
def add_hole(st, label, ring):  # type: ignore[no-untyped-def]
    """Add a closed ring to the region's holes."""
    st.other[ring] = -1
    st.hole_nodes[label] += st.length[ring]
    if st.holes[label, 0] < 0:
        st.holes[label, 0] = ring
    else:
        st.other[st.holes[label, 1]] = ring
    st.holes[label, 1] = ring


@inner
def finish_run(st, side, run, row, area, confidence):  # type: ignore[no-untyped-def]
    """Give the run a label, unless a pixel above already did, and add its pixels to the region's sums."""
    begin, end = st.start[side, run], st.start[side, run + 1]
    if st.label[side, run] < 0:
        st.label[side, run] = new_label(st, (row << 32) | np.int64(begin))
    label = root_of(st.parent, st.label[side, run])
    st.pixels[label] += end - begin
    st.area[label] += run_area(area, begin, end)
    if confidence.shape[0]:
        for col in range(begin, end):
            st.confidence[label] += confidence[col]
            st.least[label] = min(st.least[label], confidence[col])


@inner
def settle_labels(st, side, n_edges, n_merged):  # type: ignore[no-untyped-def]
    """Point every run to its root; after that, nothing refers to labels that were merged into others."""
    for run in range(1, n_edges):
        if st.label[side, run] >= 0:
            st.label[side, run] = root_of(st.parent, st.label[side, run])
    for k in range(n_merged):
        free_label(st, st.merged[k])


@inner
def continue_below(st, label, side, run, row):  # type: ignore[no-untyped-def]
    """Continue a region that is cut above this run: the run belongs to another part of the same group."""
    if st.label[side, run] < 0:
        st.label[side, run] = new_label(st, (row << 32) | np.int64(st.start[side, run]))
    part = root_of(st.parent, st.label[side, run])
    if st.group[label] < 0:
        group = np.int32(st.scalar[GROUPS])
        st.scalar[GROUPS] += 1
        st.group_parent[group], st.group_first[group] = group, st.first[label]
        st.group[label] = group
    st.group[part] = _unite_groups(st, st.group[part], st.group[label], st.first[part])


@inner
def _unite_groups(st, one, two, first):  # type: ignore[no-untyped-def]
    """Unite the groups of parts that turn out to belong together, and whose pixels include `first`.

    Returns:
        The united group; -1 if neither part was ever cut.
    """
    if one < 0 or two < 0:
        one = max(one, two)
        if one < 0:
            return one
        one = root_of(st.group_parent, one)
    else:
        one, two = root_of(st.group_parent, one), root_of(st.group_parent, two)
        one, two = min(one, two), max(one, two)
        st.group_parent[two] = one
        st.group_first[one] = min(st.group_first[one], st.group_first[two])
    st.group_first[one] = min(st.group_first[one], first)
    return one
