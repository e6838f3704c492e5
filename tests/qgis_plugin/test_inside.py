"""What happens inside QGIS: cancelling, styles, selected features, online layers, changed CRS, memory."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from map_servers import serve_tiles, serve_wms, tile_color
from postgres_server import Database
from real_qgis import PYTHON, Qgis, command_line, engines_that_name
from scene_factory import make_scene
from shapely.geometry import box

from fctl_geo import polygonise
from fctl_geo.spec import ClassInfo, Legend

pytestmark = pytest.mark.qgis


@pytest.fixture(scope="module")
def large_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some minutes of work for the tiny model: enough to stop in the middle."""
    return make_scene(tmp_path_factory.mktemp("large") / "large.tif", 6000, 6000, gsd=0.5, block=512)


def test_cancelling_in_the_middle_leaves_no_file_and_no_process(
    qgis: Qgis, large_scene: Path, model: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    told = qgis.script(
        """
feedback = Feedback()
def stop_at(percent):
    if percent > 1: feedback.cancel()
feedback.progressChanged.connect(stop_at)
given = {"INPUT": scene, "MODEL": model_file, "OUTPUT": out + "/out.tif", "OUTPUT_POLYGONS": out + "/out.gpkg",
         "DEVICE": "cpu", "THREADS": 1}
algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
context = QgsProcessingContext()
results, fine = algorithm.run(given, context, feedback)
answer = {"fine": fine, "canceled": feedback.isCanceled(), "errors": feedback.errors}
""",
        tmp=tmp_path, scene=large_scene, model_file=model, out=results,
    )  # fmt: skip
    assert told["canceled"] and not told["fine"] and "Canceled" in " ".join(told["errors"])
    assert not [path for path in results.iterdir() if not path.name.startswith(".")]
    assert not engines_that_name(results)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_engine_ends_when_qgis_is_killed(qgis: Qgis, large_scene: Path, model: Path, tmp_path: Path) -> None:
    from real_qgis import qgis_process_program

    words = {"INPUT": large_scene, "MODEL": model, "OUTPUT": tmp_path / "out.tif", "DEVICE": "cpu", "THREADS": 1}
    command = [qgis_process_program(), "run", "fctl:segmentraster", *(f"--{k}={v}" for k, v in words.items())]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=qgis.environment(), **pipes) as run:
        _wait(lambda: list(tmp_path.glob(".out.tif.fctl-work")), 300)
        assert engines_that_name(tmp_path)
        run.send_signal(signal.SIGKILL)
    _wait(lambda: not engines_that_name(tmp_path), 200)
    assert not (tmp_path / "out.tif").exists()


