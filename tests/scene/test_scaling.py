"""Raw values become the model's, once a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scene_factory import make_pixels, make_scene

from fctl_geo.progress import Silent
from fctl_geo.scene import open_scene
from fctl_geo.scene.reader import sample_windows
from fctl_geo.scene.source import Grid
from fctl_geo.spec import InputSpec, Scaling
from fctl_geo.windows.window import Window

WHOLE = Window(0, 0, 160, 200)


class Listener(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32", "float64", "int8"])
def test_other_types_are_stretched_by_percentiles_of_the_scene(tmp_path: Path, dtype: str) -> None:
    path, listener = make_scene(tmp_path / "a.tif", dtype=dtype), Listener()
    with open_scene(path, InputSpec(), progress=listener) as scene:
        tile, stretch = scene.read(WHOLE), scene.info.stretch
    raw = make_pixels(3, 160, 200, dtype).astype(float)
    assert tile.pixels.dtype == np.uint8
    for band, values, (low, high) in zip(tile.pixels, raw, stretch, strict=True):
        assert (low, high) == pytest.approx(np.percentile(values, [2, 98]), rel=1e-6)
        expected = np.clip((values - low) / (high - low) * 255, 0, 255)
        np.testing.assert_allclose(band, expected, atol=0.51)
    assert any("stretched to 8 bits" in words for words in listener.said)


def test_bytes_stay_as_they_are(tmp_path: Path) -> None:
    with open_scene(make_scene(tmp_path / "a.tif"), InputSpec()) as scene:
        assert scene.info.stretch is None
        np.testing.assert_array_equal(scene.read(WHOLE).pixels, make_pixels(3, 160, 200))


def test_affine_scaling_gives_floats(tmp_path: Path) -> None:
    spec = InputSpec(scaling=Scaling("affine", gain=1e-4, offset=-0.1))
    with open_scene(make_scene(tmp_path / "a.tif", dtype="uint16", nodata=0, holes=True), spec) as scene:
        tile = scene.read(WHOLE)
    raw = make_pixels(3, 160, 200, "uint16")
    assert tile.pixels.dtype == np.float32
    np.testing.assert_allclose(tile.pixels[:, tile.valid], raw[:, tile.valid] * 1e-4 - 0.1, rtol=1e-5, atol=1e-7)
    assert not tile.pixels[:, ~tile.valid].any()


def test_nodata_does_not_enter_the_stretch(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200, "uint16")
    pixels[:, :120] = 60_000
    with open_scene(make_scene(tmp_path / "a.tif", pixels=pixels, nodata=60_000), InputSpec()) as scene:
        assert all(high < 5000 for _, high in scene.info.stretch)


def test_a_scene_of_one_value_and_one_of_none_can_be_stretched(tmp_path: Path) -> None:
    flat = make_scene(tmp_path / "a.tif", pixels=np.full((3, 40, 50), 900, np.uint16))
    with open_scene(flat, InputSpec()) as scene:
        assert scene.info.stretch == ((900.0, 901.0),) * 3
        assert not scene.read(Window(0, 0, 40, 50)).pixels.any()
    listener = Listener()
    empty = make_scene(tmp_path / "b.tif", pixels=np.zeros((3, 40, 50), np.uint16), nodata=0)
    with open_scene(empty, InputSpec(), progress=listener):
        assert any("no valid pixel" in words for words in listener.said)


def test_the_sample_is_small_and_spread_over_the_scene() -> None:
    grid = Grid(10**9, 10**9, (256, 256), None)
    windows = list(sample_windows(grid))
    assert len(windows) == 64 and all(w.size_hw == (128, 128) for w in windows)
    assert windows[0].row == 0 and windows[-1].row_end == 10**9
    assert [w.size_hw for w in sample_windows(Grid(3, 5, (3, 5), None))] == [(3, 5)]
    assert sum(w.height * w.width for w in sample_windows(Grid(300, 1024, (64, 64), None))) == 300 * 1024
