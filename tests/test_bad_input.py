"""What goes wrong is told in a sentence with a hint, and nothing is left half-written."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
from model_factory import make_model
from scene_factory import make_scene
from shapely.geometry import box

from fctl_geo import Settings, refine_raster, segment_scene
from fctl_geo.errors import (
    AoiError,
    BandError,
    FctlError,
    ModelFileError,
    OutputError,
    ReadError,
    SceneError,
    SettingsError,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return make_scene(tmp_path / "scene.tif", 300, 300, gsd=0.3)


def refused(scene: Path, out: Path, model: Path | str, **settings: object) -> FctlError:
    """The error of a run; makes sure that the run left nothing in the output's folder."""
    before = sorted(p.name for p in out.parent.iterdir()) if out.parent.is_dir() else None
    with pytest.raises(FctlError) as caught:
        segment_scene(scene, Settings.of({"model": str(model), "outs": (out,), **settings}))
    if before is not None:
        assert sorted(p.name for p in out.parent.iterdir()) == before
    assert caught.value.hint, f"no hint: {caught.value}"
    return caught.value


def test_a_missing_scene(tmp_path: Path, model: Path) -> None:
    error = refused(tmp_path / "nowhere.tif", tmp_path / "out.gpkg", model)
    assert isinstance(error, SceneError) and "nowhere.tif" in error.message


def test_a_folder_instead_of_a_scene(tmp_path: Path, model: Path) -> None:
    error = refused(tmp_path, tmp_path / "out.gpkg", model)
    assert isinstance(error, SceneError) and "folder" in error.message


def test_a_text_file_that_calls_itself_tif(tmp_path: Path, model: Path) -> None:
    (tmp_path / "text.tif").write_text("hello")
    error = refused(tmp_path / "text.tif", tmp_path / "out.gpkg", model)
    assert isinstance(error, SceneError) and "text.tif" in error.message


def test_a_truncated_scene_names_its_block(tmp_path: Path, scene: Path, model: Path) -> None:
    content = scene.read_bytes()
    scene.write_bytes(content[: len(content) * 2 // 3])
    error = refused(scene, tmp_path / "out.gpkg", model)
    assert isinstance(error, ReadError) and "block" in error.message


def test_too_few_bands_names_both_numbers(tmp_path: Path, scene: Path) -> None:
    four = make_model(tmp_path / "four.safetensors", bands=("red", "green", "blue", "nir"))
    error = refused(scene, tmp_path / "out.gpkg", four)
    assert isinstance(error, BandError) and "3 bands" in error.message and "4" in error.message
    assert "--bands" in error.hint


def test_a_model_file_that_is_none(tmp_path: Path, scene: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"PK\x03\x04 not one")
    error = refused(scene, tmp_path / "out.gpkg", tmp_path / "model.pth")
    assert isinstance(error, ModelFileError) and "model.pth is not a model file" in error.message


def test_a_model_that_does_not_exist(tmp_path: Path, scene: Path) -> None:
    error = refused(scene, tmp_path / "out.gpkg", "roofs")
    assert isinstance(error, ModelFileError) and "'roofs'" in error.message


def test_an_output_folder_that_does_not_exist(tmp_path: Path, scene: Path, model: Path) -> None:
    error = refused(scene, tmp_path / "no" / "out.gpkg", model)
    assert isinstance(error, OutputError) and "does not exist" in error.message


def test_an_output_folder_that_is_read_only(scene: Path, model: Path, disk_of: Callable[..., Path]) -> None:
    error = refused(scene, disk_of("1m", "ro") / "out.gpkg", model)
    assert isinstance(error, OutputError) and "cannot be written" in error.message


def test_an_output_that_exists(tmp_path: Path, scene: Path, model: Path) -> None:
    (tmp_path / "out.gpkg").write_bytes(b"mine")
    error = refused(scene, tmp_path / "out.gpkg", model)
    assert isinstance(error, OutputError) and "--overwrite" in error.hint
    assert (tmp_path / "out.gpkg").read_bytes() == b"mine"


def test_a_product_that_nobody_makes(tmp_path: Path, scene: Path, model: Path) -> None:
    error = refused(scene, tmp_path / "out.dxf", model)
    assert isinstance(error, OutputError) and ".gpkg" in error.message + error.hint


@pytest.mark.parametrize("ending", [".tif", ".gpkg", ".fgb"])
def test_a_full_disk(tmp_path: Path, model: Path, disk_of: Callable[..., Path], ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 1200, 1200), np.uint8)
    scene = make_scene(tmp_path / "noise.tif", pixels=noise, gsd=0.3)
    error = refused(scene, disk_of("48k") / f"out{ending}", model)
    assert isinstance(error, OutputError) and "disk full" in error.message


def test_an_area_of_interest_that_misses_the_scene(tmp_path: Path, scene: Path, model: Path) -> None:
    aoi = tmp_path / "aoi.gpkg"
    geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="EPSG:4326").to_file(aoi)
    error = refused(scene, tmp_path / "out.gpkg", model, aoi=aoi)
    assert isinstance(error, AoiError) and "aoi.gpkg misses the scene" in error.message


