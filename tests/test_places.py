"""Scenes and class rasters whose place, or size of a pixel, is told in an unusual way: right, or said in words."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from model_factory import make_model
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import OutputError, SceneError, SettingsError
from fctl_geo.pipeline import refine_raster
from fctl_geo.products.polygonise import polygonise
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Silent
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.scene import describe_scene
from fctl_geo.settings import EngineSettings, PolygonSettings
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:'crs' was not provided"),
]
SITE = 'ENGCRS["Site grid",EDATUM["Site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
EIGHTH = Affine(0.125, 0, 400_000, 0, -0.125, 3_000_000)
WITHOUT_OPERATION = (22300, 2218, 2963, 22700)
"""EPSG codes of projections whose method PROJ knows by name alone."""


class Told(Silent):
    def __init__(self) -> None:
        self.warned: list[str] = []
        self.stages: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self.stages.append(name)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def count(self, words: str) -> int:
        return sum(words in text for text in self.warned)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.25, patch_px=64)


def roofs() -> np.ndarray:
    """(3, 200, 240) bright roofs on grass."""
    rng = np.random.default_rng(3)
    pixels = np.stack([rng.normal(mean, 8, (200, 240)) for mean in (80, 110, 70)])
    for row in (20, 120):
        for col in (16, 100, 180):
            pixels[:, row : row + 60, col : col + 44] = 185 + rng.normal(0, 6, (3, 60, 44))
    return pixels.clip(0, 255).astype(np.uint8)


def segment(scene: Path, out: Path, model: Path, progress: Silent | None = None, **values: object) -> RunSummary:
    outs = (out.with_suffix(".gpkg"), out.with_suffix(".tif"))
    asked = {"model": str(model), "outs": outs, "device": "cpu", "classes": ("nothing", "a", "b"), **values}
    return segment_scene(scene, Settings.of(asked), progress=progress or Silent()).summary


def two_classes(path: Path, **place: object) -> Path:
    """0.6 m2 of class 1 (2,400 px of 0.5 m) in 48,000 px."""
    pixels = np.zeros((1, 200, 240), np.uint8)
    pixels[0, 20:60, 30:90] = 1
    return make_scene(path, pixels=pixels, **place)


def gcp_raster(path: Path, bend: float = 0.0) -> Path:
    points = [
        GroundControlPoint(row, col, 400_000 + 0.5 * col, 5_500_000 - 0.5 * row + bend * (row == col == 0))
        for row in (0, 200)
        for col in (0, 240)
    ]
    two_classes(path, crs=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points, rasterio.crs.CRS.from_epsg(32633))
    return path


@pytest.mark.parametrize("grid", ["scene", "model"])
def test_a_given_size_counts_on_the_models_grid_too(tmp_path: Path, model: Path, grid: str) -> None:
    scene = make_scene(tmp_path / "nocrs.tif", pixels=roofs(), crs=None)
    summary = segment(scene, tmp_path / "a", model, gsd_m=0.125, grid=grid)
    assert sum(c.area for c in summary.classes) == pytest.approx(200 * 240 * 0.125**2)
    assert read(tmp_path / "a.gpkg").area_m2.sum() == pytest.approx(200 * 240 * 0.125**2)


def test_the_tolerance_is_in_meters_on_the_models_grid(tmp_path: Path, model: Path) -> None:
    """0.8 m are 3.2 px of 0.25 m; of the scene's 0.125 m they would be more than the simplification can do."""
    scene, progress = make_scene(tmp_path / "a.tif", pixels=roofs(), transform=EIGHTH), Told()
    segment(scene, tmp_path / "b", model, progress, grid="model", simplify_m=0.8)
    assert progress.warned == []
    polygonise(
        tmp_path / "b.tif",
        [tmp_path / "again.gpkg"],
        PolygonSettings(min_area_m2=0, simplify_m=0.8, classes=("nothing", "a", "b")),
    )
    same_shapes(tmp_path / "b.gpkg", tmp_path / "again.gpkg")


