"""What counts as data, against GDAL's own dataset mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import SceneError, SettingsError
from fctl_geo.scene import describe_scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

RGB, WHOLE = InputSpec(), Window(0, 0, 160, 200)
HALF = np.zeros((160, 200), bool)
HALF[:, 70:] = True


def validity(path: Path) -> tuple[np.ndarray, str]:
    with open_scene(path, RGB) as scene:
        return scene.read(WHOLE).valid, scene.info.mask


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({}, "none"),
        ({"nodata": 7, "holes": True}, "nodata"),
        ({"mask": HALF}, "mask band"),
        ({"mask": HALF, "mask_outside": True}, ".msk"),
        ({"alpha": HALF * 255}, "alpha"),
        ({"dtype": "uint16", "alpha": HALF * 65535}, "alpha"),
        ({"dtype": "float32", "nodata": -3.4028234663852886e38, "holes": True}, "nodata + nan"),
        ({"dtype": "float32", "nodata": float("nan"), "holes": True}, "nodata + nan"),
        ({"dtype": "int16", "nodata": -9999, "holes": True, "compress": None}, "nodata"),
    ],
)
def test_validity_is_gdals_dataset_mask(tmp_path: Path, how: dict[str, object], kind: str) -> None:
    path = make_scene(tmp_path / "a.tif", **how)
    valid, told = validity(path)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(valid, dataset.dataset_mask() > 0)
    assert told == kind
    assert describe_scene(path).mask == kind


def test_black_in_one_band_is_not_nodata(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200)
    pixels[0, :50] = 0
    pixels[:, 100:] = 0
    valid, _ = validity(make_scene(tmp_path / "a.tif", pixels=pixels, nodata=0))
    assert valid[:100].all() and not valid[100:].any()


def test_nan_in_any_band_is_invalid_without_a_nodata_value(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200, "float32")
    pixels[1, 3, 4], pixels[2, 5, 6] = np.nan, np.inf
    valid, kind = validity(make_scene(tmp_path / "a.tif", pixels=pixels))
    assert kind == "nan"
    assert np.argwhere(~valid).tolist() == [[3, 4], [5, 6]]


def test_every_mask_may_take_pixels_away(tmp_path: Path) -> None:
    alpha = np.full((160, 200), 255, np.uint8)
    alpha[:30] = 0
    pixels = make_pixels(3, 160, 200)
    pixels[:, 130:] = 0
    path = make_scene(tmp_path / "a.tif", pixels=pixels, nodata=0, alpha=alpha)
    valid, kind = validity(path)
    assert kind == "nodata + alpha"
    assert not valid[:30].any() and valid[30:130].all() and not valid[130:].any()


def test_near_infrared_that_is_tagged_as_alpha_is_a_band(tmp_path: Path) -> None:
    near_infrared = make_pixels(1, 160, 200, seed=5)[0]
    path = make_scene(tmp_path / "a.tif", alpha=near_infrared)
    with open_scene(path, InputSpec(bands=("red", "green", "blue", "nir"))) as scene:
        tile = scene.read(WHOLE)
        assert scene.info.mask == "none"
        assert any("tagged as alpha" in words for words in scene.info.warnings)
    np.testing.assert_array_equal(tile.pixels[3], near_infrared)
    assert tile.valid.all()
    assert describe_scene(path).bands[3].name == "nir"


@pytest.mark.parametrize("opaque", [np.ones((160, 200)) * 255, np.ones((160, 200)), np.zeros((160, 200)), HALF * 255])
def test_flat_or_two_valued_alpha_is_alpha(tmp_path: Path, opaque: np.ndarray) -> None:
    valid, kind = validity(make_scene(tmp_path / "a.tif", alpha=opaque))
    assert kind == "alpha"
    np.testing.assert_array_equal(valid, opaque > 0)


def test_jpegs_smear_in_alpha_is_no_data(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200) * HALF
    path = make_scene(tmp_path / "a.tif", pixels=pixels, alpha=HALF * 255, compress="jpeg", JPEG_QUALITY=50)
    valid, _ = validity(path)
    np.testing.assert_array_equal(valid, HALF)


def test_overviews_made_before_the_mask_are_not_used(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", overviews=(2,))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(HALF)
    with open_scene(path, RGB) as scene:
        assert any("overviews predate the scene's mask" in words for words in scene.info.warnings)
        valid = scene.read(Window(0, 0, 80, 100), 2).valid
    np.testing.assert_array_equal(valid, HALF[::2, ::2])


def test_overviews_made_after_the_mask_are_used(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", mask=HALF)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2], Resampling.average)
    with open_scene(path, RGB) as scene:
        assert scene._level(2).source == 1
        np.testing.assert_array_equal(scene.read(Window(0, 0, 80, 100), 2).valid, HALF[::2, ::2])


def test_an_all_nodata_scene_has_no_valid_pixel(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", pixels=np.zeros((3, 160, 200), np.uint8), nodata=0)
    valid, _ = validity(path)
    assert not valid.any()


@pytest.mark.parametrize("water", ["noisy", "zero"])
def test_near_infrared_over_water_that_is_tagged_as_alpha_is_a_band(tmp_path: Path, water: str) -> None:
    """Nine tenths of it are as dark as clear pixels; the land tells."""
    near_infrared = np.random.default_rng(0).integers(60, 250, (160, 200)).astype(np.uint8)
    near_infrared[:, :180] = np.random.default_rng(1).integers(0, 8, (160, 180)) if water == "noisy" else 0
    path = make_scene(tmp_path / "a.tif", alpha=near_infrared)
    valid, kind = validity(path)
    assert kind == "none" and valid.all()
    with open_scene(path, InputSpec(bands=("red", "green", "blue", "nir"))) as scene:
        np.testing.assert_array_equal(scene.read(WHOLE).pixels[3], near_infrared)


def test_alpha_with_soft_edges_is_alpha(tmp_path: Path) -> None:
    cols = np.arange(200)
    alpha = np.clip((cols - 60) * 16, 0, 255).astype(np.uint8) * np.ones((160, 1), np.uint8)
    assert validity(make_scene(tmp_path / "a.tif", alpha=alpha))[1] == "alpha"


def masked(tmp_path: Path, said: str, **how: object) -> tuple[np.ndarray, str]:
    """Validity and its kind of a scene with nodata 7, a mask band or an alpha band, as the user says of it."""
    with open_scene(make_scene(tmp_path / "a.tif", **how), RGB, SceneSettings(mask=said)) as scene:
        return scene.read(WHOLE).valid, scene.info.mask


@pytest.mark.parametrize(
    "how",
    [
        {"nodata": 7, "holes": True},
        {"mask": HALF},
        {"mask": HALF, "mask_outside": True},
        {"alpha": HALF * 255},
        {"dtype": "uint16", "nodata": 7, "holes": True},
    ],
)
def test_mask_none_makes_every_pixel_data(tmp_path: Path, how: dict[str, object]) -> None:
    valid, kind = masked(tmp_path, "none", **how)
    assert kind == "none" and valid.all()


def test_mask_none_leaves_nan_out(tmp_path: Path) -> None:
    pixels = make_pixels(3, 160, 200, "float32")
    pixels[1, 3, 4] = np.nan
    valid, kind = masked(tmp_path, "none", pixels=pixels, nodata=0.5)
    assert kind == "nan" and np.argwhere(~valid).tolist() == [[3, 4]]


def test_mask_alpha_believes_the_alpha_band_and_it_alone(tmp_path: Path) -> None:
    """Even one that looks like a picture; nodata is not asked."""
    alpha = make_pixels(1, 160, 200, seed=5)[0]
    alpha[:, :30] = 0
    valid, kind = masked(tmp_path, "alpha", alpha=alpha, nodata=100)
    assert kind == "alpha"
    np.testing.assert_array_equal(valid, alpha > 0)
    with pytest.raises(SceneError, match="no band tagged as alpha"):
        masked(tmp_path, "alpha")


def test_mask_none_takes_the_alpha_band_for_near_infrared(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", alpha=HALF * 255)
    with open_scene(path, InputSpec(bands=("red", "green", "blue", "nir")), SceneSettings(mask="none")) as scene:
        np.testing.assert_array_equal(scene.read(WHOLE).pixels[3], HALF * 255)
        assert not scene.info.warnings


@pytest.mark.parametrize("declared", [None, 7])
def test_mask_nodata_says_which_value_is_no_data_instead_of_the_file(tmp_path: Path, declared: int | None) -> None:
    pixels = make_pixels(3, 160, 200)
    pixels[:, :40], pixels[:, 50:60], pixels[0, 70:80] = 9, 7, 9
    valid, kind = masked(tmp_path, "nodata=9", pixels=pixels, nodata=declared)
    assert kind == "nodata"
    np.testing.assert_array_equal(valid, ~(pixels == 9).all(axis=0))


@pytest.mark.parametrize("value", ["-9999", "256", "0.5", "nan"])
def test_a_nodata_value_that_the_file_cannot_hold_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SceneError, match=r"uint8 values .0 to 255., which are never"):
        masked(tmp_path, f"nodata={value}")


@pytest.mark.parametrize("mask", ["", "nodata", "nodata=", "nodata=x", "Alpha"])
def test_another_word_for_the_mask_is_refused(mask: str) -> None:
    with pytest.raises(SettingsError, match="mask is") as caught:
        SceneSettings(mask=mask)
    assert "nodata=VALUE" in caught.value.hint
