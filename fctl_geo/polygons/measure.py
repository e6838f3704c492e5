"""Lengths and directions of polygons on the ground, from their WKB (see `georef.scale`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from fctl_geo.georef.scale import ground_scale
from fctl_geo.polygons.batch import PolygonBatch
from fctl_geo.system.kernels import inner, kernel
from fctl_geo.windows.frame import RasterFrame

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes and directions of some polygons; NaN where they are unknown."""

    length: Floats
    width: Floats
    """(N,) sides of the smallest rectangle around each exterior, of any direction, in the unit of the scale."""
    orientation: Floats
    """(N,) direction of the rectangle's long side, in degrees clockwise from north: 0 <= orientation < 180."""


class Ruler:
    """Measures polygons of a raster."""

    def __init__(self, frame: RasterFrame) -> None:
        a, b, c, d, e, f = frame.transform
        determinant = a * e - b * d
        self._to_pixel = np.array([e, -b, b * f - c * e, -d, a, c * d - a * f], np.float64) / determinant
        scale = ground_scale(frame)
        self._spacing, self._steps = np.array(scale.spacing_px), scale.steps

    def perimeters(self, batch: PolygonBatch) -> Floats:
        """(N,) lengths of all rings of each polygon."""
        found: Floats = sum_lengths(batch.wkb, batch.offsets, self._to_pixel, self._spacing, self._steps)
        return found

    def sizes(self, batch: PolygonBatch, chosen: npt.NDArray[np.bool_]) -> Sizes:
        """The sizes of the chosen polygons, (N,) bool, which are small enough for the ground to be flat there."""
        out = np.full((3, len(batch)), np.nan)
        rows = np.flatnonzero(chosen)
        if len(rows):
            ends = [(batch.offsets[k], batch.offsets[k + 1]) for k in rows]
            polygons = shapely.from_wkb([batch.wkb[begin:end].tobytes() for begin, end in ends])
            out[:, rows] = self._rectangles(shapely.get_exterior_ring(polygons))
        return Sizes(*out)

    def _rectangles(self, rings: npt.NDArray[np.object_]) -> Floats:
        """(3, N) length, width and direction of the smallest rectangle around each ring."""
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        first = np.searchsorted(ring, np.arange(len(rings)))
        p, q, r, s, t, u = self._to_pixel
        steps = steps_at(
            self._steps, self._spacing, s * xy[first, 0] + t * xy[first, 1] + u,
            p * xy[first, 0] + q * xy[first, 1] + r,
        )[ring]  # fmt: skip
        x, y = (xy - xy[first][ring]).T
        right, down = p * x + q * y, s * x + t * y
        ground = np.stack([steps[:, 0] * right + steps[:, 2] * down, steps[:, 1] * right + steps[:, 3] * down], axis=1)
        known = np.isfinite(ground).all(axis=1)
        boxes = shapely.oriented_envelope(shapely.set_coordinates(rings.copy(), np.where(known[:, None], ground, 0.0)))
        return _sides(boxes)


def _sides(boxes: npt.NDArray[np.object_]) -> Floats:
    """(3, N) length, width and direction of rectangles (east, north); NaN for those without area."""
    out = np.full((3, len(boxes)), np.nan)
    good = np.flatnonzero(shapely.get_type_id(boxes) == shapely.GeometryType.POLYGON)
    corners = shapely.get_coordinates(boxes[good]).reshape(-1, 5, 2)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    one_m, two_m = (np.sqrt(side[:, 0] ** 2 + side[:, 1] ** 2) for side in (one, two))
    long = np.where((one_m >= two_m)[:, None], one, two)
    degrees = np.degrees(np.arctan2(long[:, 0], long[:, 1])) % 180.0
    direction = degrees.astype(np.float32) % np.float32(180)  # 179.9999999 is 180 in float32
    out[:, good] = np.maximum(one_m, two_m), np.minimum(one_m, two_m), direction
    return out


@kernel
def sum_lengths(wkb, offsets, to_pixel, spacing, steps):  # type: ignore[no-untyped-def]
    """(N,) ground lengths of all rings of each polygon.

    Args:
        wkb, offsets: see `PolygonBatch`.
        to_pixel: (6,) float64 from the map to columns and rows.
        spacing: (2,) float64 rows and columns between the nodes of `steps`.
        steps: (R, C, 4) float64, see `GroundScale`.
    """
    total = np.zeros(offsets.shape[0] - 1, np.float64)
    for k in range(total.shape[0]):
        at = offsets[k] + 9
        while at < offsets[k + 1]:
            n = int(wkb[at]) | int(wkb[at + 1]) << 8 | int(wkb[at + 2]) << 16 | int(wkb[at + 3]) << 24
            xy = wkb[at + 4 : at + 4 + 16 * n].copy().view(np.float64)
            total[k] += _ring_length(xy, to_pixel, spacing, steps)
            at += 4 + 16 * n
    return total


@inner
def _ring_length(xy, to_pixel, spacing, steps):  # type: ignore[no-untyped-def]
    length = 0.0
    step = np.empty(4, np.float64)
    for k in range(0, xy.shape[0] - 2, 2):
        col = to_pixel[0] * xy[k] + to_pixel[1] * xy[k + 1] + to_pixel[2]
        row = to_pixel[3] * xy[k] + to_pixel[4] * xy[k + 1] + to_pixel[5]
        x, y = xy[k + 2] - xy[k], xy[k + 3] - xy[k + 1]
        right, down = to_pixel[0] * x + to_pixel[1] * y, to_pixel[3] * x + to_pixel[4] * y
        pieces = 1 + int(max(abs(down) / spacing[0], abs(right) / spacing[1]))
        for piece in range(pieces):
            middle = (piece + 0.5) / pieces
            _step_at(steps, spacing, row + middle * down, col + middle * right, step)
            length += np.hypot(step[0] * right + step[2] * down, step[1] * right + step[3] * down) / pieces
    return length


@inner
def _step_at(steps, spacing, row, col, out):  # type: ignore[no-untyped-def]
    """Fill in the ground steps at a place, bilinear between the nodes."""
    v, u = row / spacing[0], col / spacing[1]
    i = min(max(int(v), 0), steps.shape[0] - 2)
    j = min(max(int(u), 0), steps.shape[1] - 2)
    v, u = v - i, u - j
    for k in range(4):
        above = steps[i, j, k] * (1.0 - u) + steps[i, j + 1, k] * u
        below = steps[i + 1, j, k] * (1.0 - u) + steps[i + 1, j + 1, k] * u
        out[k] = above * (1.0 - v) + below * v


@kernel
def steps_at(steps, spacing, row, col):  # type: ignore[no-untyped-def]
    """(N, 4) the ground steps at some places."""
    out = np.empty((row.shape[0], 4), np.float64)
    for k in range(row.shape[0]):
        _step_at(steps, spacing, row[k], col[k], out[k])
    return out
