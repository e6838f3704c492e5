"""Anybody's class raster comes out as uint8 classes with 255 for nothing, and with names where the file has any."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

from fctl_geo.errors import ReadError, SceneError
from fctl_geo.georef.pixel_size import pixel_size_m
from fctl_geo.products.cog import write_cog
from fctl_geo.progress import Silent
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.windows.window import Window


def make_raster(path: Path, values: np.ndarray, **options: Any) -> Path:
    bands = values if values.ndim == 3 else values[None]
    options = {"crs": "EPSG:32635", "transform": from_origin(500_000, 6_000_000, 0.5, 0.5)} | options
    mask, palette = options.pop("mask", None), options.pop("palette", None)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", dtype=bands.dtype, count=bands.shape[0], height=bands.shape[1],
            width=bands.shape[2], **options,
        ) as dataset,
    ):  # fmt: skip
        dataset.write(bands)
        if palette:
            dataset.write_colormap(1, palette)
        if mask is not None:
            dataset.write_mask(mask)
    return path


@settings(max_examples=30, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "uint16", "int16", "int32"]),
    nodata=st.sampled_from([None, 0, 7, 200]),
    window=st.tuples(st.integers(-9, 30), st.integers(-9, 30), st.integers(1, 30), st.integers(1, 30)),
)
def test_a_window_is_the_files_values_with_255_for_nodata_and_outside(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, nodata: int | None, window: tuple[int, int, int, int]
) -> None:
    raw = np.random.default_rng(3).integers(0, 9, (20, 24)).astype(dtype)
    path = make_raster(tmp_path_factory.mktemp("reader") / "x.tif", raw, nodata=nodata)
    padded = np.full((120, 120), 255, np.uint8)
    padded[40:60, 40:64] = np.where(raw == nodata, 255, raw) if nodata is not None else raw
    row, col, height, width = window
    with open_class_raster(path) as raster:
        assert (raster.read(Window(*window)) == padded[40 + row :, 40 + col :][:height, :width]).all()
        assert (raster.rows(row, height) == padded[40 + row :, 40:64][:height]).all()


@pytest.mark.parametrize("nodata", [-9999, 255, 300])
def test_a_nodata_value_outside_of_the_classes_is_nodata(tmp_path: Path, nodata: int) -> None:
    path = make_raster(tmp_path / "x.tif", np.array([[1, nodata]], np.int16), nodata=nodata)
    with open_class_raster(path) as raster:
        assert raster.nodata == nodata and raster.rows(0, 1).tolist() == [[1, 255]]


def test_masked_pixels_and_transparent_ones_are_nodata(tmp_path: Path) -> None:
    classes = np.array([[1, 2, 3]], np.uint8)
    masked = make_raster(tmp_path / "mask.tif", classes, mask=np.array([[255, 0, 255]], np.uint8))
    alpha = make_raster(tmp_path / "alpha.tif", np.stack([classes, [[255, 0, 255]]]).astype(np.uint8), alpha="YES")
    for path in (masked, alpha):
        with open_class_raster(path) as raster:
            assert raster.rows(0, 1).tolist() == [[1, 255, 3]]


def test_frame_blocks_and_ground_size_are_the_files(tmp_path: Path) -> None:
    with open_class_raster(make_raster(tmp_path / "x.tif", np.ones((40, 30), np.uint8))) as raster:
        assert raster.frame.size_hw == (40, 30)
        assert raster.frame.transform == (0.5, 0.0, 500_000.0, 0.0, -0.5, 6_000_000.0)
        assert pixel_size_m(raster.frame) == pytest.approx(0.5, rel=1e-3)
        assert raster.block_hw[1] == 30


def test_a_raster_without_georeference_has_pixels_as_coordinates_and_no_ground_size(tmp_path: Path) -> None:
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
    ):
        path = make_raster(tmp_path / "x.tif", np.ones((4, 3), np.uint8), crs=None, transform=None)
    with open_class_raster(path) as raster:
        assert raster.frame.transform == (1, 0, 0, 0, 1, 0) and raster.frame.crs_wkt == ""
        assert pixel_size_m(raster.frame) is None


def test_a_legend_that_is_given_wins(tmp_path: Path) -> None:
    legend = Legend((ClassInfo(1, "roof", (1, 2, 3)),))
    with open_class_raster(make_raster(tmp_path / "x.tif", np.ones((2, 2), np.uint8)), legend) as raster:
        assert raster.legend is legend


def test_our_own_raster_brings_its_legend_even_without_the_file_beside_it(tmp_path: Path) -> None:
    legend = Legend((ClassInfo(0, "land", (9, 8, 7), background=True), ClassInfo(3, "tee €", (1, 2, 3))))
    source = make_raster(tmp_path / "x.tif", np.ones((2, 2), np.uint8), nodata=255)
    write_cog(source, tmp_path / "y.tif", legend=legend, metadata={"A": "b"}, overview="mode", progress=Silent())
    (tmp_path / "y.tif.aux.xml").unlink()
    with open_class_raster(tmp_path / "y.tif") as raster:
        assert raster.legend == legend and raster.tags["A"] == "b"


def test_names_come_from_a_rat_or_category_names_and_colors_from_the_palette(tmp_path: Path) -> None:
    palette = {0: (5, 5, 5, 255), 1: (200, 0, 0, 255), 2: (0, 200, 0, 255)}
    path = make_raster(tmp_path / "x.tif", np.ones((2, 2), np.uint8), palette=palette)
    beside = tmp_path / "x.tif.aux.xml"
    head, tail = '<PAMDataset><PAMRasterBand band="1">', "</PAMRasterBand></PAMDataset>"
    beside.write_text(f"{head}<CategoryNames><Category></Category><Category>roof</Category></CategoryNames>{tail}")
    with open_class_raster(path) as raster:
        assert raster.legend == Legend((ClassInfo(1, "roof", (200, 0, 0)),))
    fields = "".join(
        f'<FieldDefn index="{i}"><Name>f</Name><Type>2</Type><Usage>{u}</Usage></FieldDefn>'
        for i, u in enumerate((2, 5))
    )
    rat = f'<GDALRasterAttributeTable>{fields}<Row index="0"><F>tree</F><F>2</F></Row></GDALRasterAttributeTable>'
    beside.write_text(head + rat + tail)
    with open_class_raster(path) as raster:
        assert raster.legend == Legend((ClassInfo(2, "tree", (0, 200, 0)),))


def test_without_names_classes_are_numbered_and_no_two_neighbors_look_alike(tmp_path: Path) -> None:
    palette = {0: (5, 5, 5, 255), 1: (200, 0, 0, 255)}
    with open_class_raster(make_raster(tmp_path / "x.tif", np.ones((2, 2), np.uint8), palette=palette)) as raster:
        assert [(c.name, c.color) for c in raster.legend] == [("class 0", (5, 5, 5)), ("class 1", (200, 0, 0))]
    with open_class_raster(make_raster(tmp_path / "y.tif", np.ones((2, 2), np.uint8), nodata=0)) as raster:
        assert [c.id for c in raster.legend] == list(range(1, 255))
        colors = [np.array(c.color, int) for c in raster.legend]
        assert min(np.abs(a - b).sum() for a, b in itertools.pairwise(colors)) > 60


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones((3, 4, 4), np.uint8), "has 3 bands, but a class raster has 1"),
        (np.ones((4, 4), np.float32), "has float32 values"),
    ],
)
def test_what_is_no_class_raster_is_refused_in_words(tmp_path: Path, values: np.ndarray, words: str) -> None:
    with pytest.raises(SceneError, match=words) as caught:
        open_class_raster(make_raster(tmp_path / "x.tif", values))
    assert caught.value.hint


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 255), ("uint16", 1000), ("int16", -3)])
def test_a_value_that_cannot_be_a_class_is_named(tmp_path: Path, dtype: str, value: int) -> None:
    path = make_raster(tmp_path / "x.tif", np.array([[0, value]], dtype))
    with open_class_raster(path) as raster, pytest.raises(SceneError, match=f"has the value {value}"):
        raster.rows(0, 1)


def test_what_is_no_raster_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("hello")
    for path, words in (("none.tif", "does not exist"), (".", "is a folder"), ("text.tif", "cannot be read")):
        with pytest.raises(SceneError, match=words):
            open_class_raster(tmp_path / path)


def test_a_truncated_file_names_the_rows(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 9, (256, 256), dtype=np.uint8)
    path = make_raster(tmp_path / "x.tif", noise, tiled=True, blockxsize=64, blockysize=64)
    path.write_bytes(path.read_bytes()[:40_000])
    with open_class_raster(path) as raster, pytest.raises(ReadError, match="rows 192 to 256"):
        raster.rows(192, 64)
