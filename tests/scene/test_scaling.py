"""Raw values become the model's, once a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import SceneError
from fctl_geo.progress import Silent
from fctl_geo.scene import open_scene
from fctl_geo.scene.reader import Reader
from fctl_geo.scene.sample import sample_windows
from fctl_geo.scene.scaling import find_fills
from fctl_geo.scene.source import Grid
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
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


def test_nodata_does_not_enter_the_stretch(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200, "uint16")
    pixels[:, :120] = 60_000
    with open_scene(make_scene(tmp_path / "a.tif", pixels=pixels, nodata=60_000), InputSpec()) as scene:
        assert all(high < 5000 for _, high in scene.info.stretch)


def test_a_scene_of_one_value_can_be_stretched(tmp_path: Path) -> None:
    flat = make_scene(tmp_path / "a.tif", pixels=np.full((3, 40, 50), 900, np.uint16))
    with open_scene(flat, InputSpec()) as scene:
        assert scene.info.stretch == ((900.0, 901.0),) * 3
        assert not scene.read(Window(0, 0, 40, 50)).pixels.any()


def test_a_scene_without_data_is_read_as_such_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty tile of a mosaic is no error, but where not all of a scene was looked at, its values are unknown."""
    empty = make_scene(tmp_path / "b.tif", pixels=np.zeros((3, 1500, 1600), np.uint16), nodata=0)
    with open_scene(empty, InputSpec()) as scene:
        assert not scene.read(WHOLE).valid.any()
        (words,) = [words for words in scene.info.warnings if "holds no data" in words]
        assert "b.tif" in words and "--mask none" in words
    with monkeypatch.context() as patch, pytest.raises(SceneError, match=r"b.tif holds no data: all .* are") as caught:
        patch.setattr("fctl_geo.scene.sample._MOST_READ_PX", 1_500_000)
        open_scene(empty, InputSpec())
    assert "--mask none" in caught.value.hint
    with open_scene(empty, InputSpec(), SceneSettings(mask="none")) as scene:
        assert scene.read(WHOLE).valid.all()


def sparse(dtype: str, rows: slice, cols: slice, size: int = 1500) -> np.ndarray:
    """(3, size, size) without data (0, or NaN of floats) but for one rectangle."""
    pixels = (
        np.zeros((3, size, size), dtype) if np.dtype(dtype).kind != "f" else np.full((3, size, size), np.nan, dtype)
    )
    part = pixels[:, rows, cols]
    part[:] = np.random.default_rng(0).integers(1500, 7500, part.shape)
    return pixels


@pytest.mark.parametrize("how", [{"block": 256}, {"tiled": False, "block": 5}, {"overviews": (2,), "block": 256}])
@pytest.mark.parametrize(("dtype", "nodata"), [("uint16", 0), ("float32", None), ("int32", 0)])
@pytest.mark.parametrize(
    ("rows", "cols"),
    [(slice(132, 192), slice(0, 1500)), (slice(0, 1500), slice(1380, 1410)), (slice(900, 940), slice(140, 180))],
)
def test_a_sparse_scene_is_stretched_by_the_data_that_it_has(
    tmp_path: Path, how: dict[str, object], dtype: str, nodata: float | None, rows: slice, cols: slice
) -> None:
    """A strip and an island that lie between the windows sampled first."""
    path = make_scene(tmp_path / "a.tif", pixels=sparse(dtype, rows, cols), nodata=nodata, **how)
    with open_scene(path, InputSpec()) as scene:
        for low, high in scene.info.stretch:
            assert 1500 <= low < 3000 and 6000 < high <= 7500
        assert not any("--mask" in words for words in scene.info.warnings)
        part = scene.read(Window(rows.start, cols.start, 40, 30))
        assert part.valid.all() and 90 < part.pixels.mean() < 165


