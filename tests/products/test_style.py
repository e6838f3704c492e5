"""Styles: what QGIS and GeoServer need to find in them (read back as XML)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.products.style import darker, file_qml, polygon_qml, polygon_sld
from fctl_geo.spec import ClassInfo, Legend

LEGEND = Legend((ClassInfo(0, "land", (10, 20, 30), background=True), ClassInfo(3, 'tree & "bush" <x>', (0, 200, 0))))
NAMES = [info.name for info in LEGEND]


def test_every_class_is_a_category_with_a_symbol_of_its_color() -> None:
    renderer = ET.fromstring(polygon_qml(LEGEND)).find("renderer-v2")
    assert renderer is not None
    assert renderer.attrib["type"] == "categorizedSymbol"
    assert renderer.attrib["attr"] == "class_name"
    assert [c.attrib["value"] for c in renderer.iterfind("categories/category")] == NAMES
    symbols = {s.attrib["name"]: s for s in renderer.iterfind("symbols/symbol")}
    for info, category in zip(LEGEND, renderer.iterfind("categories/category"), strict=True):
        layer = symbols[category.attrib["symbol"]].find("layer")
        assert layer is not None and layer.attrib["class"] == "SimpleFill"
        modern = {o.attrib["name"]: o.attrib["value"] for o in layer.iterfind("Option/Option")}
        old = {p.attrib["k"]: p.attrib["v"] for p in layer.iterfind("prop")}
        assert modern == old
        assert modern["color"] == ",".join(map(str, (*info.color, 153)))


def test_the_outline_is_darker_than_the_fill() -> None:
    assert darker((100, 200, 0)) == (60, 120, 0)


def test_a_raster_style_names_exactly_the_classes() -> None:
    entries = ET.fromstring(file_qml(LEGEND, LEGEND)).findall("pipe/rasterrenderer/colorPalette/paletteEntry")
    wanted = [(str(i.id), i.hex, i.name) for i in LEGEND]
    assert [(e.attrib["value"], e.attrib["color"], e.attrib["label"]) for e in entries] == wanted


def test_one_file_serves_the_raster_and_the_polygons_of_a_stem() -> None:
    drawn = Legend(LEGEND.classes[1:])
    root = ET.fromstring(file_qml(LEGEND, drawn))
    assert root.tag == "qgis"
    assert len(root.findall("pipe/rasterrenderer/colorPalette/paletteEntry")) == 2
    assert len(root.findall("renderer-v2/categories/category")) == 1


def test_sld_has_a_rule_with_filter_and_fill_for_every_class() -> None:
    ns = {"sld": "http://www.opengis.net/sld", "se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}
    root = ET.fromstring(polygon_sld(LEGEND, "roofs").encode())
    assert root.findtext("sld:NamedLayer/se:Name", namespaces=ns) == "roofs"
    rules = root.findall(".//se:Rule", ns)
    assert [r.findtext("ogc:Filter/ogc:PropertyIsEqualTo/ogc:Literal", namespaces=ns) for r in rules] == NAMES
    fills = [r.findtext("se:PolygonSymbolizer/se:Fill/se:SvgParameter[@name='fill']", namespaces=ns) for r in rules]
    assert fills == [i.hex for i in LEGEND]


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=20))
def test_any_class_name_survives_the_xml(name: str) -> None:
    legend = Legend((ClassInfo(1, name, (1, 2, 3)),))
    category = ET.fromstring(polygon_qml(legend)).find("renderer-v2/categories/category")
    assert category is not None and category.attrib["value"] == name
