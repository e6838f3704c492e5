"""Where a raster lies in longitude and latitude, for maps on the web and for catalogs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from fctl_geo.windows.frame import RasterFrame

_EDGE_POINTS = 8
"""Points per edge, which is a curve in longitude and latitude."""
_DIGITS = 7
"""Decimal places of degrees: 1 cm."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """The outline of a raster on Earth (WGS 84)."""

    geometry: dict[str, Any]
    """GeoJSON: a polygon, or a multipolygon if it is cut by the antimeridian (RFC 7946, 3.1.9)."""
    bbox: tuple[float, float, float, float]
    """West, south, east, north; west is greater than east if it crosses the antimeridian."""

    @property
    def center(self) -> tuple[float, float]:
        """Longitude and latitude."""
        west, south, east, north = self.bbox
        lon = west + ((east - west) % 360) / 2
        return (lon + 180) % 360 - 180, (south + north) / 2


def footprint_of(frame: RasterFrame) -> Footprint | None:
    """The footprint of a frame; None without a CRS that can be converted to longitude and latitude on Earth."""
    if not frame.crs_wkt:
        return None
    from pyproj import Transformer
    from pyproj.exceptions import CRSError, ProjError

    a, b, c, d, e, f = frame.transform
    ways = np.linspace(0, 1, _EDGE_POINTS, endpoint=False)
    none, full = np.zeros_like(ways), np.ones_like(ways)
    cols = frame.width * np.concatenate([none, ways, full, 1 - ways])
    rows = frame.height * np.concatenate([ways, full, 1 - ways, none])
    try:
        to_degrees = Transformer.from_crs(frame.crs_wkt, "EPSG:4326", always_xy=True)
        lon, lat = to_degrees.transform(a * cols + b * rows + c, d * cols + e * rows + f)
    except (CRSError, ProjError):
        return None
    if not np.isfinite([lon, lat]).all():
        return None
    if np.ptp(lon) > 180:  # the short way around
        lon = np.where(lon < 0, lon + 360, lon)
    outline = shapely.orient_polygons(shapely.Polygon(np.c_[lon, lat].round(_DIGITS)))
    west, south, east, north = (float(v) for v in outline.bounds)
    if east > 180:
        outline = shapely.union_all([
            shapely.intersection(outline, shapely.box(-180, -90, 180, 90)),
            shapely.transform(
                shapely.intersection(outline, shapely.box(180, -90, 540, 90)), lambda xy: xy - np.array([360, 0])
            ),
        ])  # fmt: skip
        east -= 360
    return Footprint(shapely.geometry.mapping(outline), (west, south, east, north))
