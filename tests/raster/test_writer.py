"""The growing raster: any order of windows, sparse, says when the disk is full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.errors import OutputError
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

UTM = rasterio.crs.CRS.from_epsg(32635).to_wkt(version="WKT2_2019")


def make_frame(height: int, width: int) -> RasterFrame:
    return RasterFrame(height, width, (0.25, 0.0, 500_000.0, 0.0, -0.25, 6_000_000.0), UTM)


def classes_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5, (height, width), dtype=np.uint8)


@settings(max_examples=25, deadline=None)
@given(size=st.tuples(st.integers(1, 600), st.integers(1, 600)), shard=st.integers(1, 400), seed=st.integers(0, 9))
def test_windows_in_any_order_give_the_array_they_came_from(
    tmp_path_factory: pytest.TempPathFactory, size: tuple[int, int], shard: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("writer") / "classes.tif"
    truth = classes_of(*size)
    windows = [
        Window(row, col, min(shard, size[0] - row), min(shard, size[1] - col))
        for row in range(0, size[0], shard)
        for col in range(0, size[1], shard)
    ][:40]
    np.random.default_rng(seed).shuffle(windows)
    expected = np.full(size, 255, np.uint8)
    with BlockRasterWriter.create(path, make_frame(*size)) as writer:
        for window in windows:
            part = window.slices_in(Window(0, 0, *size))
            writer.write(window, truth[part])
            expected[part] = truth[part]
    with rasterio.open(path) as dataset:
        assert (dataset.read(1) == expected).all()
        assert dataset.nodata == 255 and dataset.crs.to_epsg() == 32635


def test_what_was_never_written_is_nodata_and_takes_no_space(tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    with BlockRasterWriter.create(path, make_frame(8192, 8192)) as writer:
        writer.write(Window(256, 512, 256, 256), np.ones((256, 256), np.uint8))
    with rasterio.open(path) as dataset:
        values = dataset.read(1)
    assert (values[256:512, 512:768] == 1).all() and (values == 255).sum() == values.size - 256**2
    assert path.stat().st_size < 50_000


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        BlockRasterWriter.create(tmp_path / "nowhere" / "classes.tif", make_frame(3, 3))


def test_a_raster_without_georeference_stays_without(tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    BlockRasterWriter.create(path, RasterFrame(4, 5, (1, 0, 0, 0, 1, 0), "")).close()
    with rasterio.open(path) as dataset:
        assert dataset.crs is None and dataset.transform.is_identity


def test_a_full_disk_is_said_with_the_free_bytes(small_disk: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 2048), dtype=np.uint8)
    with pytest.raises(OutputError, match="disk full while writing") as caught:  # noqa: SIM117
        with BlockRasterWriter.create(small_disk / "classes.tif", make_frame(2048, 2048)) as writer:
            for row in range(0, 2048, 256):
                writer.write(Window(row, 0, 256, 2048), noise)
    assert "MB free" in caught.value.message
