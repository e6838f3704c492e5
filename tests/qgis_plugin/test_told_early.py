"""Messages before a run, in the terms of QGIS and the notation of the user, and the record of a run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import geopandas
import pytest
from real_qgis import Qgis
from scene_factory import make_scene
from shapely.geometry import box
from test_doors import OPTIONS, options_of

pytestmark = pytest.mark.qgis


@pytest.fixture(scope="module")
def refusals(qgis: Qgis, scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Parameters of segmentraster that cannot work -> what is said before the run."""
    folder = tmp_path_factory.mktemp("refusals")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)]).to_file(folder / "lost.gpkg")
    found: dict[str, str] = qgis.script(
        """
algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
context = QgsProcessingContext()
context.setProject(QgsProject.instance())
given = {"INPUT": scene, "MODEL": "buildings", "OUTPUT": tmp + "/out.tif"}
cases = {
    "gone": {"AOI": tmp + "/gone.gpkg"}, "lost": {"AOI": tmp + "/lost.gpkg"},
    "jpg": {"OUTPUT": tmp + "/out.jpg"}, "xlsx": {"OUTPUT_POLYGONS": tmp + "/out.xlsx"},
    "report": {"OUTPUT_REPORT": tmp + "/out.txt"},
}
answer = {name: algorithm.checkParameterValues({**given, **case}, context)[1] for name, case in cases.items()}
answer["fine"] = repr(algorithm.checkParameterValues({**given, "OUTPUT_POLYGONS": tmp + "/out.shp"}, context))
""",
        tmp=folder, scene=scene,
    )  # fmt: skip
    return found


def test_an_area_that_cannot_be_read_does_not_become_the_whole_image(refusals: dict[str, str]) -> None:
    assert "gone.gpkg" in refusals["gone"] or "could not be read" in refusals["gone"]


def test_an_area_without_crs_is_refused_before_the_run(refusals: dict[str, str]) -> None:
    assert "'lost' has no CRS" in refusals["lost"] and "Layer CRS" in refusals["lost"]


def test_extensions_that_the_engine_does_not_write_are_refused_before_the_run(refusals: dict[str, str]) -> None:
    for name in ("jpg", "xlsx", "report"):
        assert refusals[name], name
    assert refusals["fine"] == "(True, '')"


