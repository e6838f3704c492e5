"""The class raster while it is being written: a tiled, sparse TIFF that is filled window by window."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter, MemoryFile
from rasterio.windows import Window as RasterioWindow

from fctl_geo.errors import OutputError
from fctl_geo.raster.gdal import affine_of, crs_of, open_quietly, output_errors
from fctl_geo.spec import NODATA
from fctl_geo.storage.whole_files import write_failure
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import BLOCK_PX
from fctl_geo.windows.window import Window


class BlockRasterWriter:
    """A single-band uint8 raster being written; nodata is 255, and so is everything not yet written.

    Windows may be written in any order and more than once. Windows aligned to multiples of `BLOCK_PX` are the fastest
    (no block is read back); others work too. Not safe to share between threads.

    Law: everything written is on the disk when `close` returns.
    """

    def __init__(self, path: Path, frame: RasterFrame, dataset: DatasetWriter) -> None:
        """Use `create`."""
        self.path = path
        self.frame = frame
        self._dataset: DatasetWriter | None = dataset
        self._unproven: set[tuple[int, int]] = set()

    @classmethod
    def create(cls, path: Path, frame: RasterFrame) -> BlockRasterWriter:
        """Create a new, empty raster, replacing whatever was at `path`.

        Raises:
            OutputError: the folder is missing or read-only, or the disk is full.
        """
        with output_errors(path), rasterio.Env():
            path.unlink(missing_ok=True)
            profile = {
                "driver": "GTiff",
                "dtype": "uint8",
                "count": 1,
                "height": frame.height,
                "width": frame.width,
                "crs": crs_of(frame),
                "transform": affine_of(frame),
                "nodata": NODATA,
                "tiled": True,
                "blockxsize": BLOCK_PX,
                "blockysize": BLOCK_PX,
                "bigtiff": "IF_SAFER",
                "sparse_ok": "TRUE",
                **_compression(),
            }
            with open_quietly(path, "w", **profile):
                pass
            _sync(path)
            if path.stat().st_size == 0:
                raise write_failure(path, "the file is empty")
            return cls(path, frame, open_quietly(path, "r+"))

    def write(self, window: Window, values: npt.NDArray[np.uint8]) -> None:
        """Write `values`, (h, w) uint8, to `window`, which must lie inside the raster.

        Raises:
            OutputError: the disk is full.
        """
        assert values.dtype == np.uint8 and values.shape == window.size_hw, (values.dtype, values.shape, window)
        assert window == window.clip(Window(0, 0, *self.frame.size_hw)), (window, self.frame.size_hw)
        assert self._dataset is not None, self.path
        try:
            with output_errors(self.path), rasterio.Env():
                self._dataset.write(
                    values, 1, window=RasterioWindow(window.col, window.row, window.width, window.height)
                )
        except OutputError:
            self._abandon()
            raise
        self._remember(window, values)

    def close(self) -> None:
        """Make sure that everything is on the disk, and close. Does nothing if already closed.

        Raises:
            OutputError: the disk is full.
        """
        if self._dataset is None:
            return
        dataset, self._dataset = self._dataset, None
        with output_errors(self.path), rasterio.Env():
            dataset.close()
            _sync(self.path)
            self._prove_written()

    def __enter__(self) -> BlockRasterWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def _abandon(self) -> None:
        """Close without checking, because an error is already being raised."""
        dataset, self._dataset = self._dataset, None
        if dataset is not None:
            with suppress(RasterioError, OSError), rasterio.Env():
                dataset.close()

    def _remember(self, window: Window, values: npt.NDArray[np.uint8]) -> None:
        """Record the blocks that must be in the file from now on; a block that is all nodata is not stored."""
        for row in range(window.row // BLOCK_PX, -(-window.row_end // BLOCK_PX)):
            for col in range(window.col // BLOCK_PX, -(-window.col_end // BLOCK_PX)):
                block = Window(row * BLOCK_PX, col * BLOCK_PX, BLOCK_PX, BLOCK_PX).clip(window)
                if (values[block.slices_in(window)] != NODATA).any():
                    self._unproven.add((row, col))
                else:
                    self._unproven.discard((row, col))

    def _prove_written(self) -> None:
        """Check that every block that was written lies inside the file: GDAL may have failed silently."""
        size_bytes = self.path.stat().st_size
        with open_quietly(self.path) as dataset:
            for row, col in sorted(self._unproven):
                offset = int(dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=1) or 0)
                length = int(dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1) or 0)
                if not 0 < offset < offset + length <= size_bytes:
                    raise write_failure(self.path, f"block {row}, {col} is not in the file")


def _sync(path: Path) -> None:
    """Wait until the file is on the disk (and learn now if it did not fit)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def _compression() -> dict[str, str | int]:
    """zstd level 1 (fast and small), or deflate if this GDAL was built without zstd."""
    place = Affine(1.0, 0.0, 1.0, 0.0, -1.0, 1.0)
    tiny = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 1, "width": 1, "transform": place}
    try:
        with rasterio.Env(), MemoryFile() as memory, memory.open(**tiny, compress="zstd"):
            return {"compress": "zstd", "zstd_level": 1}
    except RasterioError:
        return {"compress": "deflate", "zlevel": 1}
