"""Shared-border simplification: no gap, no overlap, valid, near the old borders, and straight where they were."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from strip_factory import cut_strips

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.clearance import clearances, with_clearance
from fctl_geo.polygons.trace import PolygonBatch, Strip, trace_polygons

Classes = npt.NDArray[np.uint8]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
few = settings(max_examples=50, deadline=None)
tolerances = st.sampled_from([0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])


@st.composite
def rasters(draw: st.DrawFn) -> Classes:
    """Noise, smooth blobs, and blobs just above the noise (thin bridges, pinches, holes in holes)."""
    height, width = draw(st.integers(1, 45)), draw(st.integers(1, 45))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes = draw(st.integers(1, 4))
    smooth_px = draw(st.sampled_from([0.0, 0.5, 0.8, 1.5, 3.0]))
    field = scipy.ndimage.gaussian_filter(rng.normal(size=(height, width)), smooth_px)
    return np.digitize(field, np.quantile(field, np.sort(rng.random(n_classes)))).astype(np.uint8)


def traced(classes: Classes, tolerance_px: float, cuts: list[int] | None = None) -> list[PolygonBatch]:
    strips = cut_strips(classes, cuts)
    width = classes.shape[1]
    skip: frozenset[int] = frozenset()
    return list(trace_polygons(strips, width=width, transform=IDENTITY, skip=skip, simplify_px=tolerance_px))


def wkbs(batches: list[PolygonBatch]) -> list[bytes]:
    return [b.wkb[b.offsets[k] : b.offsets[k + 1]].tobytes() for b in batches for k in range(len(b))]


def polygons(classes: Classes, tolerance_px: float) -> npt.NDArray[np.object_]:
    return np.array([shapely.from_wkb(wkb) for wkb in wkbs(traced(classes, tolerance_px))], object)


def vertices(polygon: shapely.Polygon) -> int:
    return len(polygon.exterior.coords) - 1


@settings(max_examples=100, deadline=None)
@given(rasters(), tolerances)
def test_polygons_stay_valid_and_fill_the_raster_without_gap_or_overlap(classes: Classes, tolerance_px: float) -> None:
    found = polygons(classes, tolerance_px)
    assert shapely.is_valid(found).all()
    assert shapely.coverage_is_valid(found)
    assert shapely.area(found).sum() == pytest.approx(classes.size, rel=1e-9)
    assert shapely.equals(shapely.coverage_union_all(found), shapely.box(0, 0, *classes.shape[::-1]))
    one, two = shapely.STRtree(found).query(found, predicate="intersects")
    apart = one < two
    assert shapely.area(shapely.intersection(found[one[apart]], found[two[apart]])).sum() == 0


@few
@given(rasters(), tolerances)
def test_no_border_moves_farther_than_the_tolerance(classes: Classes, tolerance_px: float) -> None:
    exact, simple = polygons(classes, 0), polygons(classes, tolerance_px)
    reach = tolerance_px * np.sqrt(2)  # in rows and in columns
    for old, new in zip(shapely.boundary(exact), shapely.boundary(simple), strict=True):
        assert shapely.hausdorff_distance(old, new, densify=0.2) <= reach + 1e-9


@few
@given(rasters(), tolerances, st.lists(st.integers(0, 45), max_size=8))
def test_strips_do_not_change_a_byte(classes: Classes, tolerance_px: float, cuts: list[int]) -> None:
    assert wkbs(traced(classes, tolerance_px, cuts)) == wkbs(traced(classes, tolerance_px))


@few
@given(rasters(), tolerances)
def test_everything_but_the_geometry_is_that_of_the_raster(classes: Classes, tolerance_px: float) -> None:
    for name in ("class_id", "pixels", "object_id"):
        one, two = (np.concatenate([getattr(b, name) for b in traced(classes, t)]) for t in (0, tolerance_px))
        np.testing.assert_array_equal(one, two)


def building(angle: float, half: tuple[float, float], size_px: int = 80) -> tuple[Classes, shapely.Polygon]:
    """A turned rectangle in the middle of a raster, and its true outline."""
    y, x = np.mgrid[:size_px, :size_px] + 0.5 - size_px / 2
    cos, sin = np.cos(angle), np.sin(angle)
    inside = (np.abs(x * cos + y * sin) <= half[0]) & (np.abs(y * cos - x * sin) <= half[1])
    corners = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)]) * half @ np.array([[cos, sin], [-sin, cos]])
    return inside.astype(np.uint8), shapely.Polygon(corners + size_px / 2)


@pytest.mark.parametrize("angle", np.linspace(0.02, np.pi / 2, 25))
def test_a_turned_building_gets_its_straight_walls_back(angle: float) -> None:
    classes, truth = building(angle, (25, 14))
    house = polygons(classes, 1.0)[0]
    assert 4 <= vertices(house) <= 6
    assert house.intersection(truth).area / house.union(truth).area > 0.93


def test_an_upright_building_keeps_its_four_corners() -> None:
    classes = np.zeros((40, 50), np.uint8)
    classes[5:30, 10:41] = 1
    for tolerance_px in (0.5, 1.0, 2.0, 4.0):
        house = polygons(classes, tolerance_px)[0]
        assert shapely.normalize(house).equals_exact(shapely.normalize(shapely.box(10, 5, 41, 30)))
        assert vertices(house) == 4


@pytest.mark.parametrize("slope", [0.013, 0.1, 0.31, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("tolerance_px", [0.5, 1.0, 2.0])
def test_a_slanted_border_between_junctions_becomes_straight(slope: float, tolerance_px: float) -> None:
    y, x = np.mgrid[:60, :60] + 0.5
    classes = (y > 3.3 + slope * x).astype(np.uint8)
    steps = vertices(polygons(classes, 0)[0])
    straight = vertices(polygons(classes, tolerance_px)[0])
    # the raster's corners, both junctions, at most two vertices beside them; a band of half a pixel takes some more
    assert straight <= min(steps, 8 if tolerance_px >= 1 else 12)


def test_a_lonely_pixel_stays_a_pixel() -> None:
    classes = np.zeros((5, 5), np.uint8)
    classes[2, 2] = 1
    for tolerance_px in (0.5, 1.0, 4.0):
        assert polygons(classes, tolerance_px)[0].equals(shapely.box(2, 2, 3, 3))


def test_walls_one_pixel_apart_do_not_meet() -> None:
    y, x = np.mgrid[:60, :60]
    classes = ((np.abs(y - 20 - 0.4 * x) < 0.8) + 2 * (np.abs(y - 23 - 0.4 * x) < 0.8)).astype(np.uint8)
    found = polygons(classes, 4.0)
    assert shapely.coverage_is_valid(found)
    assert shapely.get_num_coordinates(found).sum() < 0.5 * shapely.get_num_coordinates(polygons(classes, 0)).sum()


def test_tolerances_beyond_the_limit_are_cut_and_negative_ones_refused() -> None:
    classes, _ = building(0.3, (25, 14))
    assert wkbs(traced(classes, 50.0)) == wkbs(traced(classes, 4.0))
    with pytest.raises(SettingsError, match="-1"):
        traced(classes, -1.0)


@pytest.mark.parametrize("transform", [(0.5, 0, 7, 0, -0.5, 9), (0.0, 2, 1, 2, 0, 3)])
def test_map_coordinates_are_those_of_the_pixel_corners(transform: tuple[float, ...]) -> None:
    classes, _ = building(0.3, (25, 14))
    a, b, c, d, e, f = transform
    strips = [Strip(classes)]
    batches = list(trace_polygons(strips, width=80, transform=(a, b, c, d, e, f), simplify_px=1.0))
    for wkb, plain in zip(wkbs(batches), polygons(classes, 1.0), strict=True):
        on_map = shapely.transform(plain, lambda xy: xy @ np.array([[a, d], [b, e]]) + (c, f))
        found = shapely.from_wkb(wkb)
        assert found.exterior.is_ccw
        assert shapely.normalize(found).equals_exact(shapely.normalize(on_map), 1e-9)


# ---------------------------------------------------------------- clearances


def plain_clearance(classes: Classes, limit_px: int) -> npt.NDArray[np.uint8]:
    """The docstring of `clearance`, word for word, by flooding."""
    padded = np.pad(classes.astype(int), 1, constant_values=-1)
    height, width = classes.shape
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i in range(height + 1):
        for j in range(width + 1):
            a, b, d, e = padded[i, j], padded[i, j + 1], padded[i + 1, j], padded[i + 1, j + 1]
            ways = [(a != b, (i - 1, j)), (b != e, (i, j + 1)), (d != e, (i + 1, j)), (a != d, (i, j - 1))]
            edges[i, j] = [to for there, to in ways if there]
    corners = [corner for corner, to in edges.items() if to]
    out = np.zeros((height + 1, width + 1), np.uint8)
    for here in corners:
        out[here] = 1 if len(edges[here]) > 2 else limit_px
        for reach in range(1, out[here]):
            square = {c for c in corners if max(abs(c[0] - here[0]), abs(c[1] - here[1])) <= reach}
            seen, queue = {here}, deque([here])
            while queue:
                for to in edges[queue.popleft()]:
                    if to in square and to not in seen and len(edges[to]) == 2:
                        seen.add(to)
                        queue.append(to)
            if square - seen:
                out[here] = reach
                break
    return out


def no_objects(classes: Classes) -> npt.NDArray[np.int32]:
    """As the kernels are told so."""
    return np.empty((len(classes), 0), np.int32)


@settings(max_examples=25, deadline=None)
@given(rasters(), st.integers(1, 5))
def test_clearances_are_those_of_a_plain_search(classes: Classes, limit_px: int) -> None:
    small = classes[:14, :14]
    found = clearances(small, no_objects(small), 0, small.shape[0] + 1, limit_px, True, True)
    np.testing.assert_array_equal(found, plain_clearance(small, limit_px))


@few
@given(rasters(), st.integers(1, 8), st.lists(st.integers(1, 44), max_size=20))
def test_clearances_do_not_depend_on_slices(classes: Classes, limit_px: int, cuts: list[int]) -> None:
    slices = ((part, no_objects(part)) for part in np.split(classes, sorted(set(cuts))))
    out = list(with_clearance(slices, classes.shape[1], limit_px))
    np.testing.assert_array_equal(np.concatenate([rows for rows, *_ in out]), classes)
    whole = clearances(classes, no_objects(classes), 0, classes.shape[0] + 1, limit_px, True, True)
    np.testing.assert_array_equal(np.concatenate([clear for *_, clear in out]), whole)
    assert all(len(rows) == len(clear) for rows, _, clear in out[:-1])
