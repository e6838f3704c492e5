"""Regions without end: cut along a fixed grid, exactly, whatever the strips; their parts belong together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import rasterio.features
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from strip_factory import cut_strips

from fctl_geo.polygons import trace
from fctl_geo.polygons.cut import GRID_ROWS, OPEN_POLYGONS
from fctl_geo.polygons.trace import CutRegions, PolygonBatch, Strip, trace_polygons

Classes = npt.NDArray[np.uint8]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
few = settings(max_examples=60, deadline=None)
tolerances = st.sampled_from([0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
limits = st.sampled_from([1, 4, 10, 30, 100])


@st.composite
def rasters(draw: st.DrawFn) -> Classes:
    """Noise and blobs, several lines of the grid high."""
    height, width = draw(st.integers(1, 120)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    smooth_px = draw(st.sampled_from([0.0, 0.5, 0.8, 1.5, 3.0]))
    field = scipy.ndimage.gaussian_filter(rng.normal(size=(height, width)), smooth_px)
    return np.digitize(field, np.quantile(field, np.sort(rng.random(draw(st.integers(1, 3)))))).astype(np.uint8)


def traced(
    classes: Classes, max_vertices: int, *, simplify_px: float = 0.0, cuts: list[int] | None = None
) -> tuple[list[PolygonBatch], CutRegions]:
    cut = CutRegions()
    strips = cut_strips(classes, cuts)
    batches = trace_polygons(
        strips,
        width=classes.shape[1],
        transform=IDENTITY,
        skip=frozenset(),
        simplify_px=simplify_px,
        max_vertices=max_vertices,
        cut=cut,
    )
    return list(batches), cut


def column(batches: list[PolygonBatch], name: str) -> npt.NDArray[np.float64]:
    return np.concatenate([getattr(batch, name) for batch in batches])


def polygons(batches: list[PolygonBatch]) -> npt.NDArray[np.object_]:
    wkbs = [b.wkb[b.offsets[k] : b.offsets[k + 1]].tobytes() for b in batches for k in range(len(b))]
    return np.array(shapely.from_wkb(wkbs), object)


@few
@given(rasters(), limits)
def test_parts_are_valid_and_together_the_region(classes: Classes, max_vertices: int) -> None:
    parts, cut = traced(classes, max_vertices)
    wholes, _ = traced(classes, 10**9)
    shapes, ids = polygons(parts), cut.resolve(column(parts, "object_id"))
    assert shapely.is_valid(shapes).all()
    for whole, object_id in zip(polygons(wholes), column(wholes, "object_id"), strict=True):
        mine = shapes[ids == object_id]
        assert shapely.area(mine).sum() == whole.area
        assert shapely.equals(shapely.union_all(mine), whole)
    for batch in parts:
        for shape, pixels, class_id in zip(polygons([batch]), batch.pixels, batch.class_id, strict=True):
            inside = rasterio.features.rasterize([shape], out_shape=classes.shape).astype(bool)
            assert inside.sum() == pixels == shape.area
            assert (classes[inside] == class_id).all()


@few
@given(rasters(), limits, st.sampled_from([0.0, 1.0, 2.5]), st.lists(st.integers(0, 120), max_size=8))
def test_strips_do_not_change_a_byte(classes: Classes, max_vertices: int, tolerance: float, cuts: list[int]) -> None:
    (one, cut_one), (two, cut_two) = (
        traced(classes, max_vertices, simplify_px=tolerance, cuts=at) for at in ([], cuts)
    )
    assert b"".join(b.wkb.tobytes() for b in one) == b"".join(b.wkb.tobytes() for b in two)
    for name in ("pixels", "object_id", "area_m2"):
        np.testing.assert_array_equal(column(one, name), column(two, name))
    np.testing.assert_array_equal(cut_one.object_ids, cut_two.object_ids)
    assert cut_one.parts == cut_two.parts


@settings(max_examples=150, deadline=None)
@given(rasters(), limits, tolerances)
def test_simplified_parts_share_their_borders_without_gap_or_overlap(
    classes: Classes, max_vertices: int, tolerance_px: float
) -> None:
    parts, _ = traced(classes, max_vertices, simplify_px=tolerance_px)
    found = polygons(parts)
    assert shapely.is_valid(found).all()
    assert shapely.coverage_is_valid(found)
    assert shapely.area(found).sum() == pytest.approx(classes.size, rel=1e-9)
    assert shapely.equals(shapely.coverage_union_all(found), shapely.box(0, 0, *classes.shape[::-1]))
    assert column(parts, "area_m2") == pytest.approx(shapely.area(found))


@few
@given(rasters(), limits)
def test_parts_of_a_region_meet_on_lines_of_the_grid_alone(classes: Classes, max_vertices: int) -> None:
    parts, cut = traced(classes, max_vertices)
    ids = column(parts, "object_id")
    assert cut.parts == (ids < 0).sum()
    assert cut.count == len(np.unique(cut.resolve(ids)[ids < 0]))
    part = rasterio.features.rasterize(zip(polygons(parts), range(len(ids)), strict=True), classes.shape, dtype="int32")
    assert (part[:, 1:] == part[:, :-1])[classes[:, 1:] == classes[:, :-1]].all()
    rows, _ = np.nonzero((classes[1:] == classes[:-1]) & (part[1:] != part[:-1]))
    assert ((rows + 1) % GRID_ROWS == 0).all()


def test_a_region_below_the_limit_is_not_cut() -> None:
    comb = np.zeros((200, 9), np.uint8)
    comb[:, 4] = 1
    comb[::2, 3] = 1  # about 4 vertices every 2 rows
    parts, cut = traced(comb, 500)
    assert cut.count == cut.parts == 0 and (column(parts, "object_id") >= 0).all()
    parts, cut = traced(comb, 100)
    assert cut.count >= 1


def test_many_open_regions_are_cut_before_they_are_too_many_together() -> None:
    """Each of 200 columns stays below the limit for long; all of them are above `OPEN_POLYGONS` limits soon."""
    teeth = np.zeros((640, 800), np.uint8)
    teeth[:, ::4] = 1
    teeth[::2, 1::4] = 1
    parts, cut = traced(teeth, 1000)
    assert cut.count > 100
    sizes = shapely.get_num_coordinates(polygons(parts))
    assert sizes.max() < 1000 and OPEN_POLYGONS * 1000 < 200 * 1000


def test_parts_that_meet_only_below_have_the_first_pixel_of_all() -> None:
    """A horseshoe: its legs are cut apart long before its bow joins them."""
    shoe = np.zeros((100, 12), np.uint8)
    shoe[1:, 1:4:2] = shoe[:, 8:11:2] = 1
    shoe[1::2, 2] = shoe[::2, 9] = 1
    shoe[95:, 1:11] = 1
    parts, cut = traced(shoe, 50)
    ids = cut.resolve(column(parts, "object_id"))[column(parts, "class_id") == 1]
    assert set(ids) == {8} and len(ids) == 4


def peak_state_bytes(size_px: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The tracer's memory and the largest polygon on noise at the percolation threshold."""
    rng, peak = np.random.default_rng(0), 0
    tracer_trace = trace._Tracer.trace

    def spy(self: trace._Tracer, *rows: npt.NDArray[np.uint8]) -> object:
        nonlocal peak
        yield from tracer_trace(self, *rows)
        peak = max(peak, sum(array.nbytes for array in self._state))

    monkeypatch.setattr(trace._Tracer, "trace", spy)
    strips = (Strip((rng.random((256, 512)) < 0.62).astype(np.uint8)) for _ in range(size_px // 256))
    batches = trace_polygons(strips, width=512, transform=IDENTITY, skip=frozenset({0}), max_vertices=20_000)
    largest = max(int(np.diff(batch.offsets).max()) for batch in batches)
    return peak, largest


def test_memory_does_not_grow_with_a_region_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    state, largest = peak_state_bytes(1024, monkeypatch)
    state_of_large, largest_of_large = peak_state_bytes(16 * 1024, monkeypatch)
    assert state_of_large <= state
    assert largest_of_large <= 1.2 * largest
