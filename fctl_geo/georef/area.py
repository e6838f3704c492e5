"""True ground areas of pixels, row by row, on whatever body and in whatever CRS the raster lies.

A planar area in map units is wrong by 40 % at 50° in Web Mercator and meaningless in degrees. So every pixel is
measured on the CRS's own ellipsoid: by the exact zone formula where rows are parallels, else by the Jacobian of
"pixel -> point on the ellipsoid" at nodes 2 km apart, interpolated. Both cost next to nothing per pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SceneError
from fctl_geo.windows.frame import RasterFrame

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

BLOCK_PX = 64
"""Columns that share one area in a table."""
NODE_SPACING = 2_000 / 6_371_000
"""Distance of the nodes between which areas are interpolated, in radii of the body (2 km on Earth: error < 3e-8)."""
FLAT_ZONE_RAD = 1e-4
"""Below this height of a row the difference of two zones loses more digits than the midpoint rule."""

Areas = NDArray[np.float64]
Unit = Literal["m2", "px"]


class PixelAreas(Protocol):
    """The areas of a raster's pixels, asked for by rows."""

    @property
    def unit(self) -> Unit:
        """m2, or px where nothing says how large a pixel is."""
        ...

    def rows(self, row: int, height: int) -> Areas:
        """(height, ceil(width / 64)) area of one pixel in each row and block of 64 columns.

        NaN where a whole row lies outside of the CRS's domain.
        Law: a row's areas do not depend on the rows that are asked for with it.
        """
        ...


def pixel_areas(frame: RasterFrame, gsd_m: float | None = None) -> PixelAreas:
    """The areas of a frame's pixels: ellipsoidal with a CRS, else gsd_m² each, else one pixel each.

    Raises:
        SceneError: the CRS cannot be read, or is of a kind that has no areas.
    """
    if not frame.crs_wkt:
        return FlatAreas(frame.width, 1.0 if gsd_m is None else gsd_m**2, "px" if gsd_m is None else "m2")
    crs = _horizontal(frame.crs_wkt)
    if crs.is_engineering:
        return FlatAreas(frame.width, abs(_determinant(frame)) * _unit_factor(crs) ** 2, "m2")
    if _rows_are_parallels(crs, frame):
        return ZoneAreas(frame, Ellipsoid.of(crs), _unit_factor(crs), _planetocentric(crs))
    return GridAreas(frame, _Ground.of(crs))


