"""Tiles of pixels kept by least use, each computed once even when several threads want it; windows cut from them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fctl_geo.windows.window import Window

Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tile:
    """A window of pixels."""

    pixels: NDArray[np.uint8]
    """(C, h, w); 0 where invalid."""
    valid: Bool
    """(h, w)."""


@dataclass(frozen=True, slots=True)
class KeptTile:
    """A tile as it is cached."""

    pixels: NDArray[np.uint8]
    valid: Bool | None
    """None: every pixel is valid."""

    @property
    def size_bytes(self) -> int:
        return self.pixels.nbytes + (0 if self.valid is None else self.valid.nbytes)


@dataclass(slots=True)
class TileCache:
    """The tiles that were used last, within a number of bytes."""

    limit_bytes: int
    decoded: int = 0
    """How many tiles were computed."""
    _kept: OrderedDict[Hashable, Future[KeptTile]] = field(default_factory=OrderedDict)
    _held_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, make: Callable[[], KeptTile]) -> Future[KeptTile]:
        """The tile of that key: kept, promised by another thread that is at it, or made here and now.

        An error reaches all who wait for the tile and is not kept.
        """
        with self._lock:
            future = self._kept.get(key)
            mine = future is None
            if future is None:
                future = self._kept[key] = Future()
            self._kept.move_to_end(key)
        if mine:
            self._make(key, future, make)
        return future

    def _make(self, key: Hashable, future: Future[KeptTile], make: Callable[[], KeptTile]) -> None:
        try:
            tile = make()
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            future.set_exception(error)
            raise
        future.set_result(tile)
        with self._lock:
            self.decoded += 1
            self._held_bytes += tile.size_bytes
            self._evict()

    def _evict(self) -> None:
        while self._held_bytes > self.limit_bytes:
            oldest = next(key for key, future in self._kept.items() if future.done())
            self._held_bytes -= self._kept.pop(oldest).result().size_bytes

    def resize(self, limit_bytes: int) -> None:
        with self._lock:
            self.limit_bytes = limit_bytes
            self._evict()

    def clear(self) -> None:
        with self._lock:
            for key in [key for key, future in self._kept.items() if future.done()]:
                self._held_bytes -= self._kept.pop(key).result().size_bytes


def cut(
    window: Window,
    tile_at: Callable[[int, int], Future[KeptTile]],
    *,
    size_hw: tuple[int, int],
    tile_hw: tuple[int, int],
    channels: int,
) -> KeptTile:
    """A window of a tiled grid; what sticks out of the grid is 0 and invalid.

    Args:
        tile_at: the tile in that row and column of tiles, or the promise of it.
        size_hw: size of the grid; its tiles begin at (0, 0), those at the far edges may be smaller.
    """
    inside = window.clip(Window(0, 0, *size_hw))
    pixels = np.zeros((channels, *window.size_hw), np.uint8)
    valid: Bool = np.zeros(window.size_hw, np.bool_)
    if inside.empty:
        return KeptTile(pixels, valid)
    height, width = tile_hw
    # First make what nobody is at, then wait: threads side by side share the work instead of waiting for one another.
    promises = [
        (Window(row * height, col * width, height, width), tile_at(row, col))
        for row in range(inside.row // height, (inside.row_end - 1) // height + 1)
        for col in range(inside.col // width, (inside.col_end - 1) // width + 1)
    ]
    for place, promise in promises:
        part, tile = inside.clip(place), promise.result()
        here, there = part.slices_in(window), part.slices_in(place)
        pixels[:, *here] = tile.pixels[:, *there]
        valid[here] = True if tile.valid is None else tile.valid[there]
    return KeptTile(pixels, None if valid.all() else valid)


def tile_window(row: int, col: int, tile_hw: tuple[int, int], size_hw: tuple[int, int]) -> Window:
    """Where a tile lies in its grid, cut at the grid's far edges."""
    return Window(row * tile_hw[0], col * tile_hw[1], *tile_hw).clip(Window(0, 0, *size_hw))