def _wait(test: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not test():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_results_arrive_named_and_colored(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    told = qgis.script(
        """
from processing.gui.Postprocessing import handleAlgorithmResults
project, feedback = QgsProject.instance(), Feedback()
layer = QgsRasterLayer(scene, "ortho")
project.addMapLayer(layer)
context = QgsProcessingContext()
context.setProject(project)
answer = {}
for ending in ("gpkg", "fgb", "geojson", "geojsonl", "shp", "mbtiles"):
    given = {"INPUT": layer.id(), "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1,
             "OUTPUT": QgsProcessingOutputLayerDefinition(tmp + "/out.tif", project),
             "OUTPUT_POLYGONS": QgsProcessingOutputLayerDefinition(tmp + "/out." + ending, project)}
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
    context = QgsProcessingContext()
    context.setProject(project)
    results, fine = algorithm.run(given, context, feedback)
    assert fine, feedback.errors
    handleAlgorithmResults(algorithm, context, feedback, True, given)
    raster, polygons = (project.mapLayersByName("ortho - tiny" + what)[0] for what in (" (classes)", ""))
    answer[ending] = {
        "raster": [[c.label, c.color.name()] for c in raster.renderer().classes()],
        "polygons": [[c.label(), c.symbol().color().name()] for c in polygons.renderer().categories()],
    }
    for each in (raster, polygons): project.removeMapLayer(each.id())
""",
        tmp=tmp_path, scene=scene, model_file=model,
    )  # fmt: skip
    for ending, found in told.items():
        assert found["raster"] == [["nothing", "#e6e6e6"], ["a", "#d64541"], ["b", "#60a056"]], ending
        assert [name for name, _ in found["polygons"]] == ["a", "b"], ending
        assert [color for _, color in found["polygons"]] == ["#d64541", "#60a056"], ending


def test_a_table_in_postgis_is_drawn_in_its_colors(qgis: Qgis, database: Database, tmp_path: Path) -> None:
    pixels = np.kron(np.random.default_rng(1).integers(1, 3, (1, 10, 10), dtype=np.uint8), np.ones((4, 4), np.uint8))
    classes = make_scene(tmp_path / "classes.tif", pixels=pixels, nodata=255)
    legend = Legend((ClassInfo(1, "roof & wall", (200, 0, 0)), ClassInfo(2, "Gewässer", (0, 0, 200))))
    summary = polygonise(classes, [database.address("Our roofs")], legend=legend)
    told = qgis.script(
        """
from osgeo import ogr
uri = QgsDataSourceUri()
uri.setConnection(socket, "5432", name, "owner", "")
uri.setDataSource("public", "Our roofs", "geom", "", "fid")
layer = QgsVectorLayer(uri.uri(False), "roofs", "postgres")
source = ogr.Open(f"PG:host={socket} dbname={name} user=owner")
table = source.GetLayerByName("Our roofs")
answer = {
    "valid": layer.isValid(), "count": layer.featureCount(), "crs": layer.crs().authid(),
    "fields": [field.name() for field in layer.fields()],
    "categories": [[c.label(), c.symbol().color().name()] for c in layer.renderer().categories()],
    "gdal": [table.GetFeatureCount(), table.GetGeometryColumn(), table.GetLayerDefn().GetFieldCount()],
}
""",
        tmp=tmp_path, socket=database.socket, name=database.name,
    )  # fmt: skip
    assert told["valid"] and told["count"] == summary.polygons and told["crs"] == "EPSG:32633"
    assert told["fields"][:4] == ["fid", "scene", "class_id", "class_name"]
    assert told["categories"] == [["roof & wall", "#c80000"], ["Gewässer", "#0000c8"]]
    assert told["gdal"] == [summary.polygons, "geom", 8]


def test_only_selected_features_are_the_area(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    with rasterio.open(scene) as dataset:
        west, _, _, north = dataset.bounds
        crs = dataset.crs
    shapes = [box(west, north - 60, west + 60, north), box(west + 100, north - 100, west + 150, north - 50)]
    geopandas.GeoDataFrame({"name": ["one", "two"]}, geometry=shapes, crs=crs).to_file(tmp_path / "two.gpkg")
    qgis.script(
        """
areas = QgsVectorLayer(tmp + "/two.gpkg", "areas")
QgsProject.instance().addMapLayer(areas)
areas.selectByExpression("name = 'two'")
given = {"INPUT": scene, "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1, "OUTPUT": tmp + "/out.tif",
         "AOI": QgsProcessingFeatureSourceDefinition(areas.id(), True)}
processing.run("fctl:segmentraster", given)
""",
        tmp=tmp_path, scene=scene, model_file=model,
    )  # fmt: skip
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert (dataset.read(1) != 255).sum() == 100 * 100


def test_a_crs_that_was_set_in_qgis_reaches_the_engine(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    place = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 6_000_000)
    lost = make_scene(tmp_path / "lost.tif", 150, 150, crs=None, transform=place)
    known = make_scene(tmp_path / "known.tif", 150, 150, crs="EPSG:32633", transform=place)
    qgis.script(
        """
layer = QgsRasterLayer(tmp + "/lost.tif", "lost")
layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
QgsProject.instance().addMapLayer(layer)
given = {"INPUT": layer.id(), "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1, "OUTPUT": tmp + "/mine.tif"}
processing.run("fctl:segmentraster", given)
""",
        tmp=tmp_path, lost=lost, model_file=model,
    )  # fmt: skip
    command_line(
        "segment", known, "--model", model, "--out", tmp_path / "theirs.tif", "--device", "cpu", "--threads", 1
    )
    with rasterio.open(tmp_path / "mine.tif") as mine, rasterio.open(tmp_path / "theirs.tif") as theirs:
        assert mine.crs == theirs.crs
        assert (mine.read(1) == theirs.read(1)).all()


def test_an_online_layer_is_downloaded_for_extent_and_pixel_size(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    unit = 2 * math.pi * 6378137 / 256 / 2**17  # a pixel of zoom 17
    west, north = 1_500_000.0, 6_300_000.0
    with serve_tiles() as (source, asked):
        told = qgis.script(
            """
from fctl_geo_qgis import export, scenes
from pathlib import Path
export.TILE_PX = 256
layer = QgsRasterLayer(source, "tiles", "wms")
assert layer.isValid()
scene = scenes.scene_of(layer)
extent = QgsRectangle(west, north - 500 * unit, west + 700 * unit, north)
gsd = export.meters_per_unit(scene.crs, extent.center()) * unit
plan = export.plan_export(scene, extent, gsd)
feedback = Feedback()
export.export_scene(scene, plan, Path(tmp), feedback)
QgsProject.instance().addMapLayer(layer)
feedback = Feedback()
given = {"INPUT": layer.id(), "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1, "OUTPUT": tmp + "/out.tif",
         "EXTENT": QgsReferencedRectangle(extent, layer.crs()), "GSD": gsd}
processing.run("fctl:segmentraster", given, feedback=feedback)
given.pop("EXTENT")
algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
context = QgsProcessingContext()
context.setProject(QgsProject.instance())
answer = {"size": [plan.width, plan.height], "refused": algorithm.checkParameterValues(given, context)[1],
          "lines": feedback.lines}
""",
            tmp=tmp_path, source=source, model_file=model, west=west, north=north, unit=unit,
        )  # fmt: skip
    assert told["size"] == [700, 500]
    assert "online layer" in told["refused"] and "Choose an extent" in told["refused"]
    assert any("Downloading 700 x 500 pixels" in line for line in told["lines"])
    assert {path.split("/")[1] for path in asked} == {"17"}, "tiles of the zoom that fits the ground size"
    with rasterio.open(tmp_path / "tiles.tif") as dataset:
        pixels = dataset.read()
        assert (pixels[3] == 255).all()
        for col, row in ((3, 5), (300, 20), (690, 490)):
            x, y = dataset.xy(row, col)
            tile = [math.floor((x / math.pi / 6378137 + 1) * 2**16), math.floor((1 - y / math.pi / 6378137) * 2**16)]
            assert tuple(pixels[:3, row, col]) == tile_color(17, *tile)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.shape == (500, 700) and dataset.crs.to_epsg() == 3857


def test_a_wms_is_fetched_pixel_for_pixel_in_requests_that_it_takes(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    """At the scene's own ground size, what comes through the server segments as the scene itself does."""
    scene = make_scene(tmp_path / "scene.tif", 1300, 700, gsd=0.5)
    with serve_wms(scene) as (source, asked):
        told = qgis.script(
            """
layer = QgsRasterLayer(source, "service", "wms")
assert layer.isValid(), layer.error().summary()
QgsProject.instance().addMapLayer(layer)
from fctl_geo_qgis import export, scenes
from pathlib import Path
online = scenes.scene_of(layer)
plan = export.plan_export(online, layer.extent(), 0.5)
plan = export.Plan(plan.extent, 1300, 700, 0.5)  # meters of the CRS, not of the ground
export.export_scene(online, plan, Path(tmp), Feedback())
feedback = Feedback()
given = {"INPUT": layer.id(), "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1, "OUTPUT": tmp + "/out.tif",
         "EXTENT": QgsReferencedRectangle(QgsRectangle(*box), layer.crs()), "GSD": 0.5}
processing.run("fctl:segmentraster", given, feedback=feedback)
answer = feedback.lines
""",
            tmp=tmp_path, source=source, model_file=model, box=_middle_of(scene),
        )  # fmt: skip
    assert any("online layer 'service'" in line for line in told)
    assert len([path for path in asked if "GetMap" in path]) >= 2
    with rasterio.open(scene) as theirs, rasterio.open(tmp_path / "service.tif") as mine:
        assert mine.crs == theirs.crs and mine.bounds == theirs.bounds
        assert (mine.read([1, 2, 3]) == theirs.read([1, 2, 3])).all() and (mine.read(4) == 255).all()
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert (dataset.read(1) != 255).all() and dataset.width == pytest.approx(200, abs=1)


def _middle_of(scene: Path) -> list[float]:
    """A box of about 100 x 50 m."""
    with rasterio.open(scene) as dataset:
        x, y = dataset.xy(350, 650)
    return [x - 50, y - 25, x + 50, y + 25]


def test_a_server_that_fails_is_told(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    with serve_tiles(broken=True) as (source, _):
        told = qgis.script(
            """
layer = QgsRasterLayer(source, "tiles", "wms")
QgsProject.instance().addMapLayer(layer)
feedback = Feedback()
given = {"INPUT": layer.id(), "MODEL": model_file, "DEVICE": "cpu", "OUTPUT": tmp + "/out.tif",
         "EXTENT": "1500000,1500100,6300000,6300100 [EPSG:3857]"}
algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
context = QgsProcessingContext()
context.setProject(QgsProject.instance())
results, fine = algorithm.run(given, context, feedback)
answer = {"fine": fine, "errors": feedback.errors}
""",
            tmp=tmp_path, source=source, model_file=model,
        )  # fmt: skip
    assert not told["fine"]
    assert "failed 3 times" in told["errors"][0] and "Try again later" in told["errors"][0]
    assert not (tmp_path / "out.tif").exists()


def test_the_memory_of_qgis_does_not_know_the_rasters_size(qgis: Qgis, model: Path, tmp_path: Path) -> None:
    """The full measure, with 20,000 x 20,000 pixels, is benchmarks/qgis_memory.py."""
    grown = []
    for size in (300, 3000):
        make_scene(tmp_path / "image.tif", size, size, gsd=0.5, block=256)
        grown.append(
            qgis.script(
                """
import resource
processing.run("fctl:polygoniseclasses", {"INPUT": small, "OUTPUT": tmp + "/warm.gpkg"})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
layer = QgsRasterLayer(tmp + "/image.tif", "image")
QgsProject.instance().addMapLayer(layer)
given = {"INPUT": layer.id(), "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1, "GRID": "scene",
         "OUTPUT": tmp + "/out.tif", "OUTPUT_POLYGONS": tmp + "/out.gpkg", "MIN_AREA": 20}
processing.run("fctl:segmentraster", given)
answer = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
""",
                tmp=tmp_path,
                model_file=model,
                small=_classes(tmp_path),
            )
        )
    assert grown[1] < grown[0] + 12, f"MB grown for 300 and 3,000 pixels squared: {grown}"


def _classes(folder: Path) -> Path:
    path = folder / "classes.tif"
    return path if path.exists() else make_scene(path, 60, 60, bands=1)


def test_ground_sizes_are_true_meters_and_far_ones_are_told(qgis: Qgis, tmp_path: Path) -> None:
    place = rasterio.Affine(0.5 / 0.5736, 0, 1_000_000, 0, -0.5 / 0.5736, 7_361_866)  # 55 degrees north
    make_scene(tmp_path / "mercator.tif", 100, 100, crs="EPSG:3857", transform=place)
    told = qgis.script(
        """
from fctl_geo_qgis.catalog import CATALOG, gsd_warning
from fctl_geo_qgis.ground import gsd_of
from fctl_geo_qgis.scenes import path_of
card = CATALOG.card("landcover")
gsd = gsd_of(QgsRasterLayer(tmp + "/mercator.tif", "m"))
answer = {"gsd": gsd, "warnings": [gsd_warning(card, size) for size in (10.0, 1.2, 0.5, 0.07, None)],
          "paths": [path_of(s) for s in ("/a b/c.tif", "/a/c.tif|option:NUM_THREADS=2", "GPKG:/a b/c.gpkg:t",
                                         "/vsizip//x/y.zip/a.tif")]}
""",
        tmp=tmp_path,
    )  # fmt: skip
    assert told["gsd"] == pytest.approx(0.5, rel=0.005)
    coarse, fits, finer, much_finer, unknown = told["warnings"]
    assert "12.5 times coarser" in coarse and "11 times finer" in much_finer
    assert fits == finer == unknown == ""
    assert told["paths"] == ["/a b/c.tif", "/a/c.tif", "GPKG:/a b/c.gpkg:t", "/vsizip//x/y.zip/a.tif"]


def test_qgis_runs_with_a_plain_locale_too(qgis: Qgis, scene: Path, model: Path, tmp_path: Path) -> None:
    """Servers often have LANG=C; paths with other letters must not break there."""
    out = tmp_path / "ö.tif"
    said = qgis.run(
        "segmentraster", INPUT=scene, MODEL=model, OUTPUT=out, DEVICE="cpu", THREADS=1,
        environment={"LANG": "C", "LC_ALL": "C"}, fine=False,
    )  # fmt: skip
    assert said.code == 0, said.text
    assert out.exists()


def test_foreign_variables_do_not_reach_the_engine(qgis: Qgis, tmp_path: Path) -> None:
    told = qgis.script(
        """
os.environ["PYTHONHOME"] = os.environ["PROJ_LIB"] = "/nowhere"
from fctl_geo_qgis.engine import find_engine, query
answer = [finding["state"] for finding in query(find_engine(), ["doctor", "--quick"])]
""",
        tmp=tmp_path,
    )  # fmt: skip
    assert "FAIL" not in told and Path(PYTHON).name.startswith("python")


def test_the_plugin_speaks_german(qgis: Qgis, tmp_path: Path) -> None:
    told = qgis.script(
        """
settings = QgsSettings()
settings.setValue("locale/overrideFlag", True)
settings.setValue("locale/userLocale", "de")
from fctl_geo_qgis import classFactory
german = classFactory(None)
settings.remove("locale")
algorithm = QgsApplication.processingRegistry().createAlgorithmById("fctl:segmentraster")
answer = [algorithm.displayName(), algorithm.parameterDefinition("INPUT").description(), algorithm.name()]
""",
        tmp=tmp_path,
    )  # fmt: skip
    assert told == ["Raster segmentieren", "Bild", "segmentraster"]


def test_lines_and_bar_are_right_however_the_engine_speaks(qgis: Qgis, tmp_path: Path) -> None:
    told = qgis.script(
        """
from fctl_geo_qgis.engine import Lines, _event_of
from fctl_geo_qgis.algorithms.base import STAGES, Stages
data, lines, heard = "{\\"event\\": \\"say\\"}\\r\\nä€\\nrest".encode("utf-8"), Lines(), []
for byte in data: heard += lines.feed(bytes([byte]))
heard += lines.feed(b"", last=True)
shown = []
stages = Stages(STAGES["segment"], shown.append, 30.0)
for name in ("segment", "measure", "unheard of", "cog", "polygonise", "write polygons"):
    stages.hear({"event": "stage", "name": name, "total": 4})
    for done in range(1, 5): stages.hear({"event": "advance", "done": done, "total": 4})
answer = {"lines": heard, "shown": shown, "events": [_event_of(line) for line in [*heard, "{broken", "{}"]]}
""",
        tmp=tmp_path,
    )  # fmt: skip
    assert told["lines"] == ['{"event": "say"}', "ä€", "rest"]
    assert told["events"] == [{"event": "say"}, None, None, None, None]
    assert told["shown"] == sorted(told["shown"]) and told["shown"][0] > 30 and told["shown"][-1] == pytest.approx(100)
