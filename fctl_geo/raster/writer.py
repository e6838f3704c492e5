"""The class raster while it grows: a tiled, sparse TIFF that shards are written into and that survives a kill."""

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
from fctl_geo.windows.window import Window

BLOCK_PX = 256
"""Blocks of the growing raster. Shards should start and end on multiples of it (or at the raster's edge)."""


class BlockRasterWriter:
    """A single-band uint8 raster under way, nodata 255, 255 where nothing was written yet.

    Windows may come in any order and may be written again. Windows on multiples of `BLOCK_PX` are the fast way
    (no block is read back); others are right too. Not safe to share between threads.

    Law: what was written before a `flush` that returned is there after a kill at any later moment.
    """

    def __init__(self, path: Path, frame: RasterFrame) -> None:
        """Use `create` or `open_or_create`; this opens an existing file."""
        self.path = path
        self.frame = frame
        self._dataset: DatasetWriter | None = None
        self._unproven: set[tuple[int, int]] = set()

    @classmethod
    def create(cls, path: Path, frame: RasterFrame) -> BlockRasterWriter:
        """A new, empty raster; whatever was at `path` is gone.

        Raises:
            OutputError: the folder is missing or read-only, or the disk is full.
        """
        writer = cls(path, frame)
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
        writer._open()
        return writer

    @classmethod
    def open_or_create(cls, path: Path, frame: RasterFrame) -> BlockRasterWriter:
        """The raster at `path` with all that was flushed into it, or a new one where there is none.

        Raises:
            OutputError: the file there is no raster, or one of another size or place.
        """
        if not path.exists():
            return cls.create(path, frame)
        writer = cls(path, frame)
        writer._check_fits()
        return writer

    def write(self, window: Window, values: npt.NDArray[np.uint8]) -> None:
        """Put `values` (h, w) uint8 where `window` says; the window must lie inside the raster.

        Raises:
            OutputError: the disk is full.
        """
        assert values.dtype == np.uint8 and values.shape == window.size_hw, (values.dtype, values.shape, window)
        assert window == window.clip(Window(0, 0, *self.frame.size_hw)), (window, self.frame.size_hw)
        dataset = self._open()
        try:
            with output_errors(self.path), rasterio.Env():
                dataset.write(values, 1, window=RasterioWindow(window.col, window.row, window.width, window.height))
        except OutputError:
            self._abandon()
            raise
        self._remember(window, values)

    def read(self, window: Window) -> npt.NDArray[np.uint8]:
        """What `window` holds now, (h, w) uint8; 255 where nothing was written. The window must lie inside."""
        assert window == window.clip(Window(0, 0, *self.frame.size_hw)), (window, self.frame.size_hw)
        dataset = self._open()
        with rasterio.Env():
            values: npt.NDArray[np.uint8] = dataset.read(
                1, window=RasterioWindow(window.col, window.row, window.width, window.height)
            )
        return values

    def flush(self) -> None:
        """Make everything written so far durable: on disk, and found again after a kill.

        Raises:
            OutputError: the disk is full.
        """
        self.close()
        self._open()

    def close(self) -> None:
        """Flush and close; writing again opens it again. Nothing happens if it is closed already."""
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

    def _open(self) -> DatasetWriter:
        """The open dataset. rasterio says TypeError where the file is no raster."""
        if self._dataset is None:
            try:
                with rasterio.Env():
                    self._dataset = open_quietly(self.path, "r+")
            except (RasterioError, TypeError) as error:
                raise OutputError(
                    f"{self.path} cannot be gone on with: {error}", hint="run again without --resume to start afresh"
                ) from error
        return self._dataset

    def _abandon(self) -> None:
        """Close without a check, because an error is on its way already."""
        dataset, self._dataset = self._dataset, None
        if dataset is not None:
            with suppress(RasterioError, OSError), rasterio.Env():
                dataset.close()

    def _remember(self, window: Window, values: npt.NDArray[np.uint8]) -> None:
        """Note the blocks that must be in the file from now on; a block of nothing but nodata is left out of it."""
        for row in range(window.row // BLOCK_PX, -(-window.row_end // BLOCK_PX)):
            for col in range(window.col // BLOCK_PX, -(-window.col_end // BLOCK_PX)):
                block = Window(row * BLOCK_PX, col * BLOCK_PX, BLOCK_PX, BLOCK_PX).clip(window)
                if (values[block.slices_in(window)] != NODATA).any():
                    self._unproven.add((row, col))
                else:
                    self._unproven.discard((row, col))

    def _check_fits(self) -> None:
        dataset = self._open()
        there = (dataset.height, dataset.width, dataset.count, dataset.dtypes[0], dataset.nodata)
        wanted = (*self.frame.size_hw, 1, "uint8", NODATA)
        if there != wanted or not dataset.transform.almost_equals(affine_of(self.frame), 1e-9):
            self.close()
            raise OutputError(
                f"{self.path} holds a raster of {there[0]} x {there[1]} px, "
                f"this run writes {wanted[0]} x {wanted[1]} px at its own place",
                hint="run again without --resume to start afresh",
            )

    def _prove_written(self) -> None:
        """See that every block written since the last time lies inside the file: GDAL may have failed in silence."""
        size_bytes = self.path.stat().st_size
        with open_quietly(self.path) as dataset:
            for row, col in sorted(self._unproven):
                offset = int(dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=1) or 0)
                length = int(dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1) or 0)
                if not 0 < offset < offset + length <= size_bytes:
                    raise write_failure(self.path, f"block {row}, {col} is not in the file")
        self._unproven.clear()


def _sync(path: Path) -> None:
    """Wait until the file is on the disk (and hear now if it did not fit)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def _compression() -> dict[str, str | int]:
    """zstd 1 (fast, small), or deflate where this GDAL was built without it."""
    place = Affine(1.0, 0.0, 1.0, 0.0, -1.0, 1.0)
    tiny = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 1, "width": 1, "transform": place}
    try:
        with rasterio.Env(), MemoryFile() as memory, memory.open(**tiny, compress="zstd"):
            return {"compress": "zstd", "zstd_level": 1}
    except RasterioError:
        return {"compress": "deflate", "zlevel": 1}
