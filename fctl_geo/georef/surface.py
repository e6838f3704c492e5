"""What a CRS says about the ground: coordinates on a body's ellipsoid, on a plane in meters, or neither."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pyproj import CRS, Geod, Transformer

Floats = NDArray[np.float64]
_ANGLES = ("degree", "radian", "grad")
"""GDAL reports these as lengths if an engineering CRS uses them."""
FLAT_ZONE_RAD = 1e-4
"""For rows of less than this height, the difference of two zones loses more digits than the midpoint rule."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A biaxial body."""

    a: float
    """Equatorial radius, m."""
    b: float
    """Polar radius, m."""

    @property
    def e2(self) -> float:
        return 1.0 - (self.b / self.a) ** 2

    def geodetic(self, lat: Floats) -> Floats:
        """Geodetic latitudes from planetocentric ones (radians)."""
        return np.arctan2(np.sin(lat) * self.a**2, np.cos(lat) * self.b**2)

    def zone(self, south: Floats, north: Floats) -> Floats:
        """m² between two geodetic parallels (radians), per radian of longitude.

        Snyder, Map Projections (1987), 3-12; for thin zones, width times height at the middle.
        """
        exact = self._to_equator(north) - self._to_equator(south)
        middle = (south + north) / 2
        root = 1.0 - self.e2 * np.sin(middle) ** 2
        thin = self.b**2 * np.cos(middle) / root**2 * (north - south)
        return np.where(np.abs(north - south) < FLAT_ZONE_RAD, thin, exact)

    def _to_equator(self, lat: Floats) -> Floats:
        sine, e = np.sin(lat), math.sqrt(self.e2)
        tail = np.arctanh(e * sine) / e if e > 0 else sine
        return self.b**2 / 2 * (sine / (1.0 - self.e2 * sine**2) + tail)

    def points(self, lon: Floats, lat: Floats) -> Floats:
        """(3, ...) meters from the center of the body, without a seam at ±180° or a hole at the poles."""
        n = self.a / np.sqrt(1.0 - self.e2 * np.sin(lat) ** 2)
        across = n * np.cos(lat)
        return np.stack([across * np.cos(lon), across * np.sin(lon), n * (1.0 - self.e2) * np.sin(lat)])


def compass(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """(3, ...) unit vectors to the east and to the north at geodetic longitudes and latitudes (radians)."""
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)])
    return east, np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])


@dataclass(frozen=True, slots=True)
class CurvedSurface:
    """Coordinates that are, or lead to, longitude and latitude on a body."""

    ellipsoid: Ellipsoid
    geod: Geod
    """Measures geodesics on the ellipsoid."""
    transformer: Transformer | None
    """To longitude and latitude; None: the coordinates already are longitude and latitude."""
    radians_per_unit: float
    """Of longitude and latitude."""
    meters_per_unit: float
    """Of the map; used only to place the nodes between which areas are interpolated."""
    planetocentric: bool

    def lon_lat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude in the base CRS's own unit; not finite outside the CRS's domain."""
        return (x, y) if self.transformer is None else self.transformer.transform(x, y)

    def points(self, x: Floats, y: Floats) -> Floats:
        """(3, ...) meters from the center of the body; NaN outside the CRS's domain."""
        return self.ellipsoid.points(*self._geodetic(x, y))

    def compass(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """(3, ...) unit vectors to the east and to the north; NaN outside the CRS's domain."""
        return compass(*self._geodetic(x, y))

    def _geodetic(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitude and geodetic latitude in radians; NaN outside the CRS's domain."""
        x, y = self.lon_lat(x, y)
        outside = ~(np.isfinite(x) & np.isfinite(y))
        lon, lat = (np.where(outside, np.nan, v) * self.radians_per_unit for v in (x, y))
        return lon, self.ellipsoid.geodetic(lat) if self.planetocentric else lat


@dataclass(frozen=True, slots=True)
class PlaneSurface:
    """Coordinates on a plane, in a unit of length."""

    meters_per_unit: float
    local: bool
    """An engineering CRS, which is planar by definition; False: a projection that PROJ cannot invert."""


def surface_of(crs_wkt: str) -> CurvedSurface | PlaneSurface | None:
    """The surface that a CRS's coordinates lie on; None without a CRS, or with one that does not define meters."""
    crs = _horizontal(crs_wkt) if crs_wkt else None
    if crs is None or crs.is_geocentric:
        return None
    if crs.is_engineering:
        return _plane(crs)
    return _curved(crs) or (_plane(crs) if crs.is_projected else None)


def crs_name(crs_wkt: str) -> str:
    """The name of a CRS, for messages."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_wkt(crs_wkt).name
    except CRSError:
        return crs_wkt[:60]


def _horizontal(crs_wkt: str) -> CRS | None:
    """The horizontal part of a CRS, without heights or a bound transformation; None if it has none."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs: CRS | None = CRS.from_wkt(crs_wkt)
    except CRSError:
        return None
    while crs is not None and (crs.is_compound or crs.is_bound):
        crs = crs.sub_crs_list[0] if crs.is_compound else crs.source_crs
    return crs


def _curved(crs: CRS) -> CurvedSurface | None:
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    base = crs.geodetic_crs
    if base is None or base.is_geocentric or base.ellipsoid is None or (geod := base.get_geod()) is None:
        return None
    try:
        same = not (crs.is_projected or crs.is_derived)
        transformer = None if same else Transformer.from_crs(crs, base, always_xy=True)
    except ProjError:  # a method that PROJ knows by name only
        return None
    ellipsoid = Ellipsoid(base.ellipsoid.semi_major_metre, base.ellipsoid.semi_minor_metre)
    factor = _unit_factor(crs)
    planetocentric = base.coordinate_system is not None and base.coordinate_system.name == "spherical"
    meters = factor if crs.is_projected else factor * ellipsoid.a
    return CurvedSurface(ellipsoid, geod, transformer, _unit_factor(base), meters, planetocentric)


def _plane(crs: CRS) -> PlaneSurface | None:
    """None if the axes are not in a known unit of length."""
    axes: list[dict[str, Any]] = crs.to_json_dict()["coordinate_system"]["axis"]
    return PlaneSurface(_unit_factor(crs), crs.is_engineering) if _is_length(axes[0].get("unit")) else None


def _is_length(unit: str | dict[str, Any] | None) -> bool:
    """Whether a unit in PROJ's JSON is a length. A GeoTIFF keeps the factor of an uncommon unit but loses its name."""
    if not isinstance(unit, dict):
        return unit == "metre"
    name, factor = unit["name"], unit["conversion_factor"]
    nameless = name == "unknown" and factor == 1
    return unit["type"] == "LinearUnit" and factor > 0 and not nameless and name not in _ANGLES


def _unit_factor(crs: CRS) -> float:
    """Meters, or radians, per unit of the CRS's axes."""
    axis: Any = crs.axis_info[0]
    return float(axis.unit_conversion_factor)