def test_a_pretended_size_moves_no_border_of_a_scene_with_a_crs(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "coarse.tif", pixels=roofs(), gsd=10.0)
    segment(scene, tmp_path / "exact", model, gsd_m=0.25)
    segment(scene, tmp_path / "simple", model, gsd_m=0.25, simplify_m=1.0)
    same_shapes(tmp_path / "exact.gpkg", tmp_path / "simple.gpkg")  # a tenth of a pixel straightens nothing


def test_a_given_size_is_ignored_by_polygonise_where_there_is_a_crs(tmp_path: Path) -> None:
    classes = make_scene(tmp_path / "c.tif", pixels=roofs()[:1] // 150, transform=EIGHTH)
    simple = PolygonSettings(simplify_m=0.25)
    polygonise(classes, [tmp_path / "plain.gpkg"], simple)
    polygonise(classes, [tmp_path / "given.gpkg"], simple, gsd_m=0.5)
    same_shapes(tmp_path / "plain.gpkg", tmp_path / "given.gpkg")


def test_a_given_size_that_is_none_is_refused(tmp_path: Path) -> None:
    for gsd_m in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="gsd is"):
            polygonise(two_classes(tmp_path / "c.tif", crs=None), [tmp_path / "c.gpkg"], gsd_m=gsd_m)


