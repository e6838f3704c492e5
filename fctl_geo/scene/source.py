"""One pixel grid of the file (full resolution or an overview), read tile by tile by several threads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window as RasterioWindow

from fctl_geo.errors import ReadError, SceneError
from fctl_geo.scene.header import Header, gdal_options, open_handle
from fctl_geo.scene.references import GDAL_ERRORS
from fctl_geo.storage.address import is_remote, shown
from fctl_geo.windows.window import Window

_MAX_HANDLES = 4
_TILE_PX = 256
_STRIP_TILE_HW = (128, 2048)
_LARGEST_BLOCK_PX = 4 << 20
_GDAL_CACHE_BYTES = 48 << 20
_GDAL_CACHE_MOST_BYTES = 2 << 30
_LARGE_BLOCK_BYTES = 256 << 20
_RETRIES_AFTER_S = (1.0, 4.0, 16.0)
"""Delays before retrying the download of a piece of a remote file."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Size and storage layout of one pixel grid of the file."""

    height: int
    width: int
    block_hw: tuple[int, int]
    overview: int | None
    """Index of the overview; None: full resolution."""

    @property
    def in_strips(self) -> bool:
        """Whether blocks are as wide as the scene, or too large to cache by the dozen: GDAL's cache must hold them."""
        wide = self.block_hw[1] >= self.width and self.width > _STRIP_TILE_HW[1]
        return wide or self.block_hw[0] * self.block_hw[1] > _LARGEST_BLOCK_PX

    @property
    def tile_hw(self) -> tuple[int, int]:
        """Size of the pieces that are read at once: whole blocks, so that none is decoded twice, or a part of strips.

        Example: blocks of 128 x 128 are read four at a time (256 x 256), blocks of 512 one at a time.
        """
        if self.in_strips:
            rows = -(-_STRIP_TILE_HW[0] // self.block_hw[0]) * self.block_hw[0]
            return min(rows, 4 * _STRIP_TILE_HW[0]), _STRIP_TILE_HW[1]
        height, width = (block * max(1, _TILE_PX // block) for block in self.block_hw)
        return height, width

    def gdal_cache_bytes(self, bytes_per_px: int) -> int:
        """Size of GDAL's block cache with which strips are decoded only once."""
        if not self.in_strips:
            return _GDAL_CACHE_BYTES
        rows = max(self.tile_hw[0], self.block_hw[0])
        needed = rows * max(self.width, self.block_hw[1]) * bytes_per_px * 5 // 4
        return min(max(_GDAL_CACHE_BYTES, needed), _GDAL_CACHE_MOST_BYTES)


@dataclass(slots=True)
class Source:
    """Pixels of one grid, by window. Each reading thread borrows its own dataset handle."""

    header: Header
    grid: Grid
    numbers: tuple[int, ...]
    """Bands to read, ascending, including the alpha band if there is one."""
    _handles: list[Any] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _seats: threading.Semaphore = field(init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        # Two handles would decode the same strip twice, so strips are read by one thread at a time.
        self._seats = threading.Semaphore(1 if self.grid.in_strips else _MAX_HANDLES)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds every band's values."""
        return np.result_type(*(np.dtype(self.header.bands[n - 1].dtype) for n in self.numbers))

    @property
    def options(self) -> dict[str, Any]:
        """GDAL's configuration around each access."""
        bytes_per_px = self.dtype.itemsize * (len(self.header.bands) + 1)
        return {**gdal_options(self.header.uri), "GDAL_CACHEMAX": self.grid.gdal_cache_bytes(bytes_per_px)}

    def read(self, window: Window) -> NDArray[np.generic]:
        """(C, h, w) raw values of the bands `numbers`, for a window inside the grid.

        Raises:
            ReadError: damaged data; says in which block.
        """
        if len({self.header.bands[n - 1].dtype for n in self.numbers}) == 1:
            return self._access(window, lambda handle, box: handle.read(self.numbers, window=box))

        def one_by_one(handle: Any, box: RasterioWindow) -> NDArray[np.generic]:  # rasterio reads one type at a time
            return np.stack([handle.read(n, window=box).astype(self.dtype) for n in self.numbers])

        return self._access(window, one_by_one)

    def read_mask(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) mask band of the file, True where it is not 0."""
        return self._access(window, lambda handle, box: handle.read_masks(1, window=box)) > 0

    def _access(self, window: Window, read: Any) -> NDArray[Any]:
        with self._seats, rasterio.Env(**self.options):
            handle = self._borrow()
            try:
                result: NDArray[Any] = read(handle, _box(window))
            except GDAL_ERRORS as error:
                if is_remote(self.header.uri):
                    result = self._retry(window, read, error)
                else:
                    raise self._damage(handle, window, read, error) from error
            finally:
                self._give_back(handle)
        return result

    def _retry(self, window: Window, read: Any, error: Exception) -> NDArray[Any]:
        """Retry a window whose download was interrupted, several times if needed."""
        for delay_s in _RETRIES_AFTER_S:
            time.sleep(delay_s)
            try:
                with rasterio.Env(**gdal_options(self.header.uri, afresh=True)), self._opened() as handle:
                    result: NDArray[Any] = read(handle, _box(window))
                    return result
            except GDAL_ERRORS as next_error:
                error = next_error
        raise ReadError(
            f"the download of {shown(self.header.uri)} was interrupted: pixels {_words(window)}{self._level_words} "
            f"could not be fetched in {1 + len(_RETRIES_AFTER_S)} attempts (GDAL: {error.__cause__ or error})",
            hint="once the connection is back, run the same command with --resume; or download the file first",
        ) from error

    def _borrow(self) -> Any:
        with self._lock:
            if self._closed:
                raise SceneError(f"{self.header.name} is closed", hint="read inside the with-block")
            if self._handles:
                return self._handles.pop()
            try:
                return self._open()
            except GDAL_ERRORS as error:
                raise ReadError(f"{self.header.name} could be opened before, but not again (GDAL: {error})") from error

    def _open(self) -> Any:
        level = {} if self.grid.overview is None else {"overview_level": self.grid.overview}
        return open_handle(self.header.uri, self.header.drivers, **level)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        handle = self._open()
        try:
            yield handle
        finally:
            handle.close()

    @property
    def _level_words(self) -> str:
        return "" if self.grid.overview is None else f" of overview {self.header.overviews[self.grid.overview]}"

    def _give_back(self, handle: Any) -> None:
        with self._lock:
            if self._closed:
                handle.close()
            else:
                self._handles.append(handle)

    def _damage(self, handle: Any, window: Window, read: Any, error: Exception) -> ReadError:
        """Read again block by block, to name the one that is damaged."""
        where, cause = f"pixels {_words(window)}", error
        for row, col, block in self._blocks(window):
            try:
                read(handle, _box(block))
            except GDAL_ERRORS as block_error:
                where, cause = f"block {row} down, {col} across ({_words(block)})", block_error
                break
        return ReadError(
            f"{self.header.name} is damaged: {where}{self._level_words} cannot be read "
            f"(GDAL: {cause.__cause__ or cause})",
            hint="the file is broken or incomplete: copy or download it again; no output was written under its final "
            "name",
        )

    def _blocks(self, window: Window) -> Iterator[tuple[int, int, Window]]:
        height, width = self.grid.block_hw
        inside = Window(0, 0, self.grid.height, self.grid.width)
        for row in range(window.row // height, -(-window.row_end // height)):
            for col in range(window.col // width, -(-window.col_end // width)):
                block = Window(row * height, col * width, height, width).clip(inside).clip(window)
                yield row, col, block

    def close(self) -> None:
        """Close every handle; those in use are closed when they are returned."""
        with self._lock:
            self._closed = True
            while self._handles:
                self._handles.pop().close()


def grids_of(header: Header) -> tuple[Grid, ...]:
    """Full resolution first, then the overviews with a decimation factor of at least 2, finest first."""
    grids = [Grid(header.height, header.width, header.block_hw, None)]
    with rasterio.Env(**gdal_options(header.uri)):
        for index, factor in enumerate(header.overviews):
            if factor < 2:  # an overview as large as the scene is useless
                continue
            try:
                handle = open_handle(header.uri, header.drivers, overview_level=index)
            except GDAL_ERRORS as error:
                raise ReadError(
                    f"{header.name} has a damaged overview {factor} (GDAL: {error})",
                    hint="rebuild the overviews with gdaladdo, or copy the file again",
                ) from error
            grids.append(Grid(handle.height, handle.width, handle.block_shapes[0], index))
            handle.close()
    return tuple(grids)


def block_warnings(header: Header) -> tuple[str, ...]:
    """A warning about blocks so large that decoding one takes a lot of memory."""
    height, width = header.block_hw
    block_bytes = height * width * len(header.bands) * np.dtype(header.dtype).itemsize
    if header.compression == "none" or block_bytes < _LARGE_BLOCK_BYTES:
        return ()
    return (
        f"the file is stored in blocks of {width} x {height} pixels, each of which takes {block_bytes / 2**20:.0f} MiB "
        "to decode: a copy with small tiles (gdal_translate -of COG) reads faster and needs less memory",
    )


def _box(window: Window) -> RasterioWindow:
    return RasterioWindow(window.col, window.row, window.width, window.height)


def _words(window: Window) -> str:
    return f"rows {window.row}-{window.row_end - 1}, columns {window.col}-{window.col_end - 1}"
