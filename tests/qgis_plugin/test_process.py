"""The algorithms through `qgis_process`, from the zip in a fresh profile, against the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from real_qgis import PYTHON, Qgis, command_line, engines_that_name
from scene_factory import make_scene
from shapely.geometry import box
from training_factory import make_labeled_scene, make_squares, polygons_of

pytestmark = pytest.mark.qgis

SIDECARS = ("out.tif", "out.tif.aux.xml", "out.qml", "out.gpkg")


def same_files(mine: Path, theirs: Path, names: tuple[str, ...] = SIDECARS) -> None:
    for name in names:
        assert (mine / name).read_bytes() == (theirs / name).read_bytes(), f"{name} differs"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """One for QGIS's results, one for the command line's."""
    mine, theirs = tmp_path / "in QGIS", tmp_path / "terminal"
    mine.mkdir()
    theirs.mkdir()
    return mine, theirs


def test_every_algorithm_is_listed_with_help(qgis: Qgis) -> None:
    listed = qgis.process("list").text
    for name in ("segmentraster", "segmentfolder", "refineclasses", "polygoniseclasses", "trainmodel", "evaluatemodel"):
        assert f"fctl:{name}" in listed
    said = qgis.process("help", "fctl:segmentraster").text
    for words in (
        "INPUT: Image",
        "OUTPUT",
        "OUTPUT_POLYGONS",
        "OUTPUT_CONFIDENCE",
        "Everything outside becomes nodata",
    ):
        assert words in said


def test_segmenting_gives_the_command_lines_bytes(
    qgis: Qgis, scene: Path, model: Path, folders: tuple[Path, Path]
) -> None:
    mine, theirs = folders
    said = qgis.run(
        "segmentraster", INPUT=scene, MODEL=model, OUTPUT=mine / "out.tif", OUTPUT_POLYGONS=mine / "out.gpkg",
        OUTPUT_CONFIDENCE=mine / "sure.tif", OUTPUT_REPORT=mine / "report.html", MIN_AREA=2, SIMPLIFY=0.5, SQUARE="off",
        DEVICE="cpu", THREADS=1,
    )  # fmt: skip
    command_line(
        "segment", scene, "--model", model, "--out", theirs / "out.tif", "--out", theirs / "out.gpkg",
        "--confidence", theirs / "sure.tif", "--min-area", 2, "--simplify", 0.5, "--device", "cpu", "--threads", 1,
    )  # fmt: skip
    same_files(mine, theirs, (*SIDECARS, "sure.tif"))
    assert said.results["OUTPUT"] == str(mine / "out.tif")
    assert said.results["OUTPUT_REPORT"] == str(mine / "report.html") and (mine / "report.html").exists()
    assert {c["name"] for c in json.loads(said.results["SUMMARY"])["classes"]} == {"nothing", "a", "b"}
    assert "m²" in said.text and "100 - done" in said.text


def test_extent_and_area_of_interest_are_the_command_lines(
    qgis: Qgis, scene: Path, model: Path, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    mine, theirs = folders
    with rasterio.open(scene) as dataset:
        west, _, east, north = dataset.bounds
        crs = dataset.crs
    aoi = tmp_path / "area.gpkg"
    shape = box(west + 10.3, north - 120, east - 30, north - 7.7).difference(
        box(west, north - 50, west + 60, north - 30)
    )
    geopandas.GeoDataFrame(geometry=[shape], crs=crs).to_crs(4326).to_file(aoi)
    corners = (west + 20, north - 100, east - 50, north - 20)
    qgis.run(
        "segmentraster", INPUT=scene, MODEL=model, OUTPUT=mine / "out.tif", OUTPUT_POLYGONS=mine / "out.gpkg",
        AOI=aoi, EXTENT=f"{corners[0]},{corners[2]},{corners[1]},{corners[3]}", DEVICE="cpu", THREADS=1,
    )  # fmt: skip
    command_line(
        "segment", scene, "--model", model, "--out", theirs / "out.tif", "--out", theirs / "out.gpkg", "--aoi", aoi,
        "--bbox", *corners, "--device", "cpu", "--threads", 1,
    )  # fmt: skip
    same_files(mine, theirs)
    with rasterio.open(mine / "out.tif") as dataset:
        assert 0 < (dataset.read(1) != 255).sum() < 260 * 160, "the area has a hole inside the extent's pixels"


def test_refining_and_polygonising_give_the_command_lines_bytes(
    qgis: Qgis, scene: Path, model: Path, folders: tuple[Path, Path]
) -> None:
    mine, theirs = folders
    crude = theirs / "crude.tif"
    command_line("segment", scene, "--model", model, "--out", crude, "--device", "cpu", "--threads", 1)
    qgis.run("refineclasses", INPUT=crude, MODEL=model, OUTPUT=mine / "out.tif", DEVICE="cpu", THREADS=1)
    command_line("refine", crude, "--model", model, "--out", theirs / "out.tif", "--device", "cpu", "--threads", 1)
    said = qgis.run("polygoniseclasses", INPUT=mine / "out.tif", OUTPUT=mine / "out.gpkg", MIN_AREA=3, CLASSES="a,b")
    command_line("polygonise", mine / "out.tif", "--out", theirs / "out.gpkg", "--min-area", 3, "--classes", "a,b")
    same_files(mine, theirs)
    assert int(said.results["COUNT"]) == len(geopandas.read_file(theirs / "out.gpkg", layer="out")) > 0


def test_a_folder_goes_through_though_one_image_is_broken(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "results"
    images.mkdir()
    for seed in (1, 2):
        make_scene(images / f"tile {seed}.tif", 150, 150, gsd=0.5, seed=seed)
    (images / "broken.tif").write_text("no raster")
    said = qgis.run("segmentfolder", INPUT=images, MODEL=model, OUTPUT=out, FORMATS="gpkg,tif", DEVICE="cpu", THREADS=1)
    assert (said.results["DONE"], said.results["FAILED"]) == ("2", "1")
    failures = [line for line in said.text.splitlines() if "broken" in line and "SUMMARY" not in line]
    assert failures and not [line for line in failures if re.search(r"\d\.\d{5}", line)], "no raw seconds"
    assert "broken" in said.text and {p.name for p in out.glob("*.gpkg")} == {"tile 1.gpkg", "tile 2.gpkg"}
    again = qgis.run(
        "segmentfolder", INPUT=images, MODEL=model, OUTPUT=out, FORMATS="gpkg,tif", DEVICE="cpu", THREADS=1
    )
    assert "2 unchanged since an earlier run" in again.text


def test_a_model_of_the_model_designer_runs(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    designed = tmp_path / "designed.model3"
    qgis.script(
        """