def read(path: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_file(path, layer=path.stem)


def same_shapes(one: Path, other: Path) -> None:
    first, second = read(one), read(other)
    assert shapely.equals(first.geometry.values, second.geometry.values).all()
    assert first.area_m2.tolist() == pytest.approx(second.area_m2.tolist(), rel=1e-9)


def test_a_site_grid_in_meters_is_read_and_measured_by_them(tmp_path: Path, model: Path) -> None:
    place = Affine(0.125, 0, 1000, 0, -0.125, 2000)
    site = make_scene(tmp_path / "site.tif", pixels=roofs(), crs=SITE, transform=place)
    known = make_scene(tmp_path / "known.tif", pixels=roofs(), crs=None)
    assert describe_scene(site).gsd_m == 0.125 and describe_scene(site).warnings == ()
    summary, by_hand = segment(site, tmp_path / "s", model), segment(known, tmp_path / "k", model, gsd_m=0.125)
    assert summary.unit == "m2"
    assert [c.area for c in summary.classes] == pytest.approx([c.area for c in by_hand.classes])


def test_a_smallest_area_above_the_largest_region_is_said(tmp_path: Path, model: Path) -> None:
    classes, largest = two_classes(tmp_path / "c.tif", gsd=0.5), (48_000 - 2400) * 0.25
    for limit, times in ((0.9 * largest, 0), (1.1 * largest, 1)):
        progress = Told()
        summary = polygonise(classes, [tmp_path / f"{limit}.gpkg"], PolygonSettings(limit), progress=progress)
        assert progress.count("the largest has 11,40") == progress.count("no region is as large") == times
        assert summary.polygons == 1 + times
    progress = Told()
    scene = make_scene(tmp_path / "scene.tif", pixels=roofs(), transform=EIGHTH)
    segment(scene, tmp_path / "a", model, progress, min_area_m2=1000)
    assert progress.count("no region is as large as --min-area 1,000.0 m2") == 1


def test_an_empty_raster_has_no_largest_region(tmp_path: Path) -> None:
    progress = Told()
    classes = make_scene(tmp_path / "c.tif", pixels=np.full((1, 20, 20), 255, np.uint8), nodata=255)
    polygonise(classes, [tmp_path / "c.gpkg"], PolygonSettings(10), progress=progress)
    assert progress.warned == []


@pytest.mark.parametrize("code", WITHOUT_OPERATION)
def test_a_crs_without_a_way_to_longitude_and_latitude_is_measured_on_its_plane(
    tmp_path: Path, model: Path, code: int
) -> None:
    place = {"crs": f"EPSG:{code}", "transform": Affine(0.25, 0, 300, 0, -0.25, 300)}
    pixel_m2 = (250.0 if code == 22300 else 0.25) ** 2
    progress = Told()
    classes = two_classes(tmp_path / "c.tif", **place)
    summary = polygonise(classes, [tmp_path / "c.gpkg"], progress=progress)
    assert {t.id: t.area for t in summary.classes} == pytest.approx({0: 45_600 * pixel_m2, 1: 2400 * pixel_m2})
    assert progress.count("cannot be converted to longitude and latitude") == 1
    scene = make_scene(tmp_path / "scene.tif", pixels=roofs(), **place)
    segmented = segment(scene, tmp_path / "s", model, gsd_m=0.25)
    assert sum(c.area for c in segmented.classes) == pytest.approx(48_000 * pixel_m2)
    assert any("cannot be converted" in words for words in segmented.warnings)
    with pytest.raises(OutputError, match="GeoJSON requires longitude and latitude"):
        polygonise(classes, [tmp_path / "c.geojson"])


def test_geojson_of_a_site_grid_is_refused_before_the_work(tmp_path: Path, model: Path) -> None:
    scene, progress = make_scene(tmp_path / "site.tif", pixels=roofs(), crs=SITE, transform=EIGHTH), Told()
    with pytest.raises(OutputError, match="GeoJSON requires longitude and latitude"):
        segment(scene, tmp_path / "s", model, progress, outs=(tmp_path / "s.geojson",))
    assert progress.stages == []


def test_classes_with_a_crs_but_no_transform_are_told(tmp_path: Path) -> None:
    classes = two_classes(tmp_path / "cls.tif", crs=None)
    with rasterio.open(classes, "r+") as dataset:
        dataset.crs = "EPSG:32633"
    progress = Told()
    summary = polygonise(classes, [tmp_path / "c.gpkg"], progress=progress)
    assert progress.count("cls.tif has a CRS but no transform") == 1
    assert summary.unit == "px" and {t.id: t.area for t in summary.classes} == {0: 45_600, 1: 2400}
    assert read(tmp_path / "c.gpkg").crs is None


def test_classes_placed_by_ground_control_points_are_fitted(tmp_path: Path, model: Path) -> None:
    classes, progress = gcp_raster(tmp_path / "gcp.tif"), Told()
    polygonise(classes, [tmp_path / "g.gpkg"], progress=progress)
    regions = read(tmp_path / "g.gpkg")
    assert regions.crs.to_epsg() == 32633
    assert regions.total_bounds.tolist() == pytest.approx([400_000, 5_499_900, 400_120, 5_500_000])
    assert regions.area_m2[regions.class_id == 1].item() == pytest.approx(600, rel=1e-3)
    assert progress.count("4 ground control points") == 1
    engine = EngineSettings(device="cpu", threads=1)
    refine_raster(classes, tmp_path / "r.tif", model=str(model), engine=engine, progress=progress)
    with rasterio.open(tmp_path / "r.tif") as refined:
        assert refined.crs.to_epsg() == 32633
        assert tuple(refined.bounds) == pytest.approx((400_000, 5_499_900, 400_120, 5_500_000))
    assert progress.count("4 ground control points") == 2


def test_classes_that_only_warping_could_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no affine transform fits"):
        polygonise(gcp_raster(tmp_path / "bent.tif", bend=40), [tmp_path / "g.gpkg"])


def test_classes_with_ground_control_points_are_brought_onto_another_grid(tmp_path: Path) -> None:
    target = describe_scene(
        make_scene(tmp_path / "t.tif", 100, 80, transform=Affine(0.5, 0, 400_010, 0, -0.5, 5_499_995))
    )
    frame = RasterFrame(80, 100, target.transform, target.crs_wkt)
    with open_class_raster(gcp_raster(tmp_path / "gcp.tif"), onto=frame) as raster:
        found = raster.read(Window(0, 0, 80, 100))
    expected = np.zeros((80, 100), np.uint8)
    expected[10:50, 10:70] = 1  # 10 m to the right, 5 m down: 20 columns and 10 rows less
    assert np.array_equal(found, expected)