@pytest.fixture(scope="module")
def told(qgis: Qgis, scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What parts of the plugin say, with German numbers where they are shown."""
    folder = tmp_path_factory.mktemp("told")
    make_scene(folder / "town.tif", 40, 40)
    found: dict[str, Any] = qgis.script(
        """
from qgis.PyQt.QtCore import QLocale
from fctl_geo_qgis import engine, install, runs
from fctl_geo_qgis.algorithms.arguments import PARAMETERS, in_qgis_words
from fctl_geo_qgis.catalog import ModelCard, ModelClass
from fctl_geo_qgis.diagnostics import diagnostics
from fctl_geo_qgis.errors import LayerError
from fctl_geo_qgis.gui.background import EngineTask
from fctl_geo_qgis.gui.model_card import accuracy_lines
from fctl_geo_qgis.gui.runner import new_group
from fctl_geo_qgis.scenes import scene_of, with_crs
from fctl_geo_qgis.stored_parameters import restored, storable
from fctl_geo_qgis.styling import About
from fctl_geo_qgis.version import is_newer
from pathlib import Path
project = QgsProject.instance()
registry = QgsApplication.processingRegistry()
answer = {"options": sorted(PARAMETERS)}

algorithm = registry.createAlgorithmById("fctl:segmentraster")
answer["words"] = in_qgis_words(algorithm, "check the path given to --aoi; or pass --allow-external, --no-refine, "
                                           "--asset")

card = ModelCard(
    "m", "m", "1", "M",
    (ModelClass(0, "background", "#000000", True), ModelClass(1, "building", "#ff0000", False, True)),
    ("red",), 0.25, False, "CC BY 4.0", ("(c) someone",),
    {"tallinn image_1_*, image_2_*": {"background": 0.96, "building": 0.8018, "mIoU": 0.881, "object F1": 0.54},
     "banepa_town north": {"background": 0.87, "building": 0.7182, "mIoU": 0.793}})
answer["card"] = accuracy_lines(card)
QLocale.setDefault(QLocale("de_DE"))
answer["german"] = [*accuracy_lines(card), *runs.summary_lines(
    {"classes": [{"name": "building", "area": 12345.6, "share": 0.123, "polygons": 1234}], "unit": "m2"})]
QLocale.setDefault(QLocale("en_US"))

layer = QgsRasterLayer(tmp + "/town.tif", "town")
project.addMapLayer(layer)
About("town", "fctl-geo segment town.tif", card).describe(layer)
metadata = layer.metadata()
answer["metadata"] = [metadata.history(), metadata.licenses(), metadata.rights(), metadata.abstract()]
answer["groups"] = [new_group("town - m").name() for _ in range(3)]

context = QgsProcessingContext()
context.setProject(project)
stored = storable({
    "INPUT": layer.id(), "MIN_AREA": 2.5, "OUTPUT_POLYGONS": None,
    "OUTPUT": QgsProcessingOutputLayerDefinition("/x/out.tif", project),
    "AOI": QgsProcessingFeatureSourceDefinition("/x/area.gpkg", True),
    "EXTENT": QgsReferencedRectangle(QgsRectangle(1, 2, 3, 4), QgsCoordinateReferenceSystem("EPSG:32633")),
}, context)
answer["stored"] = json.loads(json.dumps(stored))
again = restored(stored)["AOI"]
answer["again"] = [again.source.staticValue(), again.selectedFeaturesOnly]

results = {"files": [tmp + "/north.tif", tmp + "/north.gpkg"]}
registry.createAlgorithmById("fctl:segmentfolder")._load(results, context, card, ["batch", "images"])
answer["loads"] = {Path(path).name: each.name for path, each in context.layersToLoadOnCompletion().items()}

pairs = (("1.0.0", "0.9.9"), ("1.0.0", "1.0.0rc1"), ("1.0.0", "1.0.0"), ("0.9", "1.0.0"), ("1.0", ""))
answer["newer"] = [is_newer(*pair) for pair in pairs]
answer["recipe"] = {str(cuda): install.download_commands(cuda) for cuda in (False, True)}
answer["override"] = engine.override_words()

engines = Path(tmp, "engine")
(engines / "e-1").mkdir(parents=True)
answer["removed"] = [install.remove(engines), engines.exists()]
os.environ["FCTL_GEO_PYTHON"] = "/nowhere/python"
runs.remember(runs.Run("2026-01-01T00:00:00", "segmentraster", "town", "m", runs.FAILED, 1.0, "no more space"))
answer["diagnostics"] = diagnostics()

class Stopped(EngineTask):
    def work(self):
        self.feedback.cancel()
        raise LayerError("stopped")
class Broken(EngineTask):
    def work(self): raise LayerError("broken")
answer["tasks"] = [kind("x").run() for kind in (Stopped, Broken)]

Path(tmp, "far").mkdir()
from osgeo import gdal
gdal.Translate(tmp + "/linked.vrt", tmp + "/town.tif", format="VRT").FlushCache()
linked = QgsRasterLayer(tmp + "/linked.vrt", "linked")
linked.setCrs(QgsCoordinateReferenceSystem("EPSG:32634"))
layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32634"))
answer["plain"] = with_crs(scene_of(layer), Path(tmp, "far"), trusted=False)
try:
    answer["linked"] = with_crs(scene_of(linked), Path(tmp, "far"), trusted=False)
except LayerError as error:
    answer["linked"] = str(error)
""",
        tmp=folder, scene=scene,
    )  # fmt: skip
    return found


def test_messages_name_parameters_instead_of_options(told: dict[str, Any]) -> None:
    assert told["words"] == (
        "check the path given to 'Area of interest'; or pass 'Trust files that the image refers to', "
        "'Apply the refinement network', --asset"
    )
    becomes = {(command, name) for command, names in OPTIONS.values() for name in names.values()}
    options = {
        option.removeprefix("--").removeprefix("no-")
        for command, name in becomes
        for parameter in [options_of(command)[name]]
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    assert options - set(told["options"]) <= {"json"}, "an option that becomes a parameter has a name in QGIS"


def test_the_card_shows_iou_without_background_and_places_without_patterns(told: dict[str, Any]) -> None:
    assert told["card"] == ["measured IoU of building: 0.80 (tallinn), 0.72 (banepa town north)"]


def test_numbers_are_written_as_the_user_writes_them(told: dict[str, Any]) -> None:
    card, area = told["german"]
    assert "0,80 (tallinn)" in card and area == "building: 12.346 m², 12,3%, 1.234 polygons"


def test_layers_tell_where_they_come_from(told: dict[str, Any]) -> None:
    history, licenses, rights, abstract = told["metadata"]
    assert (history, licenses, rights) == (["fctl-geo segment town.tif"], ["CC BY 4.0"], ["(c) someone"])
    assert "'town'" in abstract and "'m 1'" in abstract


def test_each_run_has_a_group_of_its_own(told: dict[str, Any]) -> None:
    assert told["groups"] == ["town - m", "town - m 2", "town - m 3"]


def test_the_parameters_of_a_run_outlast_the_session(told: dict[str, Any]) -> None:
    stored = told["stored"]
    assert Path(stored.pop("INPUT")).name == "town.tif"
    assert stored == {
        "MIN_AREA": 2.5,
        "OUTPUT": "/x/out.tif",
        "AOI": {"selected features of": "/x/area.gpkg"},
        "EXTENT": "1.0,3.0,2.0,4.0 [EPSG:32633]",
    }
    assert told["again"] == ["/x/area.gpkg", True]


def test_a_folders_results_are_added_to_the_project_by_name(told: dict[str, Any]) -> None:
    assert told["loads"] == {"north.tif": "north - m (classes)", "north.gpkg": "north - m"}


def test_an_engine_older_than_the_plugin_is_noticed(told: dict[str, Any]) -> None:
    assert told["newer"] == [True, True, False, False, False]


def test_the_offline_recipe_fetches_torch_from_the_index_of_its_device_first(told: dict[str, Any]) -> None:
    for cuda, index in (("False", "whl/cpu"), ("True", "whl/cu128")):
        torch, others = told["recipe"][cuda]
        assert f"--index-url https://download.pytorch.org/{index}" in torch and "torch" in torch
        assert "--find-links" in others and "index-url" not in others


def test_an_engine_from_the_environment_is_told(told: dict[str, Any]) -> None:
    assert "FCTL_GEO_PYTHON" in told["override"] and "takes precedence" in told["override"]


def test_diagnostics_have_versions_engine_and_errors(told: dict[str, Any]) -> None:
    words = told["diagnostics"]
    assert words.startswith("FCtL Geo ") and "; QGIS " in words
    assert "/nowhere/python, does not exist" in words and "segmentraster (m): no more space" in words


def test_an_engine_is_removed_whole(told: dict[str, Any]) -> None:
    assert told["removed"] == ["", False]


def test_a_canceled_task_has_not_failed(told: dict[str, Any]) -> None:
    assert told["tasks"] == [True, False]


def test_another_crs_does_not_make_the_engine_trust_a_vrt(told: dict[str, Any]) -> None:
    assert told["plain"].endswith("town.vrt") and "can refer to other files" in told["linked"]
