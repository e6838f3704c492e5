"""Rectangles and circles as candidates for the outline of an object that stands by itself."""

from __future__ import annotations

import numpy as np

from fctl_geo.square.band import leaves_band, nearest_place
from fctl_geo.square.gate import LEAST_IOU
from fctl_geo.square.lines import Outline
from fctl_geo.square.outcomes import CIRCLE, PLAIN, RECTANGLE, SQUARED
from fctl_geo.square.outline import FINE
from fctl_geo.square.overlap import overlap
from fctl_geo.system.kernels import inner, kernel

ROUND = 0.92
"""Least intersection over union of a circle with the raw outline, for the object to be one."""
PLAINER = 0.02
"""A rectangle or a circle may fit worse by this much than the squared outline that it replaces."""
SAGITTA = 0.25
"""The sides of a circle's polygon stay within this many tolerances of the circle."""
FEWEST, MOST = 16, 64
"""Sides of a circle's polygon."""


@inner
def area_moments(x, y):  # type: ignore[no-untyped-def]
    """Area, center, and central second moments xx, yy, xy of a polygon whose last vertex is its first."""
    area = sx = sy = sxx = syy = sxy = 0.0
    for k in range(x.shape[0] - 1):
        ax, ay, bx, by = x[k] - x[0], y[k] - y[0], x[k + 1] - x[0], y[k + 1] - y[0]
        turn = ax * by - bx * ay
        area += turn / 2
        sx += turn * (ax + bx) / 6
        sy += turn * (ay + by) / 6
        sxx += turn * (ax * ax + ax * bx + bx * bx) / 12
        syy += turn * (ay * ay + ay * by + by * by) / 12
        sxy += turn * (2 * ax * ay + 2 * bx * by + ax * by + bx * ay) / 24
    cx, cy = sx / area, sy / area
    xx, yy, xy = sxx / area - cx * cx, syy / area - cy * cy, sxy / area - cx * cy
    return abs(area), x[0] + cx, y[0] + cy, xx, yy, xy


@inner
def rectangle_of(x, y, angle):  # type: ignore[no-untyped-def]
    """(5, 2) the rectangle in a direction that has the same area, center and proportions of second moments."""
    area, cx, cy, xx, yy, xy = area_moments(x, y)
    cos, sin = np.cos(angle), np.sin(angle)
    along = xx * cos * cos + yy * sin * sin + 2 * xy * cos * sin
    across = max(xx * sin * sin + yy * cos * cos - 2 * xy * cos * sin, 1e-9)
    half = np.sqrt(area * np.sqrt(max(along, 1e-9) / across)) / 2
    other = area / (4 * half)
    corners = np.empty((5, 2), np.float64)
    for k in range(5):
        u, v = half * (1 if k % 4 in (0, 3) else -1), other * (1 if k % 4 < 2 else -1)
        corners[k, 0], corners[k, 1] = cx + u * cos - v * sin, cy + u * sin + v * cos
    return np.round(corners * FINE) / FINE


@inner
def circle_of(x, y, tolerance_px):  # type: ignore[no-untyped-def]
    """(K + 1, 2) a regular polygon of the same area and center."""
    area, cx, cy, _, _, _ = area_moments(x, y)
    radius = np.sqrt(area / np.pi)
    bend = min(SAGITTA * tolerance_px / radius, 0.5)
    sides = min(max(4 * int(np.ceil(np.pi / np.arccos(1 - bend) / 4)), FEWEST), MOST)
    reach = np.sqrt(2 * area / (sides * np.sin(2 * np.pi / sides)))
    corners = np.empty((sides + 1, 2), np.float64)
    for k in range(sides + 1):
        angle = 2 * np.pi * (k % sides) / sides
        corners[k, 0], corners[k, 1] = cx + reach * np.cos(angle), cy + reach * np.sin(angle)
    return np.round(corners * FINE) / FINE


@inner
def stays_in_band(x, y, edge_room, corners, tolerance_px):  # type: ignore[no-untyped-def]
    """Whether a closed outline may be replaced; `corners` may be in either order, and are put into the outline's."""
    if _is_clockwise(x, y) != _is_clockwise(corners[:, 0], corners[:, 1]):
        corners[:] = corners[::-1].copy()
    n, sides = x.shape[0] - 1, corners.shape[0] - 1
    place, far = np.empty(sides + 1, np.int64), np.empty(sides + 1, np.float64)
    for k in range(sides):
        place[k], far[k] = nearest_place(x, y, 0, n, corners[k, 0], corners[k, 1])
        if k and place[k] < place[0]:
            place[k] += 2 * n
    place[sides], far[sides] = place[0] + 2 * n, far[0]
    bad = np.zeros(sides, np.int64)
    outline = Outline(x, y, np.empty((0, 0), np.float64), True)
    leaves_band(outline, edge_room, corners, place, far, tolerance_px, bad, np.zeros(sides))
    return not bad.any()


@inner
def _is_clockwise(x, y):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(x.shape[0] - 1):
        total += (x[k] - x[0]) * (y[k + 1] - y[0]) - (x[k + 1] - x[0]) * (y[k] - y[0])
    return total > 0


@inner
def _edges_of(corners):  # type: ignore[no-untyped-def]
    """(K, 4) the edges of a closed line."""
    edges = np.empty((corners.shape[0] - 1, 4), np.float64)
    edges[:, :2], edges[:, 2:] = corners[:-1], corners[1:]
    return edges


@kernel
def best_shape(arcs, drawing, angle, right_angles, outcome, iou, tolerance_px):  # type: ignore[no-untyped-def]
    """The shape that an object by itself has.

    Args:
        angle: the object's direction.
        right_angles: whether it has but one, and squared outlines have right angles.
        outcome, iou: of squaring it.
    Returns:
        Its corners, row << 32 | column in units of 1 / FINE px; RECTANGLE, CIRCLE, or PLAIN for neither; and its
        intersection over union with the raw outline.
    """
    x, y = arcs.x, arcs.y
    raw = np.empty((x.shape[0], 2), np.float64)
    raw[:, 0], raw[:, 1] = x, y
    old = _edges_of(raw)
    begin, end = drawing.span[0, 0], drawing.span[0, 1]
    is_rectangle = outcome == SQUARED and end - begin == 5 and right_angles
    squared_iou = iou if outcome == SQUARED else 0.0
    rectangle, circle = rectangle_of(x, y, angle), circle_of(x, y, tolerance_px)
    rectangle_iou, circle_iou = overlap(old, _edges_of(rectangle)), overlap(old, _edges_of(circle))
    is_round = circle_iou >= ROUND and circle_iou > rectangle_iou + PLAINER and circle_iou >= squared_iou - PLAINER
    if is_round and not is_rectangle and stays_in_band(x, y, arcs.room, circle, tolerance_px):
        return _pack(circle), CIRCLE, circle_iou
    if is_rectangle:
        return _pack(drawing.xy[begin:end] / FINE), RECTANGLE, iou
    if rectangle_iou >= max(squared_iou - PLAINER, LEAST_IOU) and stays_in_band(
        x, y, arcs.room, rectangle, tolerance_px
    ):
        return _pack(rectangle), RECTANGLE, rectangle_iou
    return _pack(rectangle), PLAIN, 0.0


@inner
def _pack(corners):  # type: ignore[no-untyped-def]
    """The corners of a closed line, but without the last one, which is the first."""
    out = np.empty(corners.shape[0] - 1, np.int64)
    for k in range(out.shape[0]):
        out[k] = np.int64(np.round(corners[k, 1] * FINE)) << 32 | np.int64(np.round(corners[k, 0] * FINE))
    return out