def test_a_device_that_is_not_there(tmp_path: Path, scene: Path, model: Path) -> None:
    assert "cuda:7" in refused(scene, tmp_path / "out.gpkg", model, device="cuda:7").message


def test_a_header_that_declares_a_quintillion_pixels_is_refused_at_once(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    band = (
        '<VRTRasterBand dataType="Byte" band="{}"><SimpleSource><SourceFilename relativeToVRT="1">scene.tif'
        "</SourceFilename><SourceBand>{}</SourceBand></SimpleSource></VRTRasterBand>"
    )
    bands = "".join(band.format(n, n) for n in (1, 2, 3))
    huge = tmp_path / "huge.vrt"
    huge.write_text(f'<VRTDataset rasterXSize="1000000000" rasterYSize="1000000000">{bands}</VRTDataset>')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = refused(huge, tmp_path / "out.gpkg", model)
    assert isinstance(error, SceneError) and "1,000,000,000 x 1,000,000,000 pixels" in error.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(FctlError, match="'overlapp'"):
        Settings.of({"overlapp": 3})


@pytest.mark.parametrize("what", ["scene", "aoi"])
def test_an_output_that_is_an_input_is_refused_even_to_overwrite(
    tmp_path: Path, scene: Path, model: Path, what: str
) -> None:
    area = tmp_path / "area.gpkg"
    geopandas.GeoDataFrame(geometry=[box(0, 0, 1e7, 1e7)], crs="EPSG:32633").to_file(area)
    (tmp_path / "link").symlink_to(tmp_path)
    out = tmp_path / "link" / (scene.name if what == "scene" else area.name)
    before = out.read_bytes()
    error = refused(scene, out, model, aoi=area, overwrite=True)
    assert isinstance(error, OutputError) and "is also an input" in error.message
    assert out.read_bytes() == before


def test_a_class_raster_is_not_refined_into_itself(tmp_path: Path, model: Path) -> None:
    classes = make_scene(tmp_path / "classes.tif", pixels=np.zeros((1, 20, 20), np.uint8), gsd=0.3)
    before = classes.read_bytes()
    with pytest.raises(OutputError, match="is also an input"):
        refine_raster(classes, classes, model=str(model), overwrite=True)
    assert classes.read_bytes() == before


def test_a_class_that_the_model_does_not_have_is_refused_before_the_work(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    error = refused(scene, tmp_path / "out.gpkg", model, classes=("wood",))
    assert isinstance(error, SettingsError) and "'wood'" in error.message and "nothing, a, b" in error.hint


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0])
@pytest.mark.parametrize("name", ["min_area_m2", "simplify_m"])
def test_an_area_or_length_that_is_none(name: str, value: float) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.of({name: value})
    assert f" is {value}" in caught.value.message and "at least 0" in caught.value.hint
