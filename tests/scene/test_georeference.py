"""Ground meters a pixel in any CRS, grids and frames, and places that are refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasterio.transform import Affine
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import SceneError
from fctl_geo.scene import describe_scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window


@pytest.mark.parametrize(
    ("crs", "transform", "gsd_m"),
    [
        ("EPSG:32633", Affine(0.3, 0, 500_000, 0, -0.3, 4_600_000), 0.3 * 0.9996),
        ("EPSG:3857", Affine(0.5, 0, 0, 0, -0.5, 8_399_737.9), 0.5 * math.cos(math.radians(60))),  # 60 degrees north
        ("EPSG:2272", Affine(1, 0, 2_700_000, 0, -1, 235_000), 0.3048),  # US survey feet
        ("EPSG:4326", Affine(1e-5, 0, 10, 0, -1e-5, 0), math.sqrt(1.113195 * 1.105743)),  # the equator
        ("EPSG:32633", Affine(0.2, 0.2, 500_000, 0.2, -0.2, 4_600_000), 0.2 * math.sqrt(2)),  # turned by 45 degrees
        ("EPSG:27572", Affine(1, 0, 600_000, 0, -1, 2_200_000), 1.0),  # base CRS counts in grads from Paris
        ("ESRI:104971", Affine(1e-3, 0, 0, 0, -1e-3, 0), math.sqrt(59.27 * 59.27)),  # Mars
    ],
)
def test_gsd_is_true_ground_meters_at_the_center(tmp_path: Path, crs: str, transform: Affine, gsd_m: float) -> None:
    path = make_scene(tmp_path / "a.tif", 20, 10, crs=crs, transform=transform, block=16)
    info = describe_scene(path)
    assert info.gsd_source == "crs"
    assert info.gsd_m == pytest.approx(gsd_m, rel=0.01)
    assert info.transform == pytest.approx(tuple(transform)[:6])


def test_pixels_that_are_far_from_square_on_the_ground_are_told(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", crs="EPSG:4326", transform=Affine(1e-6, 0, 25, 0, -1e-6, 60))
    assert any("0.0558 m x 0.111 m" in words for words in describe_scene(path).warnings)


def test_a_given_gsd_wins(tmp_path: Path) -> None:
    with open_scene(make_scene(tmp_path / "a.tif"), InputSpec(gsd_m=0.6), SceneSettings(gsd_m=0.2)) as scene:
        assert (scene.info.gsd_m, scene.info.gsd_source) == (0.2, "given")
        assert scene.scale == pytest.approx(3)


SITE = 'ENGCRS["site",EDATUM["x"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'


@pytest.mark.parametrize(
    ("local", "gsd_m"),
    [
        (SITE, 0.3),
        ('LOCAL_CS["site",UNIT["metre",1]]', 0.3),
        (SITE.replace('"metre",1]', '"kilometre",1000]'), 300.0),
        (SITE.replace('"metre",1]', '"foot",0.3048]'), 0.3 * 0.3048),
    ],
)
def test_a_site_grid_has_the_pixels_of_its_own_unit(tmp_path: Path, local: str, gsd_m: float) -> None:
    info = describe_scene(make_scene(tmp_path / "a.tif", crs=local))
    assert (info.gsd_m, info.gsd_source, info.warnings) == (pytest.approx(gsd_m), "crs", ())


def test_a_scene_that_lies_nowhere_is_read_as_it_is(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", crs=None)
    with open_scene(path, InputSpec(gsd_m=0.3)) as scene:
        assert scene.info.gsd_m is None and scene.info.gsd_source == "unknown" and scene.scale == 1.0
        assert any("--gsd" in words for words in scene.info.warnings)
        assert any("in pixels" in words for words in scene.info.warnings)
        np.testing.assert_array_equal(scene.read(Window(0, 0, 160, 200)).pixels, make_pixels(3, 160, 200))
        assert scene.frame.transform == (1, 0, 0, 0, 1, 0)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_crs_without_a_transform_is_ignored_and_said(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", crs=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.crs = "EPSG:32633"
    with open_scene(path, InputSpec(gsd_m=0.3)) as scene:
        assert (scene.frame.crs_wkt, scene.info.gsd_m, scene.scale) == ("", None, 1.0)
        assert any("a.tif has a CRS but no transform" in words for words in scene.info.warnings)


@pytest.mark.parametrize(("model_gsd_m", "same"), [(0.3, True), (0.37, True), (0.25, True), (0.4, False), (0.2, False)])
def test_within_the_tolerance_nothing_is_resampled(tmp_path: Path, model_gsd_m: float, same: bool) -> None:
    with open_scene(make_scene(tmp_path / "a.tif"), InputSpec(gsd_m=model_gsd_m)) as scene:
        assert (scene.scale == 1.0) == same
        assert scene.scale == 1.0 or scene.scale == pytest.approx(model_gsd_m / scene.info.gsd_m)


@pytest.mark.parametrize("grid", ["scene", "model"])
def test_the_output_lies_on_the_grid_that_was_asked_for(tmp_path: Path, grid: str) -> None:
    with open_scene(make_scene(tmp_path / "a.tif"), InputSpec(gsd_m=0.9), SceneSettings(grid=grid)) as scene:
        expected = scene.scene_frame if grid == "scene" else scene.model_frame
        assert scene.frame == expected
        assert scene.model_hw == scene.model_frame.size_hw == (round(160 / scene.scale), round(200 / scene.scale))
        assert scene.model_frame.transform[0] == pytest.approx(0.3 * scene.scale)
        assert scene.model_frame.transform[2] == scene.scene_frame.transform[2] == 500_000


def test_a_scene_that_is_far_too_coarse_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", gsd=30)
    with pytest.raises(SceneError, match=r"30 m per pixel, the model was trained at 0.3 m: 100 times as fine") as error:
        open_scene(path, InputSpec(gsd_m=0.3))
    assert "--gsd 0.3" in error.value.hint
    with open_scene(path, InputSpec(gsd_m=0.3), SceneSettings(gsd_m=0.3)) as scene:
        assert scene.scale == 1.0


def points(noise_px: float) -> list[GroundControlPoint]:
    rng, place = np.random.default_rng(0), Affine(0.3, 0.02, 500_000, 0.01, -0.3, 4_600_000)
    spots = [(row, col) for row in range(0, 161, 40) for col in range(0, 201, 50)]
    moved = [(r + rng.normal(0, noise_px), c + rng.normal(0, noise_px)) for r, c in spots]
    return [
        GroundControlPoint(row=r, col=c, x=(place @ (mc, mr))[0], y=(place @ (mc, mr))[1])
        for (r, c), (mr, mc) in zip(spots, moved, strict=True)
    ]


def with_points(path: Path, noise_px: float) -> Path:
    make_scene(path, crs=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points(noise_px), rasterio.crs.CRS.from_epsg(32633))
    return path


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_place_a_scene_if_they_agree(tmp_path: Path) -> None:
    with open_scene(with_points(tmp_path / "a.tif", 0.01), InputSpec()) as scene:
        assert scene.info.transform == pytest.approx((0.3, 0.02, 500_000, 0.01, -0.3, 4_600_000), abs=0.01)
        assert "WGS 84 / UTM zone 33N" in scene.frame.crs_wkt
        assert any("25 ground control points" in words for words in scene.info.warnings)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_that_disagree_are_refused(tmp_path: Path) -> None:
    path = with_points(tmp_path / "a.tif", 5)
    with pytest.raises(SceneError, match="no affine transform fits") as error:
        open_scene(path, InputSpec())
    assert "gdalwarp" in error.value.hint
    assert any("gdalwarp" in words for words in describe_scene(path).warnings)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rpcs_alone_are_refused(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", crs=None)
    ones = [1.0] + [0.0] * 19
    with rasterio.open(path, "r+") as dataset:
        dataset.rpcs = RPC(0, 100, 30, 0.1, ones, ones, 80, 80, 10, 0.1, ones, ones, 100, 100, 0, 0)
    with pytest.raises(SceneError, match="RPCs only") as error:
        open_scene(path, InputSpec())
    assert "gdalwarp -rpc" in error.value.hint


def test_a_turned_scene_keeps_its_transform(tmp_path: Path) -> None:
    turned = Affine.translation(500_000, 4_600_000) @ Affine.rotation(30) @ Affine.scale(0.3, -0.3)
    path = make_scene(tmp_path / "a.tif", transform=turned)
    with open_scene(path, InputSpec()) as scene:
        assert scene.frame.transform == pytest.approx(tuple(turned)[:6])
        assert scene.info.gsd_m == pytest.approx(0.3, rel=0.001)
