"""Lengths and directions on the ground are those that pyproj measures along geodesics."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod, Transformer

from fctl_geo.polygons.batch import PolygonBatch, join_batches
from fctl_geo.polygons.measure import Ruler
from fctl_geo.polygons.strip import Strip
from fctl_geo.polygons.trace import trace_polygons
from fctl_geo.windows.frame import Affine6, RasterFrame

PLACES: dict[str, tuple[str, Affine6]] = {
    "utm": ("EPSG:32645", (0.5, 0.0, 334_000.0, 0.0, -0.5, 3_056_000.0)),
    "web": ("EPSG:3857", (1.0, 0.0, 2_000_000.0, 0.0, -1.0, 8_500_000.0)),  # 60° north: twice as long as on the ground
    "degrees": ("EPSG:4326", (1e-5, 0.0, 24.9, 0.0, -1e-5, 60.2)),
    "rotated": ("EPSG:32633", (0.4, 0.3, 500_000.0, 0.3, -0.4, 5_400_000.0)),
    "feet": ("EPSG:2263", (1.0, 0.0, 980_000.0, 0.0, -1.0, 200_000.0)),
}


def trace(classes: np.ndarray, transform: Affine6) -> PolygonBatch:
    strips = [Strip(np.ascontiguousarray(classes, np.uint8))]
    return join_batches(list(trace_polygons(strips, width=classes.shape[1], transform=transform, skip=frozenset({0}))))


def geometries(batch: PolygonBatch, frame: RasterFrame) -> np.ndarray:
    """In longitude and latitude."""
    ends = zip(batch.offsets, batch.offsets[1:], strict=False)
    found = shapely.from_wkb([batch.wkb[i:j].tobytes() for i, j in ends])
    crs = CRS.from_wkt(frame.crs_wkt)
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    return shapely.transform(found, lambda xy: np.stack(to_degrees.transform(*xy.T), axis=1))


def frame_of(place: str, size: int = 400) -> RasterFrame:
    crs, transform = PLACES[place]
    return RasterFrame(size, size, transform, CRS(crs).to_wkt())


def blobs(size: int = 400) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.kron(rng.integers(0, 3, (size // 8, size // 8)), np.ones((8, 8))).astype(np.uint8)


@pytest.mark.parametrize("place", PLACES)
def test_perimeters_are_those_of_geodesics(place: str) -> None:
    frame = frame_of(place)
    batch = trace(blobs(), frame.transform)
    geod = CRS.from_wkt(frame.crs_wkt).get_geod()
    assert geod is not None
    wanted = [geod.geometry_length(shapely.boundary(polygon)) for polygon in geometries(batch, frame)]
    assert any(shapely.get_num_interior_rings(geometries(batch, frame)))
    np.testing.assert_allclose(Ruler(frame).perimeters(batch), wanted, rtol=2e-6)


@pytest.mark.parametrize(("crs", "tolerance"), [("EPSG:32633", 2e-6), ("EPSG:3857", 1e-4), ("EPSG:3035", 1e-5)])
def test_a_region_of_500_km_has_the_length_of_its_many_pixels(crs: str, tolerance: float) -> None:
    """A straight border on the map is no geodesic: pieces of a kilometer are."""
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(13.0, 52.0)
    frame = RasterFrame(500, 500, (1000.0, 0.0, x, 0.0, -1000.0, y), CRS(crs).to_wkt())
    batch = trace(np.ones((500, 500), np.uint8), frame.transform)
    (polygon,) = geometries(batch, frame)
    step = np.arange(0, 500_001, 1000.0)
    top, right = np.stack([x + step, np.full(501, y)]), np.stack([np.full(501, x + 500_000), y - step])
    bottom, left = np.stack([x + step, np.full(501, y - 500_000)]), np.stack([np.full(501, x), y - step])
    to_degrees, geod = Transformer.from_crs(crs, 4326, always_xy=True), Geod(ellps="WGS84")
    wanted = sum(geod.line_length(*to_degrees.transform(*line)) for line in (top, right, bottom, left))
    assert Ruler(frame).perimeters(batch)[0] == pytest.approx(wanted, rel=tolerance)
    assert polygon.is_valid


@pytest.mark.parametrize("place", PLACES)
def test_a_house_has_the_sides_and_the_direction_that_pyproj_measures(place: str) -> None:
    frame = frame_of(place)
    a, b, c, d, e, f = frame.transform
    corners = np.array([(100, 100), (250, 160), (218, 240), (68, 180)])
    xy = np.stack([a * corners[:, 0] + b * corners[:, 1] + c, d * corners[:, 0] + e * corners[:, 1] + f], axis=1)
    if place == "degrees":  # a rectangle on the ground, not in degrees
        east, north = 90 * np.sin(np.radians(70)), 90 * np.cos(np.radians(70))
        meters = np.array([(0, 0), (east, north), (east + north / 3, north - east / 3), (north / 3, -east / 3)])
        xy = np.array([24.902, 60.198]) + meters / (111_412 * np.cos(np.radians(60.198)), 111_412)
    wkb = np.frombuffer(shapely.to_wkb(shapely.polygons(xy)), np.uint8)
    shape = trace(np.ones((1, 1), np.uint8), frame.transform)
    house = PolygonBatch(wkb, np.array([0, len(wkb)]), *(getattr(shape, n) for n in PolygonBatch.__slots__[2:]))  # type: ignore[attr-defined]
    geod = CRS.from_wkt(frame.crs_wkt).get_geod()
    assert geod is not None
    (polygon,) = geometries(house, frame)
    lon, lat = shapely.get_coordinates(polygon).T
    azimuth, _, meters = geod.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    sizes = Ruler(frame).sizes(house, np.array([True]))
    assert sizes.length[0] == pytest.approx(
        max(meters), rel=1e-3
    )  # a right angle on the map is nearly one on the ground
    assert sizes.width[0] == pytest.approx(min(meters), rel=1e-3)
    turn = (sizes.orientation[0] - azimuth[np.argmax(meters)] + 90) % 180 - 90
    assert abs(turn) < 0.2 and 0 <= sizes.orientation[0] < 180


def test_only_chosen_polygons_are_measured() -> None:
    frame = frame_of("utm")
    batch = trace(blobs(), frame.transform)
    chosen = batch.class_id == 1
    sizes = Ruler(frame).sizes(batch, chosen)
    for values in (sizes.length, sizes.width, sizes.orientation):
        assert np.array_equal(np.isfinite(values), chosen)
    assert (sizes.width <= sizes.length)[chosen].all()


def test_without_a_crs_lengths_are_in_pixels_or_as_stated() -> None:
    transform = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    classes = np.zeros((40, 40), np.uint8)
    classes[5:11, 8:28] = 1
    batch = trace(classes, transform)
    for stated, unit in ((None, 1.0), (0.25, 0.25)):
        ruler = Ruler(RasterFrame(40, 40, transform, "", stated))
        sizes = ruler.sizes(batch, np.array([True]))
        assert ruler.perimeters(batch)[0] == pytest.approx(52 * unit)
        assert (sizes.length[0], sizes.width[0]) == pytest.approx((20 * unit, 6 * unit))
        assert sizes.orientation[0] == pytest.approx(90)


def test_outside_the_domain_of_the_crs_lengths_are_unknown() -> None:
    """An orthographic view: the corners of the frame are off the globe."""
    wkt = CRS("+proj=ortho +lat_0=40 +lon_0=10 +ellps=WGS84 +units=m").to_wkt()
    frame = RasterFrame(130, 130, (1e5, 0.0, -6.5e6, 0.0, -1e5, 6.5e6), wkt)
    classes = np.zeros((130, 130), np.uint8)
    classes[60:64, 60:64] = classes[0, 0] = 1
    found = Ruler(frame).perimeters(trace(classes, frame.transform))
    assert np.isnan(found[0]) and found[1] == pytest.approx(1.6e6, rel=0.01)
