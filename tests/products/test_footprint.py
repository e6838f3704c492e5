"""Footprints on the web: longitude and latitude of any raster, also across the antimeridian."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import CRS

from fctl_geo.products.footprint import footprint_of
from fctl_geo.windows.frame import RasterFrame


def frame(transform: tuple[float, ...], crs: str, height: int = 100, width: int = 200) -> RasterFrame:
    return RasterFrame(height, width, transform, CRS(crs).to_wkt() if crs else "")  # type: ignore[arg-type]


def test_the_outline_of_a_raster_in_utm_holds_its_corners() -> None:
    found = footprint_of(frame((100, 0, 350_000, 0, -100, 3_060_000), "EPSG:32645"))
    assert found is not None
    outline = shapely.geometry.shape(found.geometry)
    assert outline.is_valid and outline.exterior.is_ccw, "as RFC 7946 wants it"
    assert found.bbox == outline.bounds
    lon, lat = found.center
    assert outline.contains(shapely.Point(lon, lat)) and (85, 27) < (lon, lat) < (86, 28)


def test_a_raster_across_the_antimeridian_is_cut_there() -> None:
    found = footprint_of(frame((0.01, 0, 179, 0, -0.01, -17), "EPSG:4326"))
    assert found is not None and found.bbox == (179, -18, -179, -17)
    assert found.center == (-180, -17.5)
    east, west = sorted((shapely.geometry.shape(found.geometry)).geoms, key=lambda part: -part.bounds[0])
    assert east.bounds == (179, -18, 180, -17) and west.bounds == (-180, -18, -179, -17)


@pytest.mark.parametrize("crs", ["", "IAU_2015:49910", 'ENGCRS["site",EDATUM["site"],CS[Cartesian,2],AXIS["x",east],'
                                 'AXIS["y",north],LENGTHUNIT["metre",1]]'])  # fmt: skip
def test_what_does_not_lie_on_earth_has_none(crs: str) -> None:
    assert footprint_of(frame((1, 0, 0, 0, -1, 0), crs)) is None


def test_a_rotated_raster_keeps_its_shape() -> None:
    cos, sin = np.cos(0.5), np.sin(0.5)
    found = footprint_of(frame((cos, sin, 350_000, sin, -cos, 3_060_000), "EPSG:32645"))
    assert found is not None
    outline = shapely.geometry.shape(found.geometry)
    assert outline.area < 0.8 * shapely.box(*outline.bounds).area