def test_a_pixel_of_a_sparse_scene_does_not_depend_on_what_is_read_of_it(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", pixels=sparse("uint16", slice(132, 192), slice(0, 1500)), nodata=0, block=64)
    with open_scene(path, InputSpec()) as whole, open_scene(path, InputSpec(), cache_bytes=0) as other:
        assert whole.info.stretch == other.info.stretch
        np.testing.assert_array_equal(
            whole.read(Window(100, 0, 128, 1500)).pixels[:, 60:80, 700:750],
            other.read(Window(160, 700, 20, 50)).pixels,
        )


def test_where_the_scene_holds_next_to_nothing_the_area_of_interest_is_looked_at_first(tmp_path: Path) -> None:
    pixels = sparse("uint16", slice(132, 192), slice(0, 1500))
    pixels[:, 140:190, 200:1200] += 20_000
    path = make_scene(tmp_path / "a.tif", pixels=pixels, nodata=0, crs="EPSG:32633", gsd=1.0)
    box = (500_000.0 + 200, 4_600_000.0 - 190, 500_000.0 + 1200, 4_600_000.0 - 140)
    with open_scene(path, InputSpec(), SceneSettings(bbox=box)) as scene:
        assert all(low >= 21_500 for low, _ in scene.info.stretch)


def test_only_the_first_windows_are_read_where_they_hold_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read_px = make_scene(tmp_path / "a.tif", 1500, 1500, dtype="uint16", block=128), []
    read = Reader.read
    monkeypatch.setattr(Reader, "read", lambda self, w: read_px.append(w.height * w.width) or read(self, w))
    open_scene(path, InputSpec(), SceneSettings(bbox=(500_000.0, 4_599_990.0, 500_010.0, 4_600_000.0))).close()
    assert sum(read_px) == 64 * 128 * 128


@pytest.mark.parametrize(
    ("dtype", "fill", "typed"),
    [
        ("float32", -9999, "-9999"),
        ("float32", np.float32(-3.4028234663852886e38), "-3.4028235e+38"),
        ("float64", 1e20, "1e+20"),
        ("int16", -32768, "-32768"),
        ("uint16", 65535, "65535"),
    ],
)
def test_an_undeclared_nodata_value_is_told_and_stays_out_of_the_stretch(
    tmp_path: Path, dtype: str, fill: float, typed: str
) -> None:
    pixels = make_pixels(3, 160, 200, dtype)
    plain = [np.percentile(band[:, 50:].astype(float), (2, 98)) for band in pixels]
    pixels[:, :, :50] = fill
    path = make_scene(tmp_path / "a.tif", pixels=pixels)
    with open_scene(path, InputSpec()) as scene:
        np.testing.assert_allclose(scene.info.stretch, plain, rtol=1e-6)
        (words,) = [words for words in scene.info.warnings if "--mask nodata=" in words]
        assert words.startswith("25 % of the sampled pixels") and words.endswith(f"--mask nodata={typed}")
    with open_scene(path, InputSpec(), SceneSettings(mask=f"nodata={typed}")) as scene:
        np.testing.assert_allclose(scene.info.stretch, plain, rtol=1e-6)
        assert not any("--mask" in words for words in scene.info.warnings)
        valid = scene.read(WHOLE).valid
        assert valid[:, 50:].all() and not valid[:, :50].any()


def test_several_undeclared_nodata_values_are_told_and_stay_out_of_the_stretch(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200, "float32")
    plain = [np.percentile(band[:, 80:].astype(float), (2, 98)) for band in pixels]
    pixels[:, :, :50], pixels[:, :, 50:80] = -9999, -3.4e38
    with open_scene(make_scene(tmp_path / "a.tif", pixels=pixels), InputSpec()) as scene:
        np.testing.assert_allclose(scene.info.stretch, plain, rtol=1e-6)
        told = [words for words in scene.info.warnings if "--mask nodata=" in words]
    assert [words.split(" have")[0] for words in told] == ["15 % of the sampled pixels", "25 % of the sampled pixels"]
    assert "-9999" in told[1] and "the others -" not in told[0]


def test_undeclared_nodata_between_which_the_data_hides_is_seen_through(tmp_path: Path) -> None:
    pixels = sparse("float32", slice(132, 192), slice(0, 1500))
    path = make_scene(tmp_path / "a.tif", pixels=np.nan_to_num(pixels, nan=-9999.0), block=256)
    with open_scene(path, InputSpec()) as scene:
        assert all(1500 <= low < 3000 and 6000 < high <= 7500 for low, high in scene.info.stretch)
        assert any("--mask nodata=-9999" in words for words in scene.info.warnings)


def test_a_black_surrounding_that_most_of_a_scene_is_stays_out_of_the_stretch(tmp_path: Path) -> None:
    pixels = np.nan_to_num(sparse("uint16", slice(0, 400), slice(0, 1500)))
    with open_scene(make_scene(tmp_path / "a.tif", pixels=pixels), InputSpec()) as scene:
        assert all(low >= 1500 for low, _ in scene.info.stretch)
        assert any("--mask nodata=0" in words for words in scene.info.warnings)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32 - 1), st.floats(1.0, 1e4), st.sampled_from(["normal", "uniform", "clipped"]))
def test_a_picture_has_no_undeclared_nodata(seed: int, spread: float, kind: str) -> None:
    """Also one whose brightest tenth is clipped."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, spread, 4000) if kind != "uniform" else rng.uniform(-spread, spread, 4000)
    if kind == "clipped":
        values = np.minimum(values, np.percentile(values, 90))
    assert find_fills(values)[0] == ()


def test_the_sample_is_small_and_spread_over_the_scene() -> None:
    grid = Grid(10**9, 10**9, (256, 256), None)
    windows = list(sample_windows(grid))
    assert len(windows) == 64 and all(w.size_hw == (128, 128) for w in windows)
    assert windows[0].row == 0 and windows[-1].row_end == 10**9
    assert [w.size_hw for w in sample_windows(Grid(3, 5, (3, 5), None))] == [(3, 5)]
    assert sum(w.height * w.width for w in sample_windows(Grid(300, 1024, (64, 64), None))) == 300 * 1024
