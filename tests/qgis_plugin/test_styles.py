"""Styles that we write, read by a real QGIS."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pytest
import shapely
from real_qgis import Qgis

from fctl_geo.assess.error_layers import write_errors
from fctl_geo.assess.evaluate_polygons import evaluate_polygons
from fctl_geo.products.style import polygon_sld
from fctl_geo.spec import ClassInfo, Legend

pytestmark = pytest.mark.qgis

HOUSES = [shapely.box(5e5 + 20 * i, 6e6, 5e5 + 20 * i + 10, 6e6 + 8) for i in range(4)]


def test_an_sld_colors_the_classes(qgis: Qgis, tmp_path: Path) -> None:
    legend = Legend((ClassInfo(1, "building", (200, 10, 0)), ClassInfo(2, 'tree & "bush"', (0, 100, 50))))
    names = ["building", 'tree & "bush"', "building", "other"]
    geopandas.GeoDataFrame({"class_name": names}, geometry=HOUSES, crs="EPSG:32635").to_file(tmp_path / "a.fgb")
    (tmp_path / "a.sld").write_text(polygon_sld(legend, "a"), encoding="utf-8")
    drawn = qgis.without_engine().script(
        """
layer = QgsVectorLayer(data, "a", "ogr")
words, fine = layer.loadSldStyle(sld)
assert fine, words
context = QgsRenderContext()
renderer = layer.renderer()
renderer.startRender(context, layer.fields())
answer = []
for feature in layer.getFeatures():
    context.expressionContext().setFeature(feature)
    symbols = renderer.symbolsForFeature(feature, context)
    colors = [symbol.symbolLayer(0).color() for symbol in symbols]
    answer.append([feature["class_name"], [[color.name(), round(color.alphaF(), 2)] for color in colors]])
renderer.stopRender(context)
""",
        tmp=tmp_path,
        data=tmp_path / "a.fgb",
        sld=tmp_path / "a.sld",
    )
    assert sorted(drawn) == [
        ["building", [["#c80a00", 0.6]]],
        ["building", [["#c80a00", 0.6]]],
        ["other", []],
        ['tree & "bush"', [["#006432", 0.6]]],
    ]


def test_layers_of_errors_are_colored_by_what_went_wrong(qgis: Qgis, tmp_path: Path) -> None:
    geopandas.GeoDataFrame(geometry=HOUSES, crs="EPSG:32635").to_file(tmp_path / "truth.gpkg")
    geopandas.GeoDataFrame(geometry=HOUSES[:3], crs="EPSG:32635").to_file(tmp_path / "found.gpkg")
    write_errors(evaluate_polygons(tmp_path / "found.gpkg", tmp_path / "truth.gpkg"), tmp_path / "errors.gpkg")
    found = qgis.without_engine().script(
        """
answer = {}
for name in ("reference", "polygons"):
    layer = QgsVectorLayer(f"{errors}|layername={name}", name, "ogr")
    renderer = layer.renderer()
    answer[name] = [renderer.type(), renderer.classAttribute(), {c.value(): c.symbol().color().name() for c in
                    renderer.categories()}, layer.featureCount()]
""",
        tmp=tmp_path,
        errors=tmp_path / "errors.gpkg",
    )
    for name, alone, count in (("reference", "missed", 4), ("polygons", "false", 3)):
        kind, column, colors, features = found[name]
        assert (kind, column, features) == ("categorizedSymbol", "result", count)
        assert set(colors) == {"matched", "merged", "split", alone, "not counted"} and colors["matched"] == "#009e73"
