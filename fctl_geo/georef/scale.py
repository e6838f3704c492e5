"""How far a step from pixel to pixel leads on the ground, for lengths and directions of outlines.

Like the areas of `area`, steps are measured on the CRS's own ellipsoid at nodes, and interpolated between them. A
length is the integral of such steps along a line that is straight on the map; where the line is short, that is the
length of the geodesic between its ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.georef.surface import CurvedSurface, Floats, PlaneSurface, surface_of
from fctl_geo.windows.frame import RasterFrame

NODE_SPACING = 16_000 / 6_371_000
"""Spacing of the nodes, in radii of the body (16 km on Earth: relative error < 1e-6)."""
MOST_NODES = 512
"""Per axis: a raster of the whole Earth has one node every 80 km."""


@dataclass(frozen=True, slots=True)
class GroundScale:
    """The ground steps of a raster's pixels."""

    spacing_px: tuple[float, float]
    """Rows and columns between nodes; the first node is the raster's first corner."""
    steps: NDArray[np.float64]
    """(R, C, 4) meters (px where the size of a pixel is unknown) to the east and to the north of one pixel step right,
    then of one step down; NaN outside the CRS's domain."""


def ground_scale(frame: RasterFrame) -> GroundScale:
    """The ground steps of a frame: from its CRS, else from the stated pixel size, else in pixels.

    On a plane, and where there is no CRS, east is right on the map, and north is up.
    """
    a, b, _, d, e, _ = frame.transform
    surface = surface_of(frame.crs_wkt)
    if isinstance(surface, CurvedSurface):
        return _curved_scale(frame, surface)
    if isinstance(surface, PlaneSurface):
        steps = np.array([a, d, b, e]) * surface.meters_per_unit
    else:
        steps = np.array([1.0, 0.0, 0.0, -1.0]) * (frame.stated_gsd_m or 1.0)
    size_px = float(max(frame.size_hw))
    return GroundScale((size_px, size_px), np.tile(steps, (2, 2, 1)))


def _curved_scale(frame: RasterFrame, surface: CurvedSurface) -> GroundScale:
    a, b, c, d, e, f = frame.transform
    radius, pixel_m = surface.ellipsoid.a, math.sqrt(abs(a * e - b * d)) * surface.meters_per_unit
    counts = [min(math.ceil(size * pixel_m / (NODE_SPACING * radius)), MOST_NODES - 1) for size in frame.size_hw]
    rows, cols = (np.linspace(0, size, count + 1) for size, count in zip(frame.size_hw, counts, strict=True))
    half = max(0.5, NODE_SPACING * radius / 64 / pixel_m)
    steps = np.empty((len(rows), len(cols), 4))
    for i, row in enumerate(rows):

        def points(down: float, right: float, row: float = row) -> Floats:
            x, y = cols + right, np.full(len(cols), row + down)
            return surface.points(a * x + b * y + c, d * x + e * y + f)

        east, north = surface.compass(a * cols + b * row + c, d * cols + e * row + f)
        for k, (one, other) in enumerate(((points(0, half), points(0, -half)), (points(half, 0), points(-half, 0)))):
            step = (one - other) / (2 * half)
            steps[i, :, 2 * k], steps[i, :, 2 * k + 1] = (step * east).sum(axis=0), (step * north).sum(axis=0)
    spacing = tuple(size / count for size, count in zip(frame.size_hw, counts, strict=True))
    return GroundScale((spacing[0], spacing[1]), _filled(steps))


def _filled(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nodes outside the CRS's domain take the steps of the nearest node in their row."""
    for row in steps:
        known = np.isfinite(row).all(axis=1)
        if known.any() and not known.all():
            at = np.arange(len(row))
            nearest = np.abs(at[:, None] - at[known]).argmin(axis=1)
            row[:] = row[known][nearest]
    return steps
