"""The growing raster: any order of windows, goes on after a kill, says when the disk is full."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
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
        assert (writer.read(Window(4000, 4000, 300, 300)) == 255).all()
    assert path.stat().st_size < 50_000


def test_open_or_create_goes_on_where_the_last_run_flushed(tmp_path: Path) -> None:
    path, frame = tmp_path / "classes.tif", make_frame(512, 512)
    first, second = classes_of(256, 512, 1), classes_of(256, 512, 2)
    with BlockRasterWriter.open_or_create(path, frame) as writer:
        writer.write(Window(0, 0, 256, 512), first)
    with BlockRasterWriter.open_or_create(path, frame) as writer:
        writer.write(Window(256, 0, 256, 512), second)
        assert (writer.read(Window(0, 0, 512, 512)) == np.vstack([first, second])).all()


def test_a_raster_of_another_size_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    BlockRasterWriter.create(path, make_frame(300, 200)).close()
    with pytest.raises(OutputError, match="300 x 200 px, this run writes 300 x 201 px"):
        BlockRasterWriter.open_or_create(path, make_frame(300, 201))


def test_a_file_that_is_no_raster_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    path.write_text("no raster")
    with pytest.raises(OutputError, match="cannot be gone on with") as caught:
        BlockRasterWriter.open_or_create(path, make_frame(3, 3))
    assert "--resume" in caught.value.hint


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        BlockRasterWriter.create(tmp_path / "nowhere" / "classes.tif", make_frame(3, 3))


def test_a_raster_without_georeference_stays_without(tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    BlockRasterWriter.create(path, RasterFrame(4, 5, (1, 0, 0, 0, 1, 0), "")).close()
    with rasterio.open(path) as dataset:
        assert dataset.crs is None and dataset.transform.is_identity


WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
import numpy as np
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window
writer = BlockRasterWriter.open_or_create(Path(sys.argv[1]), RasterFrame(4096, 4096, (1, 0, 0, 0, 1, 0), ""))
for shard in range(256):
    row, col = divmod(shard, 16)
    writer.write(Window(row * 256, col * 256, 256, 256), np.full((256, 256), shard % 255, np.uint8))
    writer.flush()
    print(shard, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("delay_s", [0.0, 0.013, 0.041])
def test_a_kill_loses_nothing_that_was_flushed(tmp_path: Path, delay_s: float) -> None:
    path = tmp_path / "classes.tif"
    child = subprocess.Popen([sys.executable, "-c", WRITE_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(delay_s)
    child.send_signal(signal.SIGKILL)
    flushed = int((["0", *child.stdout.read().split()])[-1])
    child.wait()
    child.stdout.close()
    with BlockRasterWriter.open_or_create(path, RasterFrame(4096, 4096, (1, 0, 0, 0, 1, 0), "")) as writer:
        for shard in range(flushed + 1):
            row, col = divmod(shard, 16)
            assert (writer.read(Window(row * 256, col * 256, 256, 256)) == shard % 255).all()


@pytest.mark.parametrize("flush_each", [True, False])
def test_a_full_disk_is_said_with_the_free_bytes(small_disk: Path, flush_each: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 2048), dtype=np.uint8)
    with pytest.raises(OutputError, match="disk full while writing") as caught:  # noqa: SIM117
        with BlockRasterWriter.create(small_disk / "classes.tif", make_frame(2048, 2048)) as writer:
            for row in range(0, 2048, 256):
                writer.write(Window(row, 0, 256, 2048), noise)
                if flush_each:
                    writer.flush()
    assert "MB free" in caught.value.message
