"""Smooth borders: no gap, no overlap, valid, near the old borders, and without sharp corners."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from strip_factory import cut_strips

from fctl_geo.polygons.trace import trace_polygons

Classes = npt.NDArray[np.uint8]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
tolerances = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 4.0])


@st.composite
def rasters(draw: st.DrawFn) -> Classes:
    """Noise, smooth blobs, and blobs just above the noise (thin bridges, pinches, holes in holes)."""
    height, width = draw(st.integers(1, 45)), draw(st.integers(1, 45))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    field = scipy.ndimage.gaussian_filter(
        rng.normal(size=(height, width)), draw(st.sampled_from([0, 0.5, 0.8, 1.5, 3]))
    )
    return np.digitize(field, np.quantile(field, np.sort(rng.random(draw(st.integers(1, 4)))))).astype(np.uint8)


def trace(
    classes: Classes,
    tolerance_px: float = 0.0,
    *,
    smooth: bool = True,
    kept: frozenset[int] = frozenset(),
    cuts: list[int] | None = None,
) -> tuple[list[bytes], list[int]]:
    """The polygons as WKB, and their classes."""
    strips = cut_strips(classes, cuts)
    wkb, class_ids = [], []
    for batch in trace_polygons(
        strips,
        width=classes.shape[1],
        transform=IDENTITY,
        skip=frozenset(),
        simplify_px=tolerance_px,
        smooth=smooth,
        kept=kept,
    ):
        wkb += [batch.wkb[batch.offsets[k] : batch.offsets[k + 1]].tobytes() for k in range(len(batch))]
        class_ids += batch.class_id.tolist()
    return wkb, class_ids


def turns(polygon: shapely.Polygon) -> npt.NDArray[np.float64]:
    """How much the exterior turns at each vertex, in degrees."""
    steps = np.diff(shapely.get_coordinates(polygon.exterior), axis=0)
    angle = np.arctan2(steps[:, 1], steps[:, 0])
    return np.abs((np.degrees(angle - np.roll(angle, 1)) + 180) % 360 - 180)


@settings(max_examples=150, deadline=None)
@given(rasters(), tolerances)
def test_polygons_stay_valid_and_fill_the_raster_without_gap_or_overlap(classes: Classes, tolerance_px: float) -> None:
    found = shapely.from_wkb(trace(classes, tolerance_px)[0])
    assert shapely.is_valid(found).all()
    assert shapely.coverage_is_valid(found)
    assert shapely.area(found).sum() == pytest.approx(classes.size)
    assert shapely.coverage_union_all(found).equals(shapely.box(0, 0, *classes.shape[::-1]))


@settings(max_examples=60, deadline=None)
@given(rasters(), tolerances)
def test_no_border_moves_farther_than_two_pixels_or_the_tolerance(classes: Classes, tolerance_px: float) -> None:
    exact = shapely.from_wkb(trace(classes, smooth=False)[0])
    found = shapely.from_wkb(trace(classes, tolerance_px)[0])
    farthest = max(2.0, tolerance_px) * 2**0.5  # in rows and in columns
    for old, new in zip(shapely.boundary(exact), shapely.boundary(found), strict=True):
        assert shapely.hausdorff_distance(old, new, densify=0.2) <= farthest


@settings(max_examples=60, deadline=None)
@given(rasters(), tolerances, st.lists(st.integers(1, 44), max_size=20))
def test_strips_do_not_change_a_byte(classes: Classes, tolerance_px: float, cuts: list[int]) -> None:
    assert trace(classes, tolerance_px, cuts=cuts) == trace(classes, tolerance_px)


@settings(max_examples=60, deadline=None)
@given(rasters(), tolerances)
def test_objects_keep_the_outline_that_they_have_without_smoothing(classes: Classes, tolerance_px: float) -> None:
    plain, class_ids = trace(classes, tolerance_px, smooth=False)
    for one, two, class_id in zip(plain, trace(classes, tolerance_px, kept=frozenset({1}))[0], class_ids, strict=True):
        if class_id == 1:
            assert shapely.equals(shapely.from_wkb(one), shapely.from_wkb(two))


@settings(max_examples=60, deadline=None)
@given(rasters(), st.sampled_from([1.0, 2.0, 4.0]))
def test_a_corner_becomes_four_vertices_at_most(classes: Classes, tolerance_px: float) -> None:
    plain, _ = trace(classes, tolerance_px, smooth=False)
    for one, two in zip(plain, trace(classes, tolerance_px)[0], strict=True):
        before, after = (shapely.get_num_coordinates(shapely.from_wkb(wkb)) for wkb in (one, two))
        assert after <= 4 * before


@pytest.mark.parametrize("tolerance_px", [0.0, 1.0])
def test_a_lake_has_no_sharp_corners(tolerance_px: float) -> None:
    rows, cols = np.mgrid[:80, :80] - 39.5
    lake = (np.hypot(rows, cols) < 20 + 6 * np.sin(3 * np.arctan2(rows, cols))).astype(np.uint8)
    wkb, class_ids = trace(lake, tolerance_px)
    found = shapely.from_wkb(wkb[class_ids.index(1)])
    assert turns(found).max() < 40
    assert shapely.area(found) == pytest.approx(lake.sum(), rel=0.02)


def test_a_square_pond_and_a_lonely_pixel_are_rounded() -> None:
    classes = np.zeros((40, 40), np.uint8)
    classes[5:25, 5:25] = classes[30, 30] = 1
    wkb, class_ids = trace(classes, 2.0)
    pond, pixel = (shapely.from_wkb(each) for each, class_id in zip(wkb, class_ids, strict=True) if class_id == 1)
    assert turns(pond).max() < 50 and 370 < pond.area < 400
    assert turns(pixel).max() < 50 and 0.7 < pixel.area < 1
