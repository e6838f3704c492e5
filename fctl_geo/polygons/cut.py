"""Very large regions are cut along a fixed grid of the scene, so that memory does not grow with them.

The roads of a city, or the grass between its houses, can be a single region from one end of a scene to the other, and
its entire boundary would have to be held until the last row. Regions may therefore be cut along a line every
`GRID_ROWS` rows. A region is cut at a line if its part above has more than `max_vertices` vertices. If all regions that
are open there have, together, more than `OPEN_POLYGONS` times as many, the limit is halved until those that stay open
no longer do. Only the rows above the line decide, so strips and shards make no difference.

A cut is an edge like any other between two pixels: the part above is complete, and another one begins below. Columns
need no lines: between two lines a region gains at most 2 vertices per pixel of `GRID_ROWS` rows.

The parts of a region share its object_id, the number of the region's first pixel in raster order, which is the same
whether or not the region is cut. It may not be known until the end, when two parts meet far below:
`trace.CutRegions` holds it.

Simplification must not carry a border across a cut. Whether a line will be used is therefore decided `NEAR_ROWS` rows
above it, and no border near it moves by more than half its distance from the line.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.state import CUT_ROW
from fctl_geo.system.kernels import inner

GRID_ROWS = 16
"""A region may be cut above rows that are multiples of this."""
NEAR_ROWS = 8
"""Twice the largest simplification tolerance: borders farther from a line than this never reach it."""
OPEN_POLYGONS = 8
"""All open regions together have at most as many vertices as this number of polygons with `max_vertices` each."""


@inner
def prepare_cut(st, side, n_edges, row, max_vertices):  # type: ignore[no-untyped-def]
    """Mark the labels of the row above that are cut at `row`; True if there are any."""
    if row % GRID_ROWS == GRID_ROWS - NEAR_ROWS:
        found, limit = _find_limit(st, side, n_edges, max_vertices)
        st.scalar[CUT_ROW] = -1
        for label in found:
            if st.nodes[label] > limit:
                st.scalar[CUT_ROW] = row + NEAR_ROWS
    if row != st.scalar[CUT_ROW]:
        return False
    found, limit = _find_limit(st, side, n_edges, max_vertices)
    cutting = False
    for label in found:
        if st.nodes[label] > limit:
            st.cut[label] = cutting = True
    return cutting


@inner
def _find_limit(st, side, n_edges, max_vertices):  # type: ignore[no-untyped-def]
    """The labels of a row, their vertices so far counted in `nodes`, and how many vertices a region may keep."""
    found = np.empty(n_edges, np.int32)
    n = 0
    for run in range(1, n_edges):
        label = st.label[side, run]
        if label >= 0:
            st.nodes[label] = -1
    for run in range(1, n_edges):
        label = st.label[side, run]
        if label < 0:
            continue
        if st.nodes[label] < 0:
            st.nodes[label] = st.hole_nodes[label]
            found[n] = label
            n += 1
        st.nodes[label] += st.length[st.edge[side, run + 1, 0]]  # the chain that starts at the run's right end
    found = found[:n]
    limit = max_vertices
    while True:
        kept = np.int64(0)
        for label in found:
            if st.nodes[label] <= limit:
                kept += st.nodes[label]
        if kept <= OPEN_POLYGONS * max_vertices:
            return found, limit
        limit //= 2


@inner
def rows_to_cut(st, row):  # type: ignore[no-untyped-def]
    """The clearances that a nearby cut leaves to corners along the top of this row (see `sides`)."""
    cut_row = st.scalar[CUT_ROW]
    if cut_row < 0:
        return np.uint16(0x3FFF)
    rows = min(max(abs(row - cut_row), 1), 63)
    return np.uint16(rows | rows << 8)
