"""True ground areas of pixels, row by row, for any celestial body and any CRS.

A planar area in map units is wrong by 40 % at 50° in Web Mercator and meaningless in degrees. Every pixel is therefore
measured on the CRS's own ellipsoid: with the exact zone formula where rows are parallels, otherwise with the Jacobian
of "pixel -> point on the ellipsoid" at nodes 2 km apart, interpolated. Both cost next to nothing per pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.georef.surface import CurvedSurface, PlaneSurface, surface_of
from fctl_geo.windows.frame import RasterFrame

BLOCK_PX = 64
"""Number of columns that share one area in a table."""
NODE_SPACING = 2_000 / 6_371_000
"""Spacing of the nodes between which areas are interpolated, in radii of the body (2 km on Earth: error < 3e-8)."""

Areas = NDArray[np.float64]
Unit = Literal["m2", "px"]


class PixelAreas(Protocol):
    """The areas of a raster's pixels, computed by rows."""

    @property
    def unit(self) -> Unit:
        """m2, or px if the size of a pixel is unknown."""
        ...

    def rows(self, row: int, height: int) -> Areas:
        """(height, ceil(width / 64)) area of one pixel in each row and block of 64 columns.

        NaN if an entire row lies outside the CRS's domain.
        Law: a row's areas do not depend on which other rows are requested with it.
        """
        ...


def pixel_areas(frame: RasterFrame) -> PixelAreas:
    """The areas of a frame's pixels: from its CRS, else the square of the stated pixel size, else one pixel each."""
    surface = surface_of(frame.crs_wkt)
    if isinstance(surface, CurvedSurface):
        _, b, _, d, _, _ = frame.transform
        parallels = surface.transformer is None and b == 0 and d == 0
        return ZoneAreas(frame, surface) if parallels else GridAreas(frame, surface)
    if isinstance(surface, PlaneSurface):
        return FlatAreas(frame.width, abs(_determinant(frame)) * surface.meters_per_unit**2, "m2")
    if frame.stated_gsd_m is not None:
        return FlatAreas(frame.width, frame.stated_gsd_m**2, "m2")
    return FlatAreas(frame.width, 1.0, "px")


@dataclass(frozen=True, slots=True)
class FlatAreas:
    """The same area for every pixel."""

    width: int
    area: float
    unit: Unit

    def rows(self, row: int, height: int) -> Areas:
        return np.full((height, _blocks(self.width)), self.area)


@dataclass(frozen=True, slots=True)
class ZoneAreas:
    """Exact areas where every row is a parallel: geographic coordinates, not rotated."""

    frame: RasterFrame
    surface: CurvedSurface
    unit: Unit = "m2"

    def rows(self, row: int, height: int) -> Areas:
        a, _, _, _, e, f = self.frame.transform
        ellipsoid, radians = self.surface.ellipsoid, self.surface.radians_per_unit
        lat = np.clip((f + e * np.arange(row, row + height + 1)) * radians, -math.pi / 2, math.pi / 2)
        if self.surface.planetocentric:
            lat = ellipsoid.geodetic(lat)
        area = np.abs(ellipsoid.zone(lat[:-1], lat[1:])) * abs(a) * radians
        return np.repeat(area[:, None], _blocks(self.frame.width), axis=1)


@dataclass(frozen=True, slots=True)
class GridAreas:
    """Areas from the Jacobian at nodes, interpolated linearly between them.

    A block whose nodes lie outside the CRS's domain takes the nearest area in its row.
    """

    frame: RasterFrame
    surface: CurvedSurface
    unit: Unit = "m2"
    _nodes: dict[int, Areas] = field(default_factory=dict, compare=False)
    """Areas of the blocks along the few most recently used node rows."""

    @property
    def step_px(self) -> int:
        """Pixels between nodes: 2 km worth of pixels, or one pixel if pixels are larger than that."""
        return max(1, int(NODE_SPACING * self.surface.ellipsoid.a / self._pixel_m))

    @property
    def _pixel_m(self) -> float:
        return math.sqrt(abs(_determinant(self.frame))) * self.surface.meters_per_unit

    def rows(self, row: int, height: int) -> Areas:
        # Nodes lie on the centers of pixels 0, step, 2 step, ...: row 7 with step 5 is 2/5 of the way from 5 to 10.
        node, rest = np.divmod(np.arange(row, row + height), self.step_px)
        lines = {i: self._node_row(i) for i in range(int(node[0]), int(node[-1]) + 2)}
        for old in [i for i in self._nodes if i < node[0]]:
            del self._nodes[old]
        above = np.stack([lines[int(i)] for i in node])
        below = np.stack([lines[int(i) + 1] for i in node])
        above, below = (np.where(np.isnan(one), other, one) for one, other in ((above, below), (below, above)))
        weight = (rest / self.step_px)[:, None]
        return above * (1.0 - weight) + below * weight

    def _node_row(self, index: int) -> Areas:
        if index not in self._nodes:
            step, width = self.step_px, self.frame.width
            cols: Areas = 0.5 + step * np.arange(-(-(width - 1) // step) + 1, dtype=np.float64)
            self._nodes[index] = _block_means(cols, self._densities(index * step + 0.5, cols), width)
        return self._nodes[index]

    def _densities(self, row: float, cols: Areas) -> Areas:
        """m² per pixel at points of a row, from how far the ground point moves for one pixel step down and right."""
        half = max(0.5, NODE_SPACING * self.surface.ellipsoid.a / 8 / self._pixel_m)
        right = self._move(row, cols + half) - self._move(row, cols - half)
        down = self._move(row + half, cols) - self._move(row - half, cols)
        area: Areas = np.linalg.norm(np.cross(right, down, axis=0), axis=0) / (2 * half) ** 2
        return area

    def _move(self, row: float, cols: Areas) -> Areas:
        a, b, c, d, e, f = self.frame.transform
        return self.surface.points(a * cols + b * row + c, d * cols + e * row + f)


def _block_means(cols: Areas, areas: Areas, width: int) -> Areas:
    """(blocks,) means over the pixels of each block, linear between the known columns; NaN if none is known."""
    known = np.isfinite(areas)
    if not known.any():
        return np.full(_blocks(width), np.nan)
    starts = np.arange(0, width, BLOCK_PX)
    pixels = np.interp(np.arange(width) + 0.5, cols[known], areas[known])
    means: Areas = np.add.reduceat(pixels, starts) / np.minimum(BLOCK_PX, width - starts)
    return means


def _determinant(frame: RasterFrame) -> float:
    a, b, _, d, e, _ = frame.transform
    return a * e - b * d


def _blocks(width: int) -> int:
    return -(-width // BLOCK_PX)
