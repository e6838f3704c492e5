"""What `segment_scene` and `segment_array` return: tables, rasters and pictures, with or without files of one's own."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray
from model_factory import make_model
from scene_factory import UTM, make_pixels, make_scene

from fctl_geo import OutputSettings, SceneResult, Settings, read_polygons, segment_array, segment_scene
from fctl_geo.errors import OutputError, SceneError, SettingsError
from fctl_geo.settings import EngineSettings, SceneSettings

PLACE = rasterio.Affine(0.3, 0, 500_000, 0, -0.3, 4_600_000)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, to see what is left of them."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def settings_of(model: Path, *outs: Path, **scene: object) -> Settings:
    return Settings(
        model=str(model),
        scene=SceneSettings(**scene),
        engine=EngineSettings(device="cpu", threads=1),
        output=OutputSettings(outs=outs),
    )


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return make_scene(tmp_path / "town.tif", 300, 240, gsd=0.3)


def test_without_outputs_the_products_live_as_long_as_the_result(scene: Path, model: Path, temporary: Path) -> None:
    result = segment_scene(scene, settings_of(model))
    polygons = result.polygons()
    assert len(polygons) > 3 and polygons.crs == UTM and {"class_name", "area_m2"} <= {*polygons.columns}
    with result.classes() as dataset:
        assert dataset.read(1).shape == (240, 300) and dataset.nodata == 255
    assert [path.name for path in temporary.iterdir()] == [result.summary.files[0].parent.name]
    del result, dataset
    gc.collect()
    assert not list(temporary.iterdir())
    assert polygons.area.sum() > 0, "what was read stays"


def test_a_dataset_opened_in_one_line_outlives_its_result(scene: Path, model: Path, temporary: Path) -> None:
    dataset = segment_scene(scene, settings_of(model)).classes()
    gc.collect()
    assert set(np.unique(dataset.read(1))) <= {0, 1, 2}
    assert dataset.tags()["FCTL_MODEL"] == "tiny 0" and dataset.colormap(1)[1] == (214, 69, 65, 255)
    del dataset
    gc.collect()
    assert not list(temporary.iterdir())


def test_a_closed_result_says_that_its_files_are_gone(scene: Path, model: Path, temporary: Path) -> None:
    with segment_scene(scene, settings_of(model)) as result:
        assert result.classes().count == 1
    assert not list(temporary.iterdir())
    with pytest.raises(OutputError) as told:
        result.polygons()
    assert "closed" in told.value.hint
    assert "nothing" in result._repr_html_(), "the table needs no files"


def test_a_failed_run_leaves_no_temporary_files(scene: Path, model: Path, temporary: Path) -> None:
    with pytest.raises(SettingsError):
        segment_scene(scene, Settings.of({"model": str(model), "classes": ("no such class",)}))
    with pytest.raises(SettingsError, match="nothing to resume"):
        segment_scene(scene, Settings(model=str(model), output=OutputSettings(resume=True)))
    with pytest.raises(SceneError):
        segment_array(np.zeros((2, 2, 2, 2)), None, None, settings_of(model))
    assert not list(temporary.iterdir())


def test_named_outputs_are_read_and_kept(
    scene: Path, model: Path, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_of(model, Path("out.tif"), Path("out.parquet"))
    with segment_scene(scene, settings) as result:
        monkeypatch.chdir(temporary)
        assert result.polygons().equals(read_polygons(tmp_path / "out.parquet"))
        assert result.classes().name == str(tmp_path / "out.tif")
    assert (tmp_path / "out.tif").exists() and not list(temporary.iterdir())
    assert settings == settings_of(model, Path("out.tif"), Path("out.parquet"))


def test_a_product_that_was_not_asked_for_is_named(scene: Path, model: Path, tmp_path: Path) -> None:
    only = segment_scene(scene, settings_of(model, tmp_path / "only.tif"))
    with pytest.raises(OutputError, match="no local polygons"):
        only.polygons()
    others = segment_scene(scene, settings_of(model, tmp_path / "only.gpkg"))
    with pytest.raises(OutputError, match="no local class raster") as told:
        others.plot()
    assert "out.tif" in told.value.hint
    assert "<img" not in others._repr_html_() and "<img" in only._repr_html_()


@pytest.mark.parametrize("grid", ["scene", "model"])
def test_the_picture_shows_the_part_of_the_scene_that_was_segmented(tmp_path: Path, model: Path, grid: str) -> None:
    from io import BytesIO

    from PIL import Image

    pixels = np.full((3, 400, 500), 200, np.uint8)
    pixels[:, 200:, 250:] = np.array([10, 240, 30], np.uint8)[:, None, None]  # the part: green
    scene = make_scene(tmp_path / "s.tif", pixels=pixels, gsd=0.2)
    box = (500_000 + 50.4, 4_600_000 - 80, 500_000 + 100, 4_600_000 - 40.4)
    picture = segment_scene(scene, settings_of(model, bbox=box, grid=grid)).plot()
    with Image.open(BytesIO(picture._repr_png_())) as drawn:
        counts = {color: count for count, color in drawn.convert("RGB").getcolors(1 << 22)}
    assert counts[10, 240, 30] > 0.2 * drawn.width * drawn.height and counts.get((200, 200, 200), 0) < 500
    saved = picture.save(tmp_path / "picture.png")
    assert saved.read_bytes() == picture.png


def test_html_is_escaped_and_has_colors_areas_and_warnings(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "<b>town & co.tif", 200, 160, bands=1, gsd=0.3)
    html = segment_scene(scene, settings_of(model))._repr_html_()
    assert "&lt;b&gt;town &amp; co.tif" in html and "<b>town" not in html
    assert "#d64541" in html and "km²" in html and "data:image/png;base64," in html
    assert "Warning: " in html and "one gray band" in html


@pytest.mark.parametrize("nodata", [None, 0])
def test_an_array_gives_the_same_bytes_as_its_file(tmp_path: Path, model: Path, nodata: int | None) -> None:
    pixels = make_pixels(3, 200, 230)
    pixels[:, 50:70, 20:90] = 0
    scene = make_scene(tmp_path / "s.tif", pixels=pixels, gsd=0.3, nodata=nodata)
    of_file, of_array = (tmp_path / "file.tif", tmp_path / "file.gpkg"), (tmp_path / "a.tif", tmp_path / "a.gpkg")
    segment_scene(scene, settings_of(model, *of_file))
    result = segment_array(pixels, PLACE, UTM, settings_of(model, *of_array), nodata=nodata)
    assert of_file[0].read_bytes() == of_array[0].read_bytes()
    assert read_polygons(of_file[1]).equals(result.polygons())
    assert result.summary.nodata_share == pytest.approx(0 if nodata is None else (pixels == 0).all(0).mean())
    assert result.plot().png.startswith(b"\x89PNG"), "the pixels are kept for pictures"


def test_masked_pixels_of_an_array_are_nodata(model: Path) -> None:
    pixels = make_pixels(3, 100, 130)
    hidden = np.zeros((3, 100, 130), bool)
    hidden[1, 20:50, 30:60] = True
    result = segment_array(np.ma.MaskedArray(pixels, hidden), PLACE, UTM, settings_of(model))
    assert ((result.classes().read(1) == 255) == hidden[1]).all()


def test_an_array_from_rioxarray_brings_its_place(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "s.tif", 230, 200, gsd=0.3, nodata=0, holes=True)
    expected = segment_scene(scene, settings_of(model))
    opened = rioxarray.open_rasterio(scene)
    for array in (opened, opened.transpose("y", "x", "band")):
        found = segment_array(array, settings=settings_of(model))
        assert (found.classes().read(1) == expected.classes().read(1)).all()
        assert found.classes().transform == expected.classes().transform and found.classes().crs == UTM
    assert 0.01 < found.summary.nodata_share < 0.5


def test_bands_of_an_array_are_found_by_name(tmp_path: Path) -> None:
    infrared = make_model(tmp_path / "nir.safetensors", bands=("nir", "red", "green"), gsd_m=0.3)
    pixels = make_pixels(4, 120, 120)
    names = ("red", "green", "blue", "nir")
    by_name = segment_array(pixels, PLACE, UTM, settings_of(infrared), band_names=names)
    by_number = segment_array(pixels[[3, 0, 1]], PLACE, UTM, settings_of(infrared, bands=("1", "2", "3")))
    assert (by_name.classes().read(1) == by_number.classes().read(1)).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_fourth_band_of_an_array_is_never_taken_for_alpha(tmp_path: Path, model: Path, dtype: str) -> None:
    pixels = make_pixels(4, 90, 90, dtype)
    pixels[3] = 0
    result = segment_array(pixels, PLACE, UTM, settings_of(model))
    assert result.summary.nodata_share == 0


def test_an_array_without_a_place_is_measured_in_pixels(model: Path) -> None:
    result = segment_array(make_pixels(1, 64, 80)[0], settings=settings_of(model))
    assert result.summary.unit == "px" and sum(c.area for c in result.summary.classes) == 64 * 80


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((40, 50, 3), np.uint8), "moveaxis"),
        (np.zeros((3, 0, 5), np.uint8), "at least one pixel"),
        (np.zeros(7), "(bands, rows, columns)"),
        (np.zeros((3, 5, 5), bool), "astype"),
        (np.zeros((3, 5, 5), np.complex256 if hasattr(np, "complex256") else object), "astype"),
    ],
)
def test_an_array_that_cannot_be_a_scene_is_refused(model: Path, array: np.ndarray, words: str) -> None:
    with pytest.raises(SceneError) as told:
        segment_array(array, PLACE, UTM, settings_of(model))
    assert words in told.value.hint


def test_a_crs_or_nodata_value_that_is_none_is_refused(model: Path) -> None:
    for values in ({"crs": "EPSG:0815"}, {"crs": UTM, "nodata": -9999}):
        with pytest.raises(SceneError, match="cannot become a scene"):
            segment_array(make_pixels(3, 9, 9), PLACE, settings=settings_of(model), **values)
    with pytest.raises(SceneError, match="3 bands, but 1 names"):
        segment_array(make_pixels(3, 9, 9), PLACE, UTM, settings_of(model), band_names=["red"])


def test_the_result_says_what_it_is(scene: Path, model: Path) -> None:
    result = segment_scene(scene, settings_of(model))
    assert isinstance(result, SceneResult) and repr(result).startswith("<SceneResult of town.tif: nothing ")
