"""Styles on request: files beside the polygons, colors from the legend, and rules of the MapLibre style spec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from fctl_geo.errors import OutputError, SettingsError
from fctl_geo.products.footprint import footprint_of
from fctl_geo.products.more_styles import style_files
from fctl_geo.products.polygonise import polygonise
from fctl_geo.products.web_style import maplibre_style
from fctl_geo.settings import OutputSettings
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.windows.frame import RasterFrame

LEGEND = Legend(
    (
        ClassInfo(0, "land", (200, 200, 200), background=True),
        ClassInfo(1, "building", (200, 0, 0)),
        ClassInfo(2, 'tree & "bush"', (0, 100, 50)),
    )
)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """A class raster near Banepa."""
    values = np.kron(np.array([[0, 1], [2, 1]], np.uint8), np.ones((20, 20), np.uint8))
    profile = {"driver": "GTiff", "height": 40, "width": 40, "count": 1, "dtype": "uint8", "nodata": 255}
    place = {"crs": "EPSG:32645", "transform": Affine(0.5, 0, 350_000, 0, -0.5, 3_060_000)}
    with rasterio.open(tmp_path / "classes.tif", "w", **profile, **place) as file:
        file.write(values, 1)
    return tmp_path / "classes.tif"


def color_of(expression: Any, properties: dict[str, object]) -> str:
    """What a map computes: a color, or ["match", ["get", column], value, color, ..., otherwise]."""
    if isinstance(expression, str):
        return expression
    match, (get, column), *pairs, otherwise = expression
    assert (match, get) == ("match", "get") and len(pairs) % 2 == 0
    labels = pairs[::2]
    assert len(set(labels)) == len(labels), "the spec refuses a label that occurs twice"
    return str(dict(zip(labels, pairs[1::2], strict=True)).get(properties[column], otherwise))


def test_styles_lie_beside_the_polygons_and_are_told(classes: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "town.gpkg", tmp_path / "town.geojson", tmp_path / "other.fgb"]
    summary = polygonise(classes, outs, legend=LEGEND, styles=("sld", "maplibre"))
    made = {path.name for path in summary.paths}
    assert {"town.sld", "other.sld", "town.style.json"} <= made and all(path.exists() for path in summary.paths)
    assert (tmp_path / "town.sld").read_text().count("<se:Rule>") == 2
    style = json.loads((tmp_path / "town.style.json").read_text())
    assert style["sources"] == {"town": {"type": "geojson", "data": "town.geojson"}}
    lon, lat = style["center"]
    assert (lon, lat) == pytest.approx((85.4794, 27.6557), abs=1e-4) and style["zoom"] == 18


def test_a_map_style_keeps_the_rules_of_the_spec_and_has_the_legends_colors() -> None:
    place = footprint_of(RasterFrame(400, 400, (10, 0, 350_000, 0, -10, 3_060_000), "EPSG:32645"))
    for data in (Path("town.geojson"), Path("town.pmtiles")):
        style = json.loads(maplibre_style(LEGEND, data, place))
        assert style["version"] == 8 and 0 <= style["zoom"] <= 24
        (source,) = style["sources"].values()
        assert source["type"] == ("vector" if data.suffix == ".pmtiles" else "geojson")
        ids = [layer["id"] for layer in style["layers"]]
        assert len(set(ids)) == len(ids) == 2
        fill, line = style["layers"]
        assert {fill["source"], line["source"]} == set(style["sources"])
        assert ("source-layer" in fill) == (source["type"] == "vector"), "needed for tiles, not allowed for GeoJSON"
        for info in LEGEND:
            assert color_of(fill["paint"]["fill-color"], {"class_name": info.name}) == info.hex
        assert color_of(line["paint"]["line-color"], {"class_name": "building"}) == "#780000", "darker"
        assert color_of(fill["paint"]["fill-color"], {"class_name": "?"}) == "#808080"
    assert color_of(
        json.loads(maplibre_style(Legend(()), Path("a.geojson"), None))["layers"][0]["paint"]["fill-color"], {}
    )


def test_tiles_come_before_geojson_where_both_are_written() -> None:
    outs = [Path("a.geojson"), Path("a.pmtiles"), Path("b.geojson"), Path("c.gpkg")]
    assert style_files(outs, ("maplibre",)) == (Path("a.style.json"), Path("b.style.json"))
    assert style_files(outs, ("sld", "sld")) == (Path("a.sld"), Path("b.sld"), Path("c.sld"))
    assert style_files(outs, ()) == ()


def test_a_style_without_polygons_that_it_draws_is_refused(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"maplibre is for \.pmtiles or \.geojson") as caught:
        polygonise(classes, [tmp_path / "town.gpkg"], styles=("maplibre",))
    assert "roofs.geojson" in caught.value.hint and not (tmp_path / "town.gpkg").exists()
    with pytest.raises(SettingsError, match="sld is for polygons"):
        style_files([Path("cover.tif")], ("sld",))
    with pytest.raises(SettingsError, match="style is 'css'"):
        OutputSettings(styles=("css",))  # type: ignore[arg-type]


def test_an_existing_style_is_only_replaced_if_that_is_allowed(classes: Path, tmp_path: Path) -> None:
    (tmp_path / "town.sld").write_text("mine")
    with pytest.raises(OutputError, match=r"town\.sld already exists"):
        polygonise(classes, [tmp_path / "town.gpkg"], styles=("sld",))
    assert not (tmp_path / "town.gpkg").exists(), "refused before the work"
    polygonise(classes, [tmp_path / "town.gpkg"], styles=("sld",), overwrite=True)
    assert "StyledLayerDescriptor" in (tmp_path / "town.sld").read_text()
