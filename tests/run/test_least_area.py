"""The smallest region: what the model recommends unless the user decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_factory import make_model
from scene_factory import make_scene

from fctl_geo import OutputSettings, PolygonSettings, SceneSettings, Settings, read_polygons, segment_scene
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.run.open import with_least_area
from fctl_geo.scene import open_scene

UTM = "EPSG:32633"


def smallest(tmp_path: Path, model: Path, asked: float | None) -> float:
    """Area of the smallest polygon of a run, all classes drawn."""
    out = tmp_path / f"{asked}.gpkg"
    polygons = PolygonSettings(min_area_m2=asked, classes=("nothing", "a", "b"), separate=False)
    segment_scene(
        make_scene(tmp_path / "scene.tif", 300, 200, gsd=0.5),
        Settings(model=str(model), polygons=polygons, output=OutputSettings(outs=(out,))),
    )
    return float(read_polygons(out).area_m2.min())


def test_regions_below_the_models_recommendation_are_merged_unless_the_user_decides(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m.safetensors", min_area_m2=9.0)
    assert smallest(tmp_path, model, 0.0) < 1
    assert smallest(tmp_path, model, None) > 8.99
    assert 2.99 < smallest(tmp_path, model, 3.0) < 9


@pytest.mark.parametrize(
    ("crs", "gsd_m", "model_gsd_m", "least"),
    [
        (UTM, None, 0.25, 10.0),
        (None, 0.5, 0.25, 10.0),
        (None, None, 0.25, 160.0),  # in pixels, which are taken for the model's
        (None, None, None, 0.0),
    ],
)
def test_it_counts_in_the_unit_of_the_areas(
    tmp_path: Path, crs: str | None, gsd_m: float | None, model_gsd_m: float | None, least: float
) -> None:
    info = read_model_info(make_model(tmp_path / "m.safetensors", gsd_m=model_gsd_m, min_area_m2=10.0))
    with open_scene(make_scene(tmp_path / "s.tif", 40, 40, crs=crs), info.input, SceneSettings(gsd_m=gsd_m)) as scene:
        assert with_least_area(PolygonSettings(), info, scene.frame).min_area_m2 == pytest.approx(least)
        chosen = PolygonSettings(min_area_m2=7.0)
        assert with_least_area(chosen, info, scene.frame) is chosen
