"""The tracer against GDAL's Polygonize, and its laws: valid, exact, blind to strips, small."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strip_factory import cut_strips

from fctl_geo.errors import SettingsError
from fctl_geo.polygons import chains
from fctl_geo.polygons.state import grow, new_state
from fctl_geo.polygons.trace import PolygonBatch, Strip, trace_polygons
from fctl_geo.polygons.wkb import write_done

Classes = npt.NDArray[np.uint8]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
few = settings(max_examples=40, deadline=None)

shapes_hw = st.tuples(st.integers(1, 24), st.integers(1, 24))
noise = shapes_hw.flatmap(lambda hw: hnp.arrays(np.uint8, hw, elements=st.sampled_from([0, 1, 2, 255])))


@st.composite
def blobs(draw: st.DrawFn) -> Classes:
    """Overlapping rectangles and discs, so that there are holes in holes."""
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    for _ in range(draw(st.integers(0, 25))):
        row, col, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.5, 20)
        p = rng.choice([1.0, 2.0, np.inf])
        distance = np.linalg.norm(np.stack([y - row, x - col]).reshape(2, -1), ord=p, axis=0).reshape(y.shape)
        classes[distance < radius] = rng.integers(0, 4)
    return classes


def spiral(size_px: int) -> Classes:
    """One region that winds inwards, one pixel wide."""
    classes = np.zeros((size_px, size_px), np.uint8)
    for ring in range(0, size_px // 2, 2):
        classes[ring, max(ring - 1, 0) : size_px - ring] = 1
        classes[ring : size_px - ring, size_px - 1 - ring] = 1
        classes[size_px - 1 - ring, ring : size_px - ring] = 1
        classes[ring + 2 : size_px - ring, ring] = 1
    return classes


awkward = [
    pytest.param(np.indices((16, 17)).sum(0).astype(np.uint8) % 2, id="checkerboard"),
    pytest.param(spiral(40), id="spiral"),
    pytest.param(
        np.minimum.reduce([*np.indices((31, 31)), *(30 - np.indices((31, 31)))]).astype(np.uint8) % 3, id="nested"
    ),
    pytest.param(np.pad(np.eye(9, dtype=np.uint8), 1), id="diagonal"),
    pytest.param(np.pad(np.eye(9, dtype=np.uint8)[::-1], 1, constant_values=1), id="antidiagonal"),
    pytest.param(np.zeros((1, 1), np.uint8), id="one pixel"),
    pytest.param(np.arange(64, dtype=np.uint8)[None], id="one row"),
    pytest.param(np.arange(64, dtype=np.uint8)[:, None], id="one column"),
    pytest.param(np.kron(np.indices((5, 5)).sum(0) % 2, np.ones((3, 3), int)).astype(np.uint8), id="coarse board"),
    pytest.param(np.repeat(np.arange(256, dtype=np.uint8), 3)[None].repeat(2, 0), id="all 256 classes"),
]


def traced(classes: Classes, cuts: list[int] | None = None, skip: frozenset[int] = frozenset()) -> list[PolygonBatch]:
    strips = cut_strips(classes, cuts)
    return list(trace_polygons(strips, width=classes.shape[1], transform=IDENTITY, skip=skip))


def wkbs(batches: list[PolygonBatch]) -> list[tuple[int, bytes]]:
    return [
        (int(batch.class_id[k]), batch.wkb[batch.offsets[k] : batch.offsets[k + 1]].tobytes())
        for batch in batches
        for k in range(len(batch))
    ]


def polygons(batches: list[PolygonBatch]) -> list[tuple[int, shapely.Polygon]]:
    return [(class_id, shapely.from_wkb(wkb)) for class_id, wkb in wkbs(batches)]


def normal_form(pairs: list[tuple[int, shapely.Polygon]]) -> list[tuple[int, str]]:
    return sorted((class_id, shapely.normalize(polygon).wkb_hex) for class_id, polygon in pairs)


def gdal_polygons(classes: Classes) -> list[tuple[int, shapely.Polygon]]:
    return [(int(v), shapely.geometry.shape(g)) for g, v in rasterio.features.shapes(classes, connectivity=4)]


def check_like_gdal(classes: Classes) -> None:
    ours = polygons(traced(classes))
    assert all(polygon.is_valid for _, polygon in ours)
    assert normal_form(ours) == normal_form(gdal_polygons(classes))


@few
@given(noise)
def test_noise_gives_the_polygons_of_gdal(classes: Classes) -> None:
    check_like_gdal(classes)


@few
@given(blobs())
def test_blobs_give_the_polygons_of_gdal(classes: Classes) -> None:
    check_like_gdal(classes)


@pytest.mark.parametrize("classes", awkward)
def test_awkward_rasters_give_the_polygons_of_gdal(classes: Classes) -> None:
    check_like_gdal(classes)


@few
@given(noise, st.lists(st.integers(0, 24), max_size=6))
def test_strips_do_not_change_a_byte(classes: Classes, cuts: list[int]) -> None:
    assert wkbs(traced(classes, cuts)) == wkbs(traced(classes))


@few
@given(blobs(), st.lists(st.integers(0, 60), max_size=6), st.integers(0, 2**32 - 1))
def test_strips_do_not_change_sums(classes: Classes, cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = classes.shape
    confidence = rng.integers(0, 256, classes.shape, dtype=np.uint8)
    area = rng.uniform(0.5, 2, (height, -(-width // 64)))
    results = []
    for at in ([], sorted(set(cuts))):
        strips = [Strip(*parts) for parts in zip(*(np.split(x, at) for x in (classes, confidence, area)), strict=True)]
        batches = list(trace_polygons(strips, width=width, transform=IDENTITY, skip=frozenset()))
        names = ("pixels", "area_m2", "confidence", "min_confidence", "object_id")
        results.append([np.concatenate([getattr(b, name) for b in batches]) for name in names])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@few
@given(blobs(), st.integers(0, 2**32 - 1))
def test_sums_are_those_of_the_pixels_inside(classes: Classes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = classes.shape
    confidence = rng.integers(0, 256, classes.shape, dtype=np.uint8)
    area = rng.uniform(0.5, 2, (height, -(-width // 64)))
    area_px = np.repeat(area, 64, axis=1)[:, :width]
    (strip,) = [Strip(classes, confidence, area)]
    for batch in trace_polygons([strip], width=width, transform=IDENTITY, skip=frozenset()):
        for k, (_, polygon) in enumerate(polygons([batch])):
            inside = rasterio.features.rasterize([polygon], out_shape=classes.shape).astype(bool)
            assert batch.pixels[k] == inside.sum() == polygon.area
            row, col = np.argwhere(inside)[0]
            assert batch.object_id[k] == row << 27 | col
            assert batch.area_m2[k] == pytest.approx(area_px[inside].sum(), rel=1e-12)
            assert batch.confidence[k] == pytest.approx(confidence[inside].mean(), rel=1e-6)
            assert batch.min_confidence[k] == confidence[inside].min()
            assert (classes[inside] == batch.class_id[k]).all()


def test_without_a_table_areas_are_in_pixels_and_without_confidence_it_is_nan() -> None:
    strip = Strip(np.zeros((3, 70), np.uint8))
    (batch,) = trace_polygons([strip], width=70, transform=IDENTITY)
    assert batch.area_m2.tolist() == [210]
    assert np.isnan(batch.confidence).all()


@few
@given(noise)
def test_skipped_classes_change_nothing_for_the_others(classes: Classes) -> None:
    wanted = [(c, wkb) for c, wkb in wkbs(traced(classes)) if c not in (1, 255)]
    assert wkbs(traced(classes, skip=frozenset({1, 255}))) == wanted


@pytest.mark.parametrize(
    "transform", [(0.5, 0, 7, 0, -0.5, 9), (0.5, 0, 7, 0, 0.5, 9), (0.0, 2, 1, 2, 0, 3), (1, 2, 3, -2, 1, 4)]
)
def test_exteriors_run_counter_clockwise_on_the_map(transform: tuple[float, ...]) -> None:
    classes = np.pad(np.eye(5, dtype=np.uint8), 2)
    batches = list(trace_polygons([Strip(classes)], width=9, transform=transform, skip=frozenset()))  # type: ignore[arg-type]
    plain = {shapely.normalize(p).wkb for _, p in polygons(traced(classes))}
    for _, polygon in polygons(batches):
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        assert not any(hole.is_ccw for hole in polygon.interiors)
        a, b, c, d, e, f = transform
        inverse = np.linalg.inv(np.array([[a, b, c], [d, e, f], [0, 0, 1]]))
        back = shapely.transform(polygon, lambda xy, m=inverse: np.round(xy @ m[:2, :2].T + m[:2, 2]))
        assert shapely.normalize(back).wkb in plain


def test_polygons_leave_as_soon_as_their_last_row_is_followed() -> None:
    classes = np.zeros((6, 5), np.uint8)
    classes[1, 1] = 1
    counts = []

    def rows() -> object:
        for row in classes:
            yield Strip(row[None])
            counts.append(len(seen))

    seen: list[PolygonBatch] = []
    for batch in trace_polygons(rows(), width=5, transform=IDENTITY):  # type: ignore[arg-type]
        seen.append(batch)
    assert counts == [0, 0, 1, 1, 1, 1]


def test_the_state_does_not_grow_with_the_rows() -> None:
    rng = np.random.default_rng(3)
    state = new_state(200)
    traced_classes = np.ones(256, bool)

    sizes = []
    for _ in range(200):
        rows = rng.integers(0, 3, (100, 200), dtype=np.uint8)
        done = 0
        while done < 100:
            state = grow(state)
            done = chains.trace_rows(
                state,
                rows,
                np.empty((100, 0), np.int32),
                np.ones((100, 1)),
                np.empty((100, 0), np.uint8),
                np.empty((100, 0), np.uint8),
                traced_classes,
                np.zeros(256, bool),
                np.zeros(256, bool),
                10**6,
                done,
            )
            write_done(state, np.array(IDENTITY), 1)
        sizes.append(sum(array.nbytes for array in state))
    assert sizes[-1] == sizes[20]
    assert sizes[-1] < 2**20


@pytest.mark.parametrize(
    ("strips", "message"),
    [
        ([Strip(np.zeros((2, 3), np.uint8))], "3 px wide, but the raster is 4 px"),
        (
            [Strip(np.zeros((1, 4), np.uint8)), Strip(np.zeros((1, 4), np.uint8), np.zeros((1, 4), np.uint8))],
            "confidence",
        ),
    ],
)
def test_strips_that_do_not_fit_are_refused(strips: list[Strip], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        list(trace_polygons(strips, width=4, transform=IDENTITY))


def test_a_strip_refuses_arrays_that_do_not_fit() -> None:
    with pytest.raises(SettingsError, match="uint8"):
        Strip(np.zeros((2, 3), np.int32))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="area"):
        Strip(np.zeros((2, 130), np.uint8), area=np.ones((2, 2)))


def test_the_compiler_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys; import fctl_geo.polygons.trace, fctl_geo.polygons.sieve; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
