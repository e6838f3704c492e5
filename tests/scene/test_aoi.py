"""The part that is asked for: any vector file, any CRS, a box; the same pixels in whatever window they are asked."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene_factory import make_scene

from fctl_geo.errors import AoiError, SettingsError
from fctl_geo.scene import open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

HEIGHT, WIDTH = 700, 600  # more than one tile of 512
FULL = Window(0, 0, HEIGHT, WIDTH)


def ground(*pixels: tuple[float, float]) -> shapely.Polygon:
    """A polygon of (col, row) corners, on the ground of `make_scene`."""
    return shapely.Polygon([(500_000 + 0.3 * col, 4_600_000 - 0.3 * row) for col, row in pixels])


BLOB = shapely.Polygon(
    [(50.21, 40.13), (560.37, 90.71), (430.11, 350.9), (589.83, 659.57), (210.3, 600.77), (300.59, 300.23)]
)
BLOB_ON_GROUND = ground(*BLOB.exterior.coords)


def write(path: Path, shapes: list[object], crs: str | None = "EPSG:32633") -> Path:
    frame = geopandas.GeoDataFrame(geometry=shapes, crs=crs)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scene(tmp_path_factory.mktemp("aoi") / "scene.tif", WIDTH, HEIGHT)


def centers_inside(area: shapely.Polygon, window: Window) -> np.ndarray:
    rows, cols = np.mgrid[window.row : window.row_end, window.col : window.col_end] + 0.5
    return shapely.contains_xy(area, cols, rows)


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp", "fgb", "parquet"])
def test_pixels_whose_center_lies_inside_are_wanted(path: Path, tmp_path: Path, ending: str) -> None:
    crs = "EPSG:4326" if ending == "geojson" else "EPSG:32633"
    shape = geopandas.GeoSeries([BLOB_ON_GROUND], crs="EPSG:32633").to_crs(crs)[0]
    aoi = write(tmp_path / f"a.{ending}", [shape], crs)
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi)) as scene:
        difference = scene.wanted(FULL) != centers_inside(BLOB, FULL)
        assert difference.sum() <= (30 if ending == "geojson" else 0), "GeoJSON rounds to centimeters"
        assert scene.frame_window == Window(40, 50, 620, 540)
        assert scene.frame.transform[2] == pytest.approx(500_000 + 0.3 * 50)
        assert scene.frame.transform[5] == pytest.approx(4_600_000 - 0.3 * 40)


@pytest.fixture(scope="module")
def blob_scene(path: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    aoi = write(tmp_path_factory.mktemp("blob") / "a.gpkg", [BLOB_ON_GROUND])
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi)) as scene:
        yield scene


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.integers(-20, 720), col=st.integers(-20, 620), height=st.integers(1, 300), width=st.integers(1, 300))
def test_wanted_does_not_depend_on_the_window(blob_scene: object, row: int, col: int, height: int, width: int) -> None:
    outer, window = Window(-30, -30, 1060, 960), Window(row, col, height, width)
    wanted = blob_scene.wanted(window)
    np.testing.assert_array_equal(wanted, blob_scene.wanted(outer)[window.slices_in(outer)])
    assert blob_scene.may_want(window) or not wanted.any()


def test_windows_far_from_the_area_need_not_be_read(blob_scene: object) -> None:
    assert not blob_scene.may_want(Window(500, 0, 150, 150))
    assert not blob_scene.may_want(Window(0, 0, 39, 600))
    assert blob_scene.may_want(Window(300, 300, 4, 4))


def test_area_and_box_are_both_kept(path: Path, tmp_path: Path) -> None:
    aoi = write(tmp_path / "a.gpkg", [ground((10, 10), (110, 10), (110, 110), (10, 110))])
    box = (500_000 + 0.3 * 50, 4_600_000 - 0.3 * 300, 500_000 + 0.3 * 500, 4_600_000 - 0.3 * 60)
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi, bbox=box)) as scene:
        assert scene.frame_window == Window(60, 50, 50, 60)
        wanted = scene.wanted(FULL)
    assert wanted.sum() == 50 * 60 and wanted[60:110, 50:110].all()


def test_several_polygons_are_one_area_and_holes_stay_holes(path: Path, tmp_path: Path) -> None:
    ring = ground((10, 10), (110, 10), (110, 110), (10, 110)) - ground((30, 30), (60, 30), (60, 60), (30, 60))
    aoi = write(tmp_path / "a.gpkg", [ring, ground((300, 200), (320, 200), (320, 210), (300, 210))])
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi)) as scene:
        assert scene.wanted(FULL).sum() == 100 * 100 - 30 * 30 + 20 * 10


@pytest.mark.parametrize("grid", ["scene", "model"])
def test_wanted_speaks_of_the_output_grid(path: Path, tmp_path: Path, grid: str) -> None:
    aoi = write(tmp_path / "a.gpkg", [BLOB_ON_GROUND])
    with open_scene(path, InputSpec(gsd_m=0.6), SceneSettings(aoi=aoi, grid=grid)) as scene:
        size = scene.scene_frame.size_hw if grid == "scene" else scene.model_hw
        share = scene.wanted(Window(0, 0, *size)).mean()
    assert share == pytest.approx(BLOB.area / WIDTH / HEIGHT, rel=0.01)


def test_nodata_is_not_wanted(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", WIDTH, HEIGHT, nodata=0, holes=True)
    box = (500_000, 4_600_000 - 0.3 * 400, 500_000 + 0.3 * 300, 4_600_000)
    with open_scene(path, InputSpec(), SceneSettings(bbox=box)) as scene:
        valid = scene.read(FULL).valid
        valid[400:], valid[:, 300:] = False, False
        np.testing.assert_array_equal(scene.wanted(FULL), valid)
        assert not scene.wanted(Window(-5, -5, 5, 700)).any()


def test_without_a_crs_the_box_is_in_pixels(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", crs=None)
    with open_scene(path, InputSpec(), SceneSettings(bbox=(10, 20, 50.5, 40))) as scene:
        assert scene.frame_window == Window(20, 10, 20, 41)


def test_an_area_without_crs_is_taken_to_be_in_the_scenes(path: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="crs"):
        aoi = write(tmp_path / "a.shp", [BLOB_ON_GROUND], crs=None)
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi)) as scene:
        assert any("no CRS" in words for words in scene.info.warnings)
        assert scene.frame_window.size_hw == (620, 540)


@pytest.mark.parametrize(
    ("settings_of", "words"),
    [
        (lambda folder: {"aoi": write(folder / "a.gpkg", [shapely.box(0, 0, 1, 1)])}, "misses the scene"),
        (lambda folder: {"aoi": write(folder / "a.gpkg", [shapely.Point(500_010, 4_599_990)])}, "has no polygons"),
        (lambda folder: {"aoi": folder / "missing.gpkg"}, "does not exist"),
        (lambda folder: {"aoi": make_scene(folder / "raster.tif")}, "not a vector file"),
        (lambda _: {"bbox": (0, 0, 1, 1)}, r"the bounding box misses the scene: it covers x 0 to 1, y 0 to 1,"),
    ],
)
def test_an_area_that_cannot_be_used_says_why(path: Path, tmp_path: Path, settings_of: object, words: str) -> None:
    with pytest.raises(AoiError, match=words) as error:
        open_scene(path, InputSpec(), SceneSettings(**settings_of(tmp_path)))
    assert error.value.hint


def test_an_empty_file_of_polygons_is_told(path: Path, tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(AoiError, match=r"no polygons|no layer"):
        open_scene(path, InputSpec(), SceneSettings(aoi=tmp_path / "a.geojson"))


def test_collections_null_shapes_and_polygons_that_cross_themselves_are_an_area_too(path: Path, tmp_path: Path) -> None:
    collection = shapely.GeometryCollection([ground((10, 10), (60, 10), (60, 60), (10, 60)), shapely.Point(0, 0)])
    bow_tie = ground((100, 100), (140, 140), (140, 100), (100, 140))
    aoi = write(tmp_path / "a.gpkg", [collection, None, bow_tie])
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi)) as scene:
        assert scene.wanted(FULL).sum() == pytest.approx(50 * 50 + 40 * 40 / 2, abs=25)


def test_an_area_as_large_as_the_world_is_all_of_the_scene(path: Path, tmp_path: Path) -> None:
    aoi = write(tmp_path / "a.geojson", [shapely.box(-180, -90, 180, 90)], "EPSG:4326")
    with open_scene(path, InputSpec(), SceneSettings(aoi=aoi)) as scene:
        assert scene.frame_window == FULL and scene.wanted(FULL).all()


@pytest.mark.parametrize("grid", ["scene", "model"])
def test_an_area_that_holds_no_pixel_is_refused(path: Path, tmp_path: Path, grid: str) -> None:
    """Smaller than a pixel, or a sliver between the centers of two rows."""
    speck, sliver = ground((9.6, 9.6), (9.9, 9.6), (9.9, 9.9)), ground((3, 20.6), (400, 20.6), (400, 20.9), (3, 20.9))
    for name, shape in (("speck", speck), ("sliver", sliver)):
        settings = SceneSettings(aoi=write(tmp_path / f"{name}.gpkg", [shape]), grid=grid)
        with pytest.raises(AoiError, match=r"contains no pixel: it measures .* pixels, and"):
            open_scene(path, InputSpec(), settings)
    west, south, east, north = speck.bounds
    with pytest.raises(AoiError, match="contains no pixel"):
        open_scene(path, InputSpec(), SceneSettings(bbox=(west, south, east, north), grid=grid))
    center = ground((9.4, 9.4), (9.6, 9.4), (9.6, 9.6), (9.4, 9.6))
    with open_scene(path, InputSpec(), SceneSettings(bbox=center.bounds)) as scene:
        assert scene.wanted(scene.frame_window).sum() == 1


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_a_box_that_is_not_finite_is_refused(wrong: float) -> None:
    for at in range(4):
        with pytest.raises(SettingsError, match="not finite"):
            SceneSettings(bbox=tuple(wrong if i == at else float(i) for i in range(4)))