def pixel_size_m(frame: RasterFrame) -> float | None:
    """Ground metres a pixel at the centre of the frame: the root of the true area; None without a CRS."""
    areas = pixel_areas(frame)
    if areas.unit == "px":
        return None
    middle = areas.rows(frame.height // 2, 1)[0]
    return math.sqrt(float(middle[len(middle) // 2]))


@dataclass(frozen=True, slots=True)
class FlatAreas:
    """The same area for every pixel."""

    width: int
    area: float
    unit: Unit

    def rows(self, row: int, height: int) -> Areas:
        return np.full((height, _blocks(self.width)), self.area)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A biaxial body."""

    a: float
    """Equatorial radius, m."""
    b: float
    """Polar radius, m."""

    @staticmethod
    def of(crs: CRS) -> Ellipsoid:
        if crs.ellipsoid is None:
            raise SceneError(f"the CRS {crs.name!r} has no ellipsoid, so areas cannot be measured")
        return Ellipsoid(crs.ellipsoid.semi_major_metre, crs.ellipsoid.semi_minor_metre)

    @property
    def e2(self) -> float:
        return 1.0 - (self.b / self.a) ** 2

    def geodetic(self, lat: Areas) -> Areas:
        """Geodetic latitudes from planetocentric ones (radians)."""
        return np.arctan2(np.sin(lat) * self.a**2, np.cos(lat) * self.b**2)

    def zone(self, south: Areas, north: Areas) -> Areas:
        """m² between two geodetic parallels (radians), per radian of longitude.

        Snyder, Map projections (1987), 3-12; where a zone is thin, width times height of its middle.
        """
        exact = self._to_equator(north) - self._to_equator(south)
        middle = (south + north) / 2
        root = 1.0 - self.e2 * np.sin(middle) ** 2
        thin = self.b**2 * np.cos(middle) / root**2 * (north - south)
        return np.where(np.abs(north - south) < FLAT_ZONE_RAD, thin, exact)

    def _to_equator(self, lat: Areas) -> Areas:
        sine, e = np.sin(lat), math.sqrt(self.e2)
        tail = np.arctanh(e * sine) / e if e > 0 else sine
        return self.b**2 / 2 * (sine / (1.0 - self.e2 * sine**2) + tail)

    def points(self, lon: Areas, lat: Areas) -> Areas:
        """(3, ...) metres from the centre of the body: no seam at ±180°, no hole at the poles."""
        n = self.a / np.sqrt(1.0 - self.e2 * np.sin(lat) ** 2)
        across = n * np.cos(lat)
        return np.stack([across * np.cos(lon), across * np.sin(lon), n * (1.0 - self.e2) * np.sin(lat)])


@dataclass(frozen=True, slots=True)
class ZoneAreas:
    """Exact areas where every row is a parallel: geographic coordinates, not rotated."""

    frame: RasterFrame
    ellipsoid: Ellipsoid
    radians_per_unit: float
    planetocentric: bool
    unit: Unit = "m2"

    def rows(self, row: int, height: int) -> Areas:
        a, _, _, _, e, f = self.frame.transform
        lat = np.clip((f + e * np.arange(row, row + height + 1)) * self.radians_per_unit, -math.pi / 2, math.pi / 2)
        if self.planetocentric:
            lat = self.ellipsoid.geodetic(lat)
        area = np.abs(self.ellipsoid.zone(lat[:-1], lat[1:])) * abs(a) * self.radians_per_unit
        return np.repeat(area[:, None], _blocks(self.frame.width), axis=1)


@dataclass(frozen=True, slots=True)
class _Ground:
    """From map coordinates to points on the body."""

    transformer: Transformer | None
    """To longitude and latitude; None: the map coordinates are that already."""
    ellipsoid: Ellipsoid
    radians_per_unit: float
    metres_per_unit: float
    """Of the map; only to place the nodes."""
    planetocentric: bool

    @staticmethod
    def of(crs: CRS) -> _Ground:
        from pyproj import Transformer

        base = crs.geodetic_crs
        if base is None:
            raise SceneError(f"the CRS {crs.name!r} is not tied to a body, so areas cannot be measured")
        ellipsoid, factor = Ellipsoid.of(base), _unit_factor(crs)
        same = not (crs.is_projected or crs.is_derived)
        return _Ground(
            transformer=None if same else Transformer.from_crs(crs, base, always_xy=True),
            ellipsoid=ellipsoid,
            radians_per_unit=_unit_factor(base),
            metres_per_unit=factor if crs.is_projected else factor * ellipsoid.a,
            planetocentric=_planetocentric(base),
        )

    def points(self, x: Areas, y: Areas) -> Areas:
        """(3, ...) metres; NaN outside of the CRS's domain."""
        if self.transformer is not None:
            x, y = self.transformer.transform(x, y)
        outside = ~(np.isfinite(x) & np.isfinite(y))
        lon, lat = (np.where(outside, np.nan, v) * self.radians_per_unit for v in (x, y))
        return self.ellipsoid.points(lon, self.ellipsoid.geodetic(lat) if self.planetocentric else lat)


@dataclass(frozen=True, slots=True)
class GridAreas:
    """Areas by the Jacobian at nodes, linear between them.

    A block whose nodes lie outside of the CRS's domain takes the nearest area in its row.
    """

    frame: RasterFrame
    ground: _Ground
    unit: Unit = "m2"
    _nodes: dict[int, Areas] = field(default_factory=dict, compare=False)
    """Areas of the blocks along the few node rows last used."""

    @property
    def step_px(self) -> int:
        """Pixels between nodes: 2 km of pixels, or each pixel where they are larger."""
        return max(1, int(NODE_SPACING * self.ground.ellipsoid.a / self._pixel_m))

    @property
    def _pixel_m(self) -> float:
        return math.sqrt(abs(_determinant(self.frame))) * self.ground.metres_per_unit

    def rows(self, row: int, height: int) -> Areas:
        # Nodes lie on the centres of pixels 0, step, 2 step, ...: row 7 with step 5 is 2/5 of the way from 5 to 10.
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
        """m² a pixel at points of a row, from how far the ground moves with a pixel's step down and right."""
        half = max(0.5, NODE_SPACING * self.ground.ellipsoid.a / 8 / self._pixel_m)
        right = self._move(row, cols + half) - self._move(row, cols - half)
        down = self._move(row + half, cols) - self._move(row - half, cols)
        area: Areas = np.linalg.norm(np.cross(right, down, axis=0), axis=0) / (2 * half) ** 2
        return area

    def _move(self, row: float, cols: Areas) -> Areas:
        a, b, c, d, e, f = self.frame.transform
        return self.ground.points(a * cols + b * row + c, d * cols + e * row + f)


def _block_means(cols: Areas, areas: Areas, width: int) -> Areas:
    """(blocks,) means over the pixels of each block, linear between the known columns; NaN where none is known."""
    known = np.isfinite(areas)
    if not known.any():
        return np.full(_blocks(width), np.nan)
    starts = np.arange(0, width, BLOCK_PX)
    pixels = np.interp(np.arange(width) + 0.5, cols[known], areas[known])
    means: Areas = np.add.reduceat(pixels, starts) / np.minimum(BLOCK_PX, width - starts)
    return means


def _horizontal(wkt: str) -> CRS:
    """The horizontal part of a CRS: without heights and without a transformation bound to it."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_wkt(wkt)
    except CRSError as error:
        raise SceneError(f"the CRS cannot be read: {error}", hint="give the raster a CRS, e.g. EPSG:32633") from error
    while crs.is_compound or crs.is_bound:
        inner = crs.sub_crs_list[0] if crs.is_compound else crs.source_crs
        if inner is None:
            raise SceneError(f"the CRS {crs.name!r} has no horizontal part")
        crs = inner
    return crs


def _rows_are_parallels(crs: CRS, frame: RasterFrame) -> bool:
    _, b, _, d, _, _ = frame.transform
    return not (crs.is_projected or crs.is_derived) and b == 0 and d == 0


def _planetocentric(crs: CRS) -> bool:
    return crs.coordinate_system is not None and crs.coordinate_system.name == "spherical"


def _unit_factor(crs: CRS) -> float:
    """Metres, or radians, per unit of the CRS's axes."""
    axis: Any = crs.axis_info[0]
    return float(axis.unit_conversion_factor)


def _determinant(frame: RasterFrame) -> float:
    a, b, _, d, e, _ = frame.transform
    return a * e - b * d


def _blocks(width: int) -> int:
    return -(-width // BLOCK_PX)
