"""Areas of pixels against geodesic polygons (the second witness: pyproj's Geod)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from fctl_geo.georef.area import FlatAreas, pixel_areas
from fctl_geo.georef.pixel_size import area_warnings, ground_resolution, pixel_size_m, with_stated_gsd
from fctl_geo.windows.frame import Affine6, RasterFrame
from fctl_geo.windows.window import Window


def make_frame(crs: str, transform: Affine6, height: int = 300, width: int = 200) -> RasterFrame:
    return RasterFrame(height, width, transform, CRS(crs).to_wkt() if crs else "")


def north_up(crs: str, x: float, y: float, pixel: float) -> RasterFrame:
    return make_frame(crs, (pixel, 0.0, x, 0.0, -pixel, y))


def geodesic_area(frame: RasterFrame, row: int, col: int, height: int, width: int) -> float:
    """m² of a rectangle of pixels: its outline in many small steps, on the CRS's ellipsoid."""
    crs = CRS.from_wkt(frame.crs_wkt)
    a, b, c, d, e, f = frame.transform
    t = np.linspace(0, 1, 400, endpoint=False)
    cols = np.concatenate([col + width * t, np.full(400, col + width), col + width * (1 - t), np.full(400, col)])
    rows = np.concatenate([np.full(400, row), row + height * t, np.full(400, row + height), row + height * (1 - t)])
    x, y = a * cols + b * rows + c, d * cols + e * rows + f
    lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    degrees = math.degrees(crs.geodetic_crs.axis_info[0].unit_conversion_factor)
    lon, lat = np.multiply(lon, degrees), np.multiply(lat, degrees)
    geod = crs.get_geod()
    assert isinstance(geod, Geod)
    return abs(geod.polygon_area_perimeter(lon, lat)[0])


