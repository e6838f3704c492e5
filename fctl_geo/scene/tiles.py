"""An LRU cache of pixel tiles, each computed once even if several threads need it; windows are cut from the tiles."""

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
    """A cached tile."""

    pixels: NDArray[np.uint8]
    valid: Bool | None
    """None: every pixel is valid."""

    @property
    def size_bytes(self) -> int:
        return self.pixels.nbytes + (0 if self.valid is None else self.valid.nbytes)


@dataclass(slots=True)
class TileCache:
    """The most recently used tiles, up to a number of bytes."""

    limit_bytes: int
    decoded: int = 0
    """Number of tiles computed so far."""
    _kept: OrderedDict[Hashable, Future[KeptTile]] = field(default_factory=OrderedDict)
    _held_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, make: Callable[[], KeptTile]) -> Future[KeptTile]:
        """The tile with that key: cached, being computed by another thread, or computed here and now.

        An error is raised in every thread that waits for the tile, and is not cached.
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
    """Cut a window out of a tiled grid; parts outside the grid are 0 and invalid.

    Args:
        tile_at: returns a future of the tile in the given row and column of tiles.
        size_hw: size of the grid; its tiles begin at (0, 0), those at the far edges may be smaller.
    """
    inside = window.clip(Window(0, 0, *size_hw))
    pixels = np.zeros((channels, *window.size_hw), np.uint8)
    valid: Bool = np.zeros(window.size_hw, np.bool_)
    if inside.empty:
        return KeptTile(pixels, valid)
    height, width = tile_hw
    # First compute the tiles that no other thread is working on, then wait: concurrent threads share the work.
    futures = [
        (Window(row * height, col * width, height, width), tile_at(row, col))
        for row in range(inside.row // height, (inside.row_end - 1) // height + 1)
        for col in range(inside.col // width, (inside.col_end - 1) // width + 1)
    ]
    for place, future in futures:
        part, tile = inside.clip(place), future.result()
        here, there = part.slices_in(window), part.slices_in(place)
        pixels[:, *here] = tile.pixels[:, *there]
        valid[here] = True if tile.valid is None else tile.valid[there]
    return KeptTile(pixels, None if valid.all() else valid)


def tile_window(row: int, col: int, tile_hw: tuple[int, int], size_hw: tuple[int, int]) -> Window:
    """The window of a tile in its grid, clipped at the grid's far edges."""
    return Window(row * tile_hw[0], col * tile_hw[1], *tile_hw).clip(Window(0, 0, *size_hw))
