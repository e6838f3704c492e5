"""The laws of reading: pure, window-invariant, cache-blind, and rasterio's own values where nothing is changed."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.windows import Window as RasterioWindow
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import SceneError
from fctl_geo.scene import Scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

RGB = InputSpec()
LAW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEIGHT, WIDTH = 331, 577  # primes, more than one tile of 256 each way

VARIANTS = {
    "plain": ({}, RGB),
    "nodata": ({"nodata": 0, "holes": True}, RGB),
    "strips": ({"tiled": False, "block": 5, "nodata": 0, "holes": True}, RGB),
    "overviews": ({"overviews": (2, 4)}, RGB),
    "overviews and nodata, coarser": ({"overviews": (2, 4), "nodata": 0, "holes": True}, InputSpec(gsd_m=0.8)),
    "coarser": ({"nodata": 0, "holes": True}, InputSpec(gsd_m=0.51)),
    "finer": ({"nodata": 0, "holes": True}, InputSpec(gsd_m=0.19)),
    "16 bits": ({"dtype": "uint16", "nodata": 0, "holes": True}, InputSpec(gsd_m=0.7)),
    "float": ({"dtype": "float32", "nodata": -1, "holes": True}, InputSpec(gsd_m=0.7)),
}


@pytest.fixture(scope="module", params=sorted(VARIANTS))
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    how, spec = VARIANTS[request.param]
    path = make_scene(tmp_path_factory.mktemp("read") / "scene.tif", WIDTH, HEIGHT, **how)
    with open_scene(path, spec) as opened:
        yield opened


def level_window(scene: Scene, factor: int) -> Window:
    return Window(0, 0, *(math.ceil(side / factor) for side in scene.model_hw))


@LAW
@given(st.data(), st.integers(1, 4))
def test_a_window_is_the_cut_from_a_larger_read(scene: Scene, data: st.DataObject, factor: int) -> None:
    outer = level_window(scene, factor).grow(7)
    row = data.draw(st.integers(outer.row, outer.row_end - 1))
    col = data.draw(st.integers(outer.col, outer.col_end - 1))
    size = st.integers(1, 300)
    window = Window(row, col, data.draw(size), data.draw(size)).clip(outer)
    whole, part = scene.read(outer, factor), scene.read(window, factor)
    here = window.slices_in(outer)
    np.testing.assert_array_equal(part.pixels, whole.pixels[:, *here])
    np.testing.assert_array_equal(part.valid, whole.valid[here])


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_read_does_not_depend_on_the_cache(scene: Scene, factor: int) -> None:
    window = level_window(scene, factor)
    first = scene.read(window, factor)
    limit = scene._cache.limit_bytes
    scene.resize_cache(0)
    again = scene.read(window, factor)
    corner = scene.read(Window(3, 5, 40, 50), factor)
    scene.resize_cache(limit)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.valid, again.valid)
    np.testing.assert_array_equal(
        first.pixels[:, 3:43, 5:55], corner.pixels[:, : window.height - 3, : window.width - 5]
    )


def test_threads_read_the_same_as_one(scene: Scene) -> None:
    windows = [Window(row, col, 90, 130) for row in range(0, 330, 60) for col in range(-20, 570, 90)]
    one = [scene.read(window, 2).pixels for window in windows]
    scene._cache.clear()
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda window: scene.read(window, 2).pixels, windows))
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)


def test_outside_is_zero_and_invalid(scene: Scene) -> None:
    far = scene.read(Window(-400, -300, 50, 60))
    assert not far.valid.any() and not far.pixels.any()
    assert far.pixels.shape == (3, 50, 60)


def test_invalid_pixels_are_zero(scene: Scene) -> None:
    for factor in (1, 2, 3):
        tile = scene.read(level_window(scene, factor), factor)
        assert not tile.pixels[:, ~tile.valid].any()


@pytest.mark.parametrize("layout", [{}, {"tiled": False, "block": 7}, {"compress": "lzw", "interleave": "band"}])
def test_full_resolution_is_what_rasterio_reads(tmp_path: Path, layout: dict[str, object]) -> None:
    path = make_scene(tmp_path / "a.tif", 300, 290, nodata=0, holes=True, **layout)
    with rasterio.open(path) as dataset, open_scene(path, RGB) as scene:
        for row, col, height, width in ((0, 0, 290, 300), (250, 251, 12, 33), (100, 0, 1, 300)):
            tile = scene.read(Window(row, col, height, width))
            box = RasterioWindow(col, row, width, height)
            np.testing.assert_array_equal(tile.pixels, dataset.read(window=box))
            np.testing.assert_array_equal(tile.valid, dataset.dataset_mask(window=box) > 0)


def mean_by_hand(pixels: np.ndarray, valid: np.ndarray, step: float, row: int, col: int) -> tuple[list[float], float]:
    """Mean of one level pixel by its overlap with every source pixel, and the valid share of it."""
    total, area, inside = np.zeros(len(pixels)), 0.0, 0.0
    for y in range(math.floor(row * step), min(pixels.shape[1], math.ceil((row + 1) * step))):
        for x in range(math.floor(col * step), min(pixels.shape[2], math.ceil((col + 1) * step))):
            height = min(y + 1, (row + 1) * step) - max(y, row * step)
            width = min(x + 1, (col + 1) * step) - max(x, col * step)
            inside += height * width
            if valid[y, x]:
                area += height * width
                total += height * width * pixels[:, y, x]
    return list(total / area) if area else [0.0] * len(pixels), area / inside


@LAW
@given(
    height=st.integers(1, 23), width=st.integers(1, 23), factor=st.integers(1, 4),
    scale=st.sampled_from([1.0, 1.7, 2.0, 2.9]), holes=st.floats(0, 0.9), seed=st.integers(0, 99),
)  # fmt: skip
def test_a_level_pixel_is_the_mean_of_its_valid_area(
    tmp_path: Path, *, height: int, width: int, factor: int, scale: float, holes: float, seed: int
) -> None:
    valid = np.random.default_rng(seed).random((height, width)) >= holes
    pixels = make_pixels(3, height, width, seed=seed) * valid
    path = make_scene(tmp_path / "a.tif", pixels=pixels, nodata=0, block=16)
    with open_scene(path, InputSpec(gsd_m=0.3 * scale), SceneSettings(gsd_m=0.3)) as scene:
        assert scene.scale == pytest.approx(scale)
        window = level_window(scene, factor)
        tile = scene.read(window, factor)
        step = scene.scale
        if factor > 1:
            model = scene.read(level_window(scene, 1))
            pixels, valid, step = model.pixels, model.valid, factor
        for row in range(window.height):
            for col in range(window.width):
                means, share = mean_by_hand(pixels, valid, step, row, col)
                if abs(share - 0.5) > 1e-3:
                    assert tile.valid[row, col] == (share > 0.5)
                if tile.valid[row, col]:
                    np.testing.assert_allclose(tile.pixels[:, row, col], means, atol=0.5001)


def test_half_valid_is_valid(tmp_path: Path) -> None:
    pixels = np.array([[[10, 0], [10, 0]], [[20, 0], [20, 0]], [[31, 0], [30, 0]]], np.uint8)
    with open_scene(make_scene(tmp_path / "a.tif", pixels=pixels, nodata=0, block=16), RGB) as scene:
        tile = scene.read(Window(0, 0, 1, 1), 2)
    assert tile.valid.all()
    assert tile.pixels.ravel().tolist() == [10, 20, 31]  # 30.5 rounds up


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_overviews_give_nearly_what_full_resolution_gives(tmp_path: Path, factor: int) -> None:
    with_overviews = make_scene(tmp_path / "a.tif", WIDTH, HEIGHT, overviews=(2, 4))
    without = make_scene(tmp_path / "b.tif", WIDTH, HEIGHT)
    with open_scene(with_overviews, RGB) as a, open_scene(without, RGB) as b:
        assert a._level(factor).source > 0
        window = level_window(a, factor)
        difference = a.read(window, factor).pixels.astype(int) - b.read(window, factor).pixels
    assert np.abs(difference).mean() < 3  # noise of 8, seen through pixels that are shifted by a fraction
    assert np.abs(difference.mean()) < 0.3  # no drift of brightness


def test_upsampling_keeps_a_ramp_a_ramp(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(0, 200, 4, dtype=np.uint8), (3, 20, 50)).copy()
    with open_scene(make_scene(tmp_path / "a.tif", pixels=ramp), InputSpec(gsd_m=0.1)) as scene:
        assert scene.scale == pytest.approx(1 / 3, rel=1e-3)
        row = scene.read(Window(30, 3, 1, 140)).pixels[0, 0].astype(int)
    centers = (np.arange(3, 143) + 0.5) * scene.scale
    np.testing.assert_allclose(row, (centers - 0.5) * 4, atol=0.51)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 97), (89, 1), (3, 2)])
@pytest.mark.parametrize("model_gsd_m", [None, 0.1, 1.0, 3.0])
def test_the_smallest_scenes_can_be_read(tmp_path: Path, height: int, width: int, model_gsd_m: float | None) -> None:
    path = make_scene(tmp_path / "a.tif", width, height, block=16)
    with open_scene(path, InputSpec(gsd_m=model_gsd_m)) as scene:
        for factor in (1, 2, 3):
            tile = scene.read(level_window(scene, factor), factor)
            assert tile.valid.all() and (tile.pixels > 0).all()


def test_a_constant_scene_stays_constant_at_every_level(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", pixels=np.full((3, 101, 103), 77, np.uint8))
    for gsd_m in (None, 0.13, 0.71):
        with open_scene(path, InputSpec(gsd_m=gsd_m)) as scene:
            for factor in (1, 2, 3, 7):
                tile = scene.read(level_window(scene, factor), factor)
                assert tile.valid.all() and set(np.unique(tile.pixels)) == {77}


def test_no_block_is_decoded_twice_in_a_sweep_with_contexts(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", 1024, 1024, block=128)
    with open_scene(path, RGB) as scene:
        sweep_with_contexts(scene)
        decoded = scene._cache.decoded + scene._passing.decoded
        assert decoded == 4 * 4 + 2 * 2 + 2 * 2  # tiles of 256: full resolution, halves and thirds once each


def sweep_with_contexts(scene: Scene, patch_px: int = 224) -> None:
    """Read all patches of a scene with contexts of two and three patches, with the cache that this should need, and
    what of them is wanted."""
    height, width = scene.model_hw
    scene.resize_cache(scene.cache_bytes_for(3 * patch_px, width))
    half = patch_px // 2
    for row in range(-16, height, patch_px - 32):
        for col in range(-16, width, patch_px - 32):
            box = (row * scene.scale, col * scene.scale, patch_px * scene.scale, patch_px * scene.scale)
            scene.wanted(Window(*(round(side) for side in box)))
            for factor in (1, 2, 3):
                center_row, center_col = (row + half) // factor, (col + half) // factor
                scene.read(Window(center_row - half, center_col - half, patch_px, patch_px), factor)


@pytest.mark.parametrize("mask", [{}, {"nodata": 0, "holes": True}])
def test_a_fine_scene_is_decoded_once_in_a_sweep_and_takes_no_more_memory(
    tmp_path: Path, mask: dict[str, object]
) -> None:
    """The model's pixels are four times as wide as the scene's: only the model's are held until contexts need them."""
    path = make_scene(tmp_path / "a.tif", 4096, 3072, block=256, **mask)
    with open_scene(path, InputSpec(gsd_m=1.2), SceneSettings(gsd_m=0.3)) as scene:
        assert scene.scale == pytest.approx(4)
        sweep_with_contexts(scene)
        assert scene._passing.decoded == 16 * 12
        strip_bytes = 1920 * 4 * 6528 * 4 * 3  # of the file, under contexts of 1920 model pixels, 6528 wide
        assert scene.cache_bytes_for(1920, 6528) < strip_bytes / 2


def test_a_wide_level_is_read_in_pieces(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", 900, 700)
    with open_scene(path, RGB) as scene:
        tile = scene.read(Window(0, 0, 7, 9), 100)
        assert scene._level(100).tile_hw == (16, 16)
    np.testing.assert_allclose(tile.pixels[0, 2, 3], make_pixels(3, 700, 900)[0, 200:300, 300:400].mean(), atol=0.51)


def test_a_closed_scene_says_so(tmp_path: Path) -> None:
    with open_scene(make_scene(tmp_path / "a.tif"), RGB) as scene:
        pass
    with pytest.raises(SceneError, match="closed"):
        scene.read(Window(0, 0, 2, 2))