model = QgsProcessingModelAlgorithm("From image to refined polygons", "tests")
model.setName("designed")
raster = QgsProcessingModelParameter("image")
model.addModelParameter(QgsProcessingParameterRasterLayer("image", "Image"), raster)
def child(name, values):
    made = QgsProcessingModelChildAlgorithm("fctl:" + name)
    made.setChildId(name)
    for key, value in values.items():
        made.addParameterSources(key, [value])
    return made
static = QgsProcessingModelChildParameterSource.fromStaticValue
common = {"MODEL": static(model_file), "DEVICE": static("cpu"), "THREADS": static(1)}
model.addChildAlgorithm(child("segmentraster", {
    "INPUT": QgsProcessingModelChildParameterSource.fromModelParameter("image"), **common}))
model.addChildAlgorithm(child("refineclasses", {
    "INPUT": QgsProcessingModelChildParameterSource.fromChildOutput("segmentraster", "OUTPUT"), **common}))
last = child("polygoniseclasses", {
    "INPUT": QgsProcessingModelChildParameterSource.fromChildOutput("refineclasses", "OUTPUT")})
output = QgsProcessingModelOutput("Polygons")
output.setChildId("polygoniseclasses")
output.setChildOutputName("OUTPUT")
last.setModelOutputs({"Polygons": output})
model.addChildAlgorithm(last)
model.updateDestinationParameters()
answer = model.toFile(path)
""",
        tmp=tmp_path, model_file=model, path=designed,
    )  # fmt: skip
    out = tmp_path / "out.gpkg"
    said = qgis.run(str(designed), image=scene, **{"polygoniseclasses:Polygons": out}, fine=False)
    assert said.code == 0, said.text
    assert set(geopandas.read_file(out, layer="out")["class_name"]) <= {"a", "b"}


# What goes wrong, in sentences that say what to do.


def test_a_missing_engine_is_told(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    given = {"INPUT": scene, "MODEL": model, "OUTPUT": tmp_path / "out.tif"}
    said = qgis.without_engine().run("segmentraster", fine=False, **given)
    assert said.code != 0 and "The engine has not been set up" in said.text and "Set Up Engine" in said.text
    said = qgis.without_engine("/nowhere/python").run("segmentraster", fine=False, **given)
    assert said.code != 0 and "/nowhere/python, does not exist" in said.text and "Settings > Options" in said.text


def test_a_broken_engine_is_told(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    given = {"INPUT": scene, "MODEL": model, "OUTPUT": tmp_path / "out.tif"}
    said = qgis.without_engine(PYTHON).run("segmentraster", fine=False, **given)
    assert said.code != 0 and "has no working fctl-geo" in said.text and "set up the engine" in said.text
    no_program = tmp_path / "python"
    no_program.write_text("what?")
    said = qgis.without_engine(str(no_program)).run("segmentraster", fine=False, **given)
    assert said.code != 0 and "could not be started" in said.text


def test_an_unknown_model_is_told_before_the_run(qgis: Qgis, scene: Path, tmp_path: Path) -> None:
    said = qgis.run("segmentraster", fine=False, INPUT=scene, MODEL="mars", OUTPUT=tmp_path / "out.tif")
    assert said.code != 0 and "The model 'mars' does not exist" in said.text and "buildings, landcover" in said.text
    said = qgis.run("segmentraster", fine=False, INPUT=scene, MODEL="/gone.safetensors", OUTPUT=tmp_path / "out.tif")
    assert "The model file /gone.safetensors does not exist" in said.text


def test_unknown_classes_and_a_missing_result_are_told_before_the_run(
    qgis: Qgis, scene: Path, model: Path, tmp_path: Path
) -> None:
    given = {"INPUT": scene, "MODEL": model}
    said = qgis.run("segmentraster", fine=False, **given, OUTPUT=tmp_path / "out.tif", CLASSES="a,castle")
    assert "has no class 'castle'" in said.text and "Classes of the model: a, b, nothing" in said.text
    said = qgis.run("segmentraster", fine=False, **given)
    assert "No output is selected" in said.text
    said = qgis.run("refineclasses", fine=False, **given, OUTPUT=tmp_path / "out.tif")
    assert "has 3 bands; a class raster has one" in said.text


def test_a_result_never_replaces_the_input(qgis: Qgis, scene: Path, model: Path) -> None:
    before = scene.read_bytes()
    said = qgis.run("segmentraster", fine=False, INPUT=scene, MODEL=model, OUTPUT=scene, DEVICE="cpu")
    assert said.code != 0 and "would overwrite the input" in said.text and scene.read_bytes() == before


def test_a_layer_without_crs_is_segmented_and_told(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    lost = make_scene(tmp_path / "lost.tif", 150, 150, crs=None)
    said = qgis.run(
        "segmentraster", INPUT=lost, MODEL=model, OUTPUT=tmp_path / "out.tif", GSD=0.5, DEVICE="cpu", THREADS=1
    )
    assert "has no CRS" in said.text and "right-click > Layer CRS" in said.text and "pixels" in said.text


def test_places_outside_the_layer_are_told(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    far = tmp_path / "far.geojson"
    geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=4326).to_file(far)
    given = {"INPUT": scene, "MODEL": model, "OUTPUT": tmp_path / "out.tif", "DEVICE": "cpu", "THREADS": 1}
    said = qgis.run("segmentraster", fine=False, **given, AOI=far)
    assert said.code != 0 and "misses the scene" in said.text and "check which CRS" in said.text
    said = qgis.run("segmentraster", fine=False, **given, EXTENT="0,10,0,10")
    assert said.code != 0 and "The extent does not intersect the layer" in said.text
    assert not (tmp_path / "out.tif").exists()


def test_a_full_disk_is_told_and_nothing_stays(
    qgis: Qgis, model: Path, tmp_path: Path, disk_of: Callable[[str], Path]
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (3, 900, 900), dtype=np.uint8)
    big = make_scene(tmp_path / "big.tif", pixels=noise, gsd=0.5)
    disk = disk_of("128k")
    said = qgis.run(
        "segmentraster", fine=False, INPUT=big, MODEL=model, OUTPUT=disk / "out.tif",
        OUTPUT_POLYGONS=disk / "out.gpkg", DEVICE="cpu", THREADS=1,
    )  # fmt: skip
    assert said.code != 0 and "disk full" in said.text and "free some space" in said.text
    assert not [path for path in disk.iterdir() if not path.name.startswith(".")]


def test_the_engine_leaves_torch_out_of_qgis(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    modules = qgis.script(
        """