FRAMES = {
    "utm 30 cm": north_up("EPSG:32633", 500_000, 5_400_000, 0.3),
    "utm 10 m at the zone's edge": north_up("EPSG:32633", 180_000, 5_400_000, 10),
    "web mercator at 60 north": north_up("EPSG:3857", 2_000_000, 8_399_737, 0.6),
    "web mercator 30 m": north_up("EPSG:3857", 2_000_000, 6_000_000, 30),
    "us survey feet": north_up("EPSG:2263", 980_000, 200_000, 0.5),
    "laea europe": north_up("EPSG:3035", 4_321_000, 3_210_000, 1),
    "polar stereographic": north_up("EPSG:3413", 1_000_000, -1_000_000, 5),
    "polar stereographic over the pole": north_up("EPSG:3413", -100, 100, 1),
    "antimeridian": north_up("EPSG:3832", 3_339_584.7 - 500, -1_900_000, 5),
    "degrees": north_up("EPSG:4326", 13.0, 52.0, 1e-5),
    "degrees, large": north_up("EPSG:4326", 13.0, 70.0, 0.1),
    "grads of Paris": north_up("EPSG:4807", 1.0, 50.0, 1e-4),
    "compound": north_up("EPSG:32633+5773", 400_000, 5_000_000, 2),
    "mars": north_up("IAU_2015:49901", 40.0, 30.0, 1e-4),
    "europa": north_up("IAU_2015:50200", 40.0, 30.0, 1e-3),
    "mars, polar": north_up("IAU_2015:49930", 10_000.0, 30_000.0, 6),
    "utm, rotated": make_frame("EPSG:32633", (0.3, 0.4, 400_000.0, 0.4, -0.3, 5_000_000.0)),
    "degrees, rotated": make_frame("EPSG:4326", (3e-5, 4e-5, 10.0, 4e-5, -3e-5, 45.0)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_areas_are_those_of_geodesic_polygons(name: str) -> None:
    frame = FRAMES[name]
    areas = pixel_areas(frame)
    assert areas.unit == "m2"
    table = areas.rows(0, frame.height)
    assert table.shape == (300, 4)
    for row, height in ((0, 1), (0, 300), (299, 1), (150, 40)):  # Geod itself is good to about 0.01 m²
        for block, col, width in ((0, 0, 64), (1, 64, 64), (3, 192, 8)):
            mine = table[row : row + height, block].sum() * width
            assert mine == pytest.approx(geodesic_area(frame, row, col, height, width), rel=1e-5, abs=0.01)


def test_planetocentric_latitudes_are_brought_to_geodetic_ones() -> None:
    # One tenth of a degree at 45° planetocentric is a zone elsewhere than at 45° geodetic.
    frame = north_up("IAU_2015:49902", 0.0, 45.0, 0.1)
    crs = CRS("IAU_2015:49902")
    squash = (crs.ellipsoid.semi_major_metre / crs.ellipsoid.semi_minor_metre) ** 2
    north, south = (math.degrees(math.atan(math.tan(math.radians(v)) * squash)) for v in (45.0, 44.9))
    geod = Geod(a=crs.ellipsoid.semi_major_metre, b=crs.ellipsoid.semi_minor_metre)
    lon = np.linspace(0, 0.1, 200)
    ring = np.concatenate([lon, lon[::-1]]), np.concatenate([np.full(200, north), np.full(200, south)])
    assert pixel_areas(frame).rows(0, 1)[0, 0] == pytest.approx(abs(geod.polygon_area_perimeter(*ring)[0]), rel=1e-5)


def test_the_whole_earth_has_its_surface() -> None:
    frame = make_frame("EPSG:4326", (0.25, 0, -180, 0, -0.25, 90), height=720, width=1440)
    table = pixel_areas(frame).rows(0, 720)
    total = sum(table[:, block].sum() * min(64, 1440 - 64 * block) for block in range(table.shape[1]))
    assert total == pytest.approx(510_065_621_724_088.0, rel=1e-9)


def test_rows_beyond_the_pole_have_no_ground() -> None:
    frame = make_frame("EPSG:4326", (1, 0, -180, 0, -1, 90.5), height=3, width=360)
    half, full, _ = pixel_areas(frame).rows(0, 3)[:, 0]
    assert half == pytest.approx(full / 8, rel=1e-2)  # half the height, and a quarter as wide
    assert (pixel_areas(make_frame("EPSG:4326", (1, 0, 0, 0, -1, 92), height=2)).rows(0, 1) == 0).all()


def test_pixels_outside_of_the_projection_take_the_nearest_area_or_none() -> None:
    # Orthographic: the Earth is a disc of 6,371 km; the raster is larger.
    ortho = "+proj=ortho +lat_0=0 +lon_0=0 +R=6371000"
    frame = make_frame(ortho, (100_000, 0, -8_000_000, 0, -100_000, 8_000_000), height=160, width=160)
    table = pixel_areas(frame).rows(0, 160)
    assert np.isnan(table[0]).all()
    assert np.isfinite(table[80]).all()


@settings(max_examples=25, deadline=None)
@given(row=st.integers(0, 5000), height=st.integers(1, 400), skip=st.integers(0, 399))
def test_areas_of_a_row_do_not_depend_on_the_strip(row: int, height: int, skip: int) -> None:
    frame = make_frame("EPSG:32633", (20, 0, 400_000, 0, -20, 5_000_000), height=6000, width=333)
    areas = pixel_areas(frame)
    strip = areas.rows(row, height)
    skip = min(skip, height - 1)
    assert np.array_equal(strip[skip:], pixel_areas(frame).rows(row + skip, height - skip))
    assert np.array_equal(strip, areas.rows(row, height))


def test_without_a_crs_areas_are_pixels() -> None:
    areas = pixel_areas(make_frame("", (1, 0, 0, 0, 1, 0)))
    assert (areas.unit, areas.rows(7, 2).tolist()) == ("px", [[1.0] * 4] * 2)
    assert pixel_size_m(make_frame("", (1, 0, 0, 0, 1, 0))) is None


def test_without_a_crs_a_given_gsd_makes_square_meters() -> None:
    frame = with_stated_gsd(make_frame("", (1, 0, 0, 0, 1, 0)), 0.5)
    assert pixel_areas(frame) == FlatAreas(200, 0.25, "m2")
    assert pixel_size_m(frame) == 0.5
    assert "0.5 m per pixel, as given" in area_warnings(frame, "a.tif")[0]


@pytest.mark.parametrize("name", FRAMES)
def test_where_the_crs_tells_the_size_of_a_pixel_a_given_one_does_not_count(name: str) -> None:
    frame = FRAMES[name]
    assert with_stated_gsd(frame, 7.0) == frame
    assert area_warnings(frame, "a.tif") == ()


def test_a_local_crs_is_measured_in_its_own_unit() -> None:
    local = 'ENGCRS["site",EDATUM["site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["foot",0.3048]]'
    areas = pixel_areas(RasterFrame(10, 10, (2, 0, 0, 0, -2, 0), local))
    assert areas.rows(0, 1)[0, 0] == pytest.approx(4 * 0.3048**2)


def test_pixel_size_is_true_ground_meters() -> None:
    assert pixel_size_m(north_up("EPSG:3857", 0, 8_399_737, 1)) == pytest.approx(0.5, rel=0.01)
    assert pixel_size_m(north_up("EPSG:2263", 980_000, 200_000, 1)) == pytest.approx(0.3048, rel=1e-3)


SITE = 'ENGCRS["s",EDATUM["x"],'
NOWHERE = {
    "no WKT": "GARBAGE",
    "a height": CRS("EPSG:5773").to_wkt(),
    "geocentric": CRS("EPSG:4978").to_wkt(),
    "site in no unit": SITE + 'CS[affine,2],AXIS["x",east],AXIS["y",north],SCALEUNIT["unity",1]]',
    "site in degrees": SITE + 'CS[spherical,2],AXIS["x",east],AXIS["y",north],ANGLEUNIT["degree",0.01745]]',
    "the same of GDAL": SITE + 'CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["degree",0.01745]]',
    "site in an unknown unit": 'LOCAL_CS["s",UNIT["unknown",1]]',
}


@pytest.mark.parametrize("wkt", NOWHERE.values(), ids=NOWHERE)
def test_a_crs_without_meters_leaves_areas_in_pixels_and_says_so(wkt: str) -> None:
    frame = RasterFrame(3, 3, (1, 0, 0, 0, -1, 0), wkt)
    assert pixel_areas(frame) == FlatAreas(3, 1.0, "px")
    assert pixel_size_m(frame) is None and ground_resolution(frame).source == "unknown"
    assert "does not define meters" in area_warnings(frame, "a.tif")[0]
    assert pixel_areas(with_stated_gsd(frame, 0.5)) == FlatAreas(3, 0.25, "m2")


@pytest.mark.parametrize(("code", "meters"), [(22300, 1000), (2218, 1), (2963, 1), (22700, 1)])
def test_a_projection_that_proj_cannot_undo_is_measured_on_its_plane(code: int, meters: float) -> None:
    frame = north_up(f"EPSG:{code}", 300, 300, 0.25)
    assert pixel_areas(frame) == FlatAreas(200, (0.25 * meters) ** 2, "m2")
    assert pixel_size_m(frame) == ground_resolution(frame).gsd_m == 0.25 * meters
    assert "cannot be converted to longitude and latitude" in area_warnings(frame, "a.tif")[0]


@pytest.mark.parametrize("name", FRAMES)
def test_a_coarser_or_cut_frame_covers_the_same_ground(name: str) -> None:
    for frame in (FRAMES[name], replace(FRAMES[name], crs_wkt="", stated_gsd_m=0.5)):
        coarse = frame.coarser(4.0, (75, 50))
        assert area_of(coarse) == pytest.approx(area_of(frame), rel=1e-6)
        parts = [frame.cut(Window(row, 0, 100, 200)) for row in (0, 100, 200)]
        assert sum(map(area_of, parts)) == pytest.approx(area_of(frame), rel=1e-6)


def area_of(frame: RasterFrame) -> float:
    table = pixel_areas(frame).rows(0, frame.height)
    widths = [min(64, frame.width - col) for col in range(0, frame.width, 64)]
    return float((table @ widths).sum())
