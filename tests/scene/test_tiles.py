"""The cache of tiles: each made once, the least used leaves first, errors reach all who wait and are not kept."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from fctl_geo.scene.tiles import KeptTile, TileCache, cut
from fctl_geo.windows.window import Window


def tile(value: int = 0) -> KeptTile:
    return KeptTile(np.full((1, 10, 10), value, np.uint8), None)


def test_threads_that_want_the_same_tile_wait_for_the_one_that_makes_it() -> None:
    cache, made, release = TileCache(10_000), [], threading.Event()

    def make() -> KeptTile:
        release.wait(5)
        made.append(1)
        return tile(7)

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(cache.get, "key", make) for _ in range(4)]
        release.set()
        assert all(future.result().result().pixels[0, 0, 0] == 7 for future in waiting)
    assert made == [1]


def test_the_least_used_tile_leaves_first() -> None:
    cache = TileCache(200)
    for key in ("a", "b", "a", "c"):
        cache.get(key, tile)
    assert cache.decoded == 3
    cache.get("a", tile)
    assert cache.decoded == 3, "a was used again and stayed"
    cache.get("b", tile)
    assert cache.decoded == 4, "b had to leave for c"


def test_an_error_is_not_kept() -> None:
    cache = TileCache(200)

    def fail() -> KeptTile:
        raise ValueError("broken")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            cache.get("key", fail)
    assert cache.get("key", tile).result().valid is None


def promised(row: int, col: int) -> Future[KeptTile]:
    future: Future[KeptTile] = Future()
    future.set_result(tile(row * 10 + col + 1))
    return future


def test_what_sticks_out_of_the_grid_is_invalid() -> None:
    kept = cut(
        Window(-2, 5, 6, 10), promised, size_hw=(20, 12), tile_hw=(10, 10), channels=1,
    )  # fmt: skip
    assert kept.valid is not None and kept.valid.sum() == 4 * 7
    assert kept.pixels[0, 3].tolist() == [1] * 5 + [2] * 2 + [0] * 3