given = {"INPUT": scene, "MODEL": model_file, "OUTPUT": out, "DEVICE": "cpu", "THREADS": 1}
processing.run("fctl:segmentraster", given)
answer = sorted(sys.modules)
""",
        tmp=tmp_path, scene=scene, model_file=model, out=tmp_path / "out.tif",
    )  # fmt: skip
    assert (tmp_path / "out.tif").exists()
    assert not {"torch", "fctl_geo", "fctl_geo_cli", "rasterio"} & set(modules)


def test_the_last_runs_are_remembered(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    qgis.run("segmentraster", INPUT=scene, MODEL=model, OUTPUT=out, DEVICE="cpu", THREADS=1)
    newest = json.loads((qgis.profile / "fctl-geo" / "runs.json").read_text("utf-8"))[0]
    assert (newest["algorithm"], newest["state"], newest["model"]) == ("segmentraster", "done", "tiny")
    assert newest["summary"]["files"] == [str(out)]
    qgis.run("segmentraster", fine=False, INPUT=scene, MODEL=model, OUTPUT=tmp_path / "no/where.tif", DEVICE="cpu")
    newest = json.loads((qgis.profile / "fctl-geo" / "runs.json").read_text("utf-8"))[0]
    assert newest["state"] in ("failed", "done")


def test_no_engine_stays_behind(qgis: Qgis) -> None:
    assert not engines_that_name(qgis.config)


def test_labels_become_a_model_and_the_model_a_report(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    image = make_labeled_scene(tmp_path, size_px=256, gsd=0.5)
    labels = tmp_path / "squares.geojson"
    polygons_of(image, make_squares(0, 256, 40)[1], labels)
    trained, page, numbers = (tmp_path / f"mine.{ending}" for ending in ("safetensors", "html", "json"))
    truth = {"INPUT": image, "LABELS": labels, "FIELD": "kind", "BACKGROUND": "ground", "DEVICE": "cpu"}
    said = qgis.run("trainmodel", MODEL=model, STEPS=2, BATCH_SIZE=1, REFINEMENT="false", OUTPUT=trained, **truth)
    assert trained.exists() and "Training" in said.text
    assert "held out: " in said.text
    said = qgis.run("evaluatemodel", MODEL=trained, OUTPUT=page, OUTPUT_JSON=numbers, **truth)
    told = json.loads(numbers.read_text("utf-8"))
    assert set(told["classes"]) == {"ground", "square"} and page.read_text("utf-8").lower().startswith("<!doctype html")
    assert float(said.results["MIOU"]) == pytest.approx(told["mIoU"]) and "Mean IoU: " in said.text
    said = qgis.run("evaluatemodel", fine=False, MODEL=trained, OUTPUT=page, INPUT=image, DEVICE="cpu")
    assert "Ground truth is missing" in said.text
    names = qgis.script("from fctl_geo_qgis.catalog import CATALOG\nanswer = CATALOG.names()", tmp=tmp_path)
    assert str(trained) in names, "it is offered from now on"


def test_a_geopackage_keeps_its_tables_and_layers_are_added_to(qgis: Qgis, tmp_path: Path) -> None:
    city, sizes = tmp_path / "city.gpkg", []
    roads = geopandas.GeoDataFrame({"name": ["north"]}, geometry=[box(0, 0, 1, 1)], crs="EPSG:32633")
    roads.to_file(city, layer="roads")
    for seed in (1, 2):
        classes = np.random.default_rng(seed).integers(0, 3, (1, 40, 40), dtype=np.uint8)
        make_scene(tmp_path / f"{seed}.tif", pixels=classes, nodata=255)
    add = {"APPEND": "true", "LAYER": "more"}
    for seed, given in ((1, {}), (1, {}), (2, add), (1, add), (2, add)):
        said = qgis.run("polygoniseclasses", INPUT=tmp_path / f"{seed}.tif", OUTPUT=city, **given)
        layer = given.get("LAYER", "city")
        assert said.results["OUTPUT"] == f"{city}|layername={layer}"
        sizes.append((int(said.results["COUNT"]), len(geopandas.read_file(city, layer=layer))))
    (first, alone), (_, again), (second, new), (_, both), (_, twice) = sizes
    assert alone == again == first and new == second and both == twice == first + second
    assert geopandas.read_file(city, layer="roads")["name"].tolist() == ["north"]
    assert set(geopandas.read_file(city, layer="more")["scene"]) == {str(tmp_path / f"{seed}.tif") for seed in (1, 2)}
