"""Which bands are read, and what is said when they are not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import BandError
from fctl_geo.scene import describe_scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

RGB, RGBN, GRAY = InputSpec(), InputSpec(bands=("red", "green", "blue", "nir")), InputSpec(bands=("gray",))
CORNER = Window(0, 0, 5, 7)


def numbers_read(
    path: Path, spec: InputSpec, bands: tuple[str, ...] | None = None
) -> tuple[list[int], tuple[str, ...]]:
    """Band numbers as chosen and the warnings; and the pixels are those bands, in that order."""
    with open_scene(path, spec, SceneSettings(bands=bands)) as scene:
        tile = scene.read(CORNER)
        numbers = [band.number for band in scene.info.bands]
        written = make_pixels(max(5, *numbers), 160, 200)
        np.testing.assert_array_equal(tile.pixels, written[[n - 1 for n in numbers], :5, :7])
        return numbers, scene.info.warnings


@pytest.mark.parametrize(
    ("colors", "spec", "numbers"),
    [
        (["red", "green", "blue"], RGB, [1, 2, 3]),
        (["blue", "green", "red"], RGB, [3, 2, 1]),
        (["blue", "green", "red", "nir"], RGBN, [3, 2, 1, 4]),
        (["nir", "red", "green", "blue"], RGB, [2, 3, 4]),
        (["gray"], GRAY, [1]),
    ],
)
def test_color_interpretation_finds_the_bands(
    tmp_path: Path, colors: list[str], spec: InputSpec, numbers: list[int]
) -> None:
    assert numbers_read(make_scene(tmp_path / "a.tif", bands=len(colors), colors=colors), spec) == (numbers, ())


def test_descriptions_name_the_bands_that_colors_do_not(tmp_path: Path) -> None:
    names = ["Blue", "Green", "Red", "Near Infrared"]
    path = make_scene(tmp_path / "a.tif", bands=4, colors=["gray", *["undefined"] * 3], names=names)
    assert numbers_read(path, RGBN) == ([3, 2, 1, 4], ())


def test_a_fourth_nameless_band_beside_red_green_blue_is_near_infrared(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", bands=4, colors=["red", "green", "blue", "undefined"])
    numbers, warnings = numbers_read(path, RGBN)
    assert numbers == [1, 2, 3, 4]
    assert "band 4 has no name and is assumed to be near infrared" in warnings[0]


def test_a_file_without_colors_gives_its_first_bands_and_says_so(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", bands=5, colors=["gray", *["undefined"] * 4])
    numbers, warnings = numbers_read(path, RGB)
    assert numbers == [1, 2, 3]
    assert "the first bands are used: red = 1, green = 2, blue = 3" in warnings[0]


def test_one_gray_band_is_repeated_and_says_so(tmp_path: Path) -> None:
    numbers, warnings = numbers_read(make_scene(tmp_path / "a.tif", bands=1), RGB)
    assert numbers == [1, 1, 1]
    assert "one gray band, the model needs 3" in warnings[0]


@pytest.mark.parametrize(("chosen", "numbers"), [(("3", "1", "2"), [3, 1, 2]), (("blue", "4", "red"), [3, 4, 1])])
def test_bands_are_chosen_by_number_or_name(tmp_path: Path, chosen: tuple[str, ...], numbers: list[int]) -> None:
    path = make_scene(tmp_path / "a.tif", bands=4, colors=["red", "green", "blue", "nir"])
    assert numbers_read(path, RGB, chosen) == (numbers, ())


@pytest.mark.parametrize(
    ("spec", "chosen", "words"),
    [
        (RGBN, None, "a.tif has 3 bands (red, green, blue), the model needs 4 (red, green, blue, nir): missing nir"),
        (RGB, ("1", "2"), "2 bands chosen (1, 2), the model needs 3 (red, green, blue)"),
        (RGB, ("1", "2", "9"), "band 9 was chosen, but a.tif has 3 bands"),
        (RGB, ("0", "1", "2"), "band 0 was chosen"),
        (RGB, ("1", "2", "swir"), "a.tif has no band called 'swir'"),
        (InputSpec(bands=("gray",)), None, "missing gray"),
    ],
)
def test_bands_that_are_not_there_are_told_with_both_sides(
    tmp_path: Path, spec: InputSpec, chosen: tuple[str, ...] | None, words: str
) -> None:
    with pytest.raises(BandError) as error:
        open_scene(make_scene(tmp_path / "a.tif"), spec, SceneSettings(bands=chosen))
    assert words in str(error.value)
    assert error.value.hint


def test_a_palette_becomes_its_colors(tmp_path: Path) -> None:
    values = np.arange(240, dtype=np.uint8).reshape(1, 12, 20) % 4
    palette = {0: (0, 0, 0, 0), 1: (200, 10, 20, 255), 2: (30, 160, 40, 255), 3: (0, 0, 0, 255)}
    path = make_scene(tmp_path / "a.tif", pixels=values, colors=["palette"], palette=palette, photometric="PALETTE")
    with open_scene(path, RGB) as scene:
        tile = scene.read(Window(0, 0, 12, 20))
    clear = values[0] == 0
    assert [b.name for b in scene.info.bands] == ["red", "green", "blue"]
    np.testing.assert_array_equal(tile.pixels[:, ~clear], np.array([palette[v][:3] for v in values[0][~clear]]).T)
    if scene.info.mask == "palette":  # a TIFF forgets the palette's alpha; other formats keep it
        assert not tile.valid[clear].any()


def test_a_palette_is_expanded_before_it_is_averaged(tmp_path: Path) -> None:
    values = np.array([[[1, 2], [1, 2]]], np.uint8)
    palette = {1: (200, 0, 0, 255), 2: (0, 100, 0, 255)}
    path = make_scene(tmp_path / "a.tif", pixels=values, block=16, palette=palette, photometric="PALETTE")
    with open_scene(path, RGB) as scene:
        assert scene.read(Window(0, 0, 1, 1), 2).pixels.ravel().tolist() == [100, 50, 0]


def test_a_palette_image_has_no_near_infrared(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", bands=1, palette={1: (1, 2, 3, 255)}, photometric="PALETTE")
    with pytest.raises(BandError, match="palette image"):
        open_scene(path, RGBN)


def test_a_description_lists_every_band_without_a_model(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", bands=4, colors=["blue", "green", "red", "nir"])
    assert [band.name for band in describe_scene(path).bands] == ["blue", "green", "red", "nir"]


@pytest.mark.parametrize(
    "colors", [["Y", "Cb", "Cr"], ["cyan", "magenta", "yellow", "black"], ["hue", "saturation", "lightness"]]
)
def test_tags_of_other_colors_are_told_as_what_they_are(tmp_path: Path, colors: list[str]) -> None:
    path = make_scene(tmp_path / "a.tif", bands=len(colors), colors=colors)
    _, (words,) = numbers_read(path, RGB)
    assert words.startswith(f"the scene's bands are tagged as {', '.join(colors)}, not as red, green and blue")


def test_a_band_that_is_stored_as_its_negative_is_refused(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", bands=4, colors=["red", "green", "blue", "nir"])
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (2.0, -1.0, 1.0, 1.0), (0.0, 255.0, 0.0, 0.0)
    with pytest.raises(
        BandError, match=r"band 2 of a.tif is stored as its negative: its scale tag is -1, its offset 255"
    ) as caught:
        open_scene(path, RGB)
    assert "gdal_translate -unscale" in caught.value.hint
    assert any("stored as its negative" in words for words in describe_scene(path).warnings)
    assert numbers_read(path, RGB, ("1", "3", "4"))[0] == [1, 3, 4]
