"""What samples are drawn from, and at which ground sizes; labels with rough contours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_factory import make_scene

from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.training.recipe import SourceSpec
from fctl_geo.training.samples import FINEST_STEP_PX, LEAST_COVER, PyramidImage, SampleSource
from fctl_geo.training.sources import IGNORE, AllowedTable, LabelledImage, borders, forgiving, load_source


def place(name: str, *, size_px: int = 64, gsd_m: float = 1.0, label: int = 0) -> PyramidImage:
    pixels = np.zeros((size_px, size_px, 3), np.uint8)
    labels = np.full((size_px, size_px), label, np.uint8)
    return PyramidImage(LabelledImage(name, pixels, np.ones((size_px, size_px), bool), labels, gsd_m))


def source(groups, *, zoom=(0.5, 2.5), gsd_m=0.8, size_px=256) -> SampleSource:
    return SampleSource(groups, gsd_m=gsd_m, zoom=zoom, size_px=size_px, scales=(1,))


def test_places_are_drawn_by_their_weights_however_large_they_are() -> None:
    small, large = place("small", size_px=32), place("large", size_px=512)
    drawn = source([(1.0, [small]), (1.0, [large]), (2.0, [large, place("more", size_px=512)])])
    names = [drawn.place(np.random.default_rng(i))[0].name for i in range(2000)]
    assert abs(names.count("small") / len(names) - 0.25) < 0.03
    assert abs(names.count("more") / len(names) - 0.25) < 0.03


@given(st.integers(32, 600), st.floats(0.05, 3.0), st.integers(0, 99))
def test_images_are_neither_blown_up_nor_lost_in_a_sample(size_px: int, gsd_m: float, seed: int) -> None:
    drawn = source([(1.0, [place("x", size_px=size_px, gsd_m=gsd_m)])])
    found = drawn.place(np.random.default_rng(seed))[1].gsd_m
    assert 0.4 - 1e-9 <= found <= 2.0 + 1e-9, "the zoom is kept in any case"
    assert found >= min(2.0, FINEST_STEP_PX * gsd_m) - 1e-9
    least = max(0.4, min(2.0, FINEST_STEP_PX * gsd_m))
    assert found <= max(least, size_px * gsd_m / (LEAST_COVER * 256)) + 1e-9


@pytest.mark.parametrize(("rim_px", "reach"), [(1.0, 1), (1.5, 2), (2.0, 2)])
def test_a_rim_of_that_width_along_rough_contours_is_ignored(rim_px: float, reach: int) -> None:
    label = np.zeros((20, 20), np.uint8)
    label[:, 10:] = 3
    label[15:] = IGNORE
    expected = label.copy()
    expected[:15, 10 - reach : 10 + reach] = IGNORE
    assert (forgiving(label, rim_px) == expected).all(), "unlabeled ground makes no rim"


def test_touching_outlines_are_kept_apart_in_the_window_of_the_source(tmp_path: Path) -> None:
    import geopandas
    import pyogrio
    import rasterio
    import shapely

    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 10:50] = 1
    image = make_scene(tmp_path / "a.tif", pixels=np.full((3, 60, 80), 90, np.uint8), gsd=1.0)
    make_scene(tmp_path / "a_mask.tif", pixels=mask[None], gsd=1.0)
    with rasterio.open(image) as dataset:
        place = dataset.transform
    houses = [shapely.box(*(place @ (left, 40)), *(place @ (left + 20, 20))) for left in (10, 30)]
    frame = geopandas.GeoDataFrame({"building": ["yes", "hut"]}, geometry=houses, crs="EPSG:32633").to_crs(4326)
    pyogrio.write_dataframe(frame, tmp_path / "a.geojson")
    legend = Legend((ClassInfo(0, "ground", (0, 0, 0)), ClassInfo(1, "house", (9, 9, 9))))
    spec = SourceSpec(
        "x", "rasters", {"0": ("ground",), "1": ("house",)}, gsd_m=1.0, images=("a.tif",), masks="{parent}/a_mask.tif",
        window=(10, 5, 50, 70), outlines="{parent}/{stem}.geojson",
    )  # fmt: skip
    (found,) = load_source(spec, AllowedTable(legend), tmp_path, 0.5)
    expected = mask[10:, 5:75].copy()
    expected[10:30, 24:26] = 0
    assert (found.label == expected).all()


@given(st.integers(0, 999))
def test_borders_are_where_another_number_is_beside(seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(0, 3, (7, 9))
    padded = np.pad(numbers, 1)
    beside = [padded[1 + r : 8 + r, 1 + c : 10 + c] for r, c in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    expected = np.any([(b != numbers) & (b > 0) & (numbers > 0) for b in beside], axis=0)
    assert (borders(numbers) == expected).all()
