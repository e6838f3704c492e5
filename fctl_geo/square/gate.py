"""The gate: which objects of a group keep their simplified outline after all."""

from __future__ import annotations

import numpy as np

from fctl_geo.square.outcomes import AREA, CROSSES, IOU, PLAIN
from fctl_geo.square.outline import FINE
from fctl_geo.square.overlap import find_crossing, overlap
from fctl_geo.system.kernels import inner, kernel

LEAST_IOU = 0.85
"""Least intersection over union of a squared outline with the raw one."""
MOST_GROWTH = 0.15
"""An object's area may change by at most this share."""


@kernel
def crossing_regions(arcs, still, drawing, n_regions):  # type: ignore[no-untyped-def]
    """(R,) the regions beside redrawn arcs that cross another one."""
    n = 0
    for a in range(arcs.side.shape[0]):
        n += drawing.span[a, 1] - drawing.span[a, 0] - 1
    segments, arc = np.empty((n, 6), np.int64), np.empty(n, np.int64)
    n_nodes = arcs.node.shape[0]
    n = 0
    for a in range(arcs.side.shape[0]):
        begin, end = drawing.span[a, 0], drawing.span[a, 1] - 1
        for k in range(begin, end):
            segments[n, :2], segments[n, 2:4] = drawing.xy[k], drawing.xy[k + 1]
            segments[n, 4], segments[n, 5] = n_nodes + k, n_nodes + k + 1
            if k == begin and arcs.begin[a] >= 0:
                segments[n, 4] = arcs.begin[a]
            if k + 1 == end:
                segments[n, 5] = arcs.end[a] if arcs.end[a] >= 0 else n_nodes + begin
            arc[n] = a
            n += 1
    crossing = np.zeros(arcs.side.shape[0], np.bool_)
    find_crossing(segments, arc, still, crossing)
    regions = np.zeros(n_regions, np.bool_)
    for a in range(arcs.side.shape[0]):
        if crossing[a]:
            regions[arcs.left[a]] = True
            if arcs.right[a] >= 0:
                regions[arcs.right[a]] = True
    return regions


@inner
def _edges_of_region(arcs, xy, span, ring_region, region):  # type: ignore[no-untyped-def]
    """(E, 4) the edges of all rings of a region, in pixels; twice the signed area of each ring; where each begins.

    Args:
        xy, span: vertices, in pixels, and where those of each arc begin and end.
    """
    n = n_rings = 0
    for ring in range(ring_region.shape[0]):
        if ring_region[ring] == region:
            n_rings += 1
            for u in range(arcs.uses[ring], arcs.uses[ring + 1]):
                n += span[arcs.use[u], 1] - span[arcs.use[u], 0] - 1
    edges, areas = np.empty((n, 4), np.float64), np.zeros(n_rings, np.float64)
    starts = np.zeros(n_rings + 1, np.int64)
    n = n_rings = 0
    for ring in range(ring_region.shape[0]):
        if ring_region[ring] != region:
            continue
        first = n
        for u in range(arcs.uses[ring], arcs.uses[ring + 1]):
            begin, end = span[arcs.use[u], 0], span[arcs.use[u], 1]
            for k in range(begin, end - 1):
                one, two = (end - 1 - (k - begin), end - 2 - (k - begin)) if arcs.reverse[u] else (k, k + 1)
                edges[n, 0], edges[n, 1] = xy[one, 0], xy[one, 1]
                edges[n, 2], edges[n, 3] = xy[two, 0], xy[two, 1]
                n += 1
        ox, oy = edges[first, 0], edges[first, 1]
        for k in range(first, n):
            areas[n_rings] += (edges[k, 2] - ox) * (edges[k, 1] - oy) - (edges[k, 0] - ox) * (edges[k, 3] - oy)
        n_rings += 1
        starts[n_rings] = n
    return edges, areas, starts


@inner
def _is_hole(edges, starts, ring):  # type: ignore[no-untyped-def]
    """Whether a ring lies in the exterior and in no other hole, if it crosses none: an outline may pass a small one."""
    x = (edges[starts[ring], 0] + edges[starts[ring], 2]) / 2
    y = (edges[starts[ring], 1] + edges[starts[ring], 3]) / 2
    inside = False
    for k in range(edges.shape[0]):
        ax, ay, bx, by = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        if not starts[ring] <= k < starts[ring + 1] and (ay > y) != (by > y):
            inside = inside != (x < ax + (y - ay) / (by - ay) * (bx - ax))
    return inside


@kernel
def judge(arcs, drawing, ring_region, outcome, iou):  # type: ignore[no-untyped-def]
    """Refuse the regions whose outcome is PLAIN where the outline differs too much from the raw one; True if any.

    Args:
        ring_region: (rings,) the region to which each ring belongs.
        outcome: (R,) updated.
        iou: (R,) filled with the intersection over union of each region's new outline and the raw one.
    """
    raw_xy = np.empty((arcs.x.shape[0], 2), np.float64)
    raw_xy[:, 0], raw_xy[:, 1] = arcs.x, arcs.y
    raw_span = np.empty((arcs.side.shape[0], 2), np.int64)
    raw_span[:, 0], raw_span[:, 1] = arcs.raw[:-1], arcs.raw[1:]
    new_xy = drawing.xy[: drawing.top[0]] / FINE
    refused = False
    for region in range(outcome.shape[0]):
        old, old_areas, _ = _edges_of_region(arcs, raw_xy, raw_span, ring_region, region)
        new, new_areas, starts = _edges_of_region(arcs, new_xy, drawing.span, ring_region, region)
        iou[region] = overlap(old, new)
        if outcome[region] != PLAIN:
            continue
        old_area, new_area = old_areas.sum(), new_areas.sum()
        for ring in range(old_areas.shape[0]):
            if old_areas[ring] * new_areas[ring] <= 0 or (ring and not _is_hole(new, starts, ring)):
                outcome[region] = CROSSES
        if abs(new_area - old_area) > MOST_GROWTH * abs(old_area):
            outcome[region] = AREA
        elif iou[region] < LEAST_IOU:
            outcome[region] = IOU
        refused = refused or outcome[region] != PLAIN
    return refused
