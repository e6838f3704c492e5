"""How GIS programs draw our products: QGIS styles (QML) and OGC styles (SLD) of a legend.

A .qml lies beside a file and has the same stem, so `out.tif` and `out.fgb` share one. That works because QGIS uses
the element that matches its layer: <pipe> for rasters, <renderer-v2> for polygons. `file_qml` therefore writes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from fctl_geo.progress import Progress
from fctl_geo.spec import ClassInfo, Legend

FILL_ALPHA = 0.6
OUTLINE_MM = 0.26
CLASS_FIELD = "class_name"
_QML_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_QGIS_VERSION = "3.22.0"
"""The oldest supported QGIS; newer ones, including 4, read its styles."""


def style_path(product: Path) -> Path:
    """Where QGIS looks for the style of a raster or polygon file."""
    return product.with_suffix(".qml")


def say_kept(style: Path, progress: Progress) -> None:
    """Report that an existing style is not replaced."""
    progress.say(f"{style} exists and is kept; it may show different classes")


def polygon_qml(legend: Legend, field: str = CLASS_FIELD) -> str:
    """A QGIS style for polygons: one category per class of the legend, translucent fill, darker outline."""
    return _qml([_renderer(legend, field)])


def file_qml(legend: Legend, drawn: Legend) -> str:
    """A QGIS style that fits both the class raster and the polygons (of the `drawn` classes) of one stem."""
    return _qml([_pipe(legend), _renderer(drawn)])


def polygon_sld(legend: Legend, layer: str, field: str = CLASS_FIELD) -> str:
    """An OGC style for polygons (SLD 1.1, as QGIS and GeoServer write and read it)."""
    root = ET.Element(
        "StyledLayerDescriptor",
        {
            "version": "1.1.0",
            "xmlns": "http://www.opengis.net/sld",
            "xmlns:ogc": "http://www.opengis.net/ogc",
            "xmlns:se": "http://www.opengis.net/se",
        },
    )
    named = _add(root, "NamedLayer")
    _add(named, "se:Name", layer)
    user = _add(named, "UserStyle")
    _add(user, "se:Name", layer)
    feature = _add(user, "se:FeatureTypeStyle")
    for info in legend:
        _rule(feature, info, field)
    return _text(root, '<?xml version="1.0" encoding="UTF-8"?>\n')


def darker(color: tuple[int, int, int], keep: float = 0.6) -> tuple[int, int, int]:
    """The color of an outline: the fill color at `keep` of its brightness."""
    r, g, b = (round(c * keep) for c in color)
    return r, g, b


def _qml(parts: Iterable[ET.Element]) -> str:
    root = ET.Element("qgis", {"version": _QGIS_VERSION, "styleCategories": "Symbology"})
    root.extend(parts)
    return _text(root, _QML_HEAD)


def _pipe(legend: Legend) -> ET.Element:
    pipe = ET.Element("pipe")
    renderer = _add(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1", nodataColor="")
    palette = _add(renderer, "colorPalette")
    for info in legend:
        _add(palette, "paletteEntry", value=str(info.id), color=info.hex, alpha="255", label=info.name)
    return pipe


def _renderer(legend: Legend, field: str = CLASS_FIELD) -> ET.Element:
    renderer = ET.Element(
        "renderer-v2", type="categorizedSymbol", attr=field, enableorderby="0", forceraster="0", symbollevels="0"
    )
    categories, symbols = _add(renderer, "categories"), _add(renderer, "symbols")
    for index, info in enumerate(legend):
        named = {"value": info.name, "label": info.name, "type": "string"}
        _add(categories, "category", **named, symbol=str(index), render="true")
        _symbol(symbols, index, info)
    return renderer


def _symbol(symbols: ET.Element, index: int, info: ClassInfo) -> None:
    symbol = _add(symbols, "symbol", type="fill", name=str(index), alpha="1", clip_to_extent="1", force_rhr="0")
    layer = _add(symbol, "layer", enabled="1", locked="0")
    layer.attrib |= {"class": "SimpleFill", "pass": "0"}
    values = {
        "color": _rgba(info.color, FILL_ALPHA),
        "joinstyle": "bevel",
        "offset": "0,0",
        "offset_unit": "MM",
        "outline_color": _rgba(darker(info.color), 1.0),
        "outline_style": "solid",
        "outline_width": str(OUTLINE_MM),
        "outline_width_unit": "MM",
        "style": "solid",
    }
    options = _add(layer, "Option", type="Map")
    for key, value in values.items():
        _add(options, "Option", type="QString", name=key, value=value)
    for (
        key,
        value,
    ) in values.items():  # QGIS 3.22 also writes the older form, the only one that readers before 3.20 know
        _add(layer, "prop", k=key, v=value)


def _rule(feature: ET.Element, info: ClassInfo, field: str) -> None:
    rule = _add(feature, "se:Rule")
    _add(rule, "se:Name", info.name)
    equal = _add(_add(rule, "ogc:Filter"), "ogc:PropertyIsEqualTo")
    _add(equal, "ogc:PropertyName", field)
    _add(equal, "ogc:Literal", info.name)
    painter = _add(rule, "se:PolygonSymbolizer")
    fill = _add(painter, "se:Fill")
    _add(fill, "se:SvgParameter", info.hex, name="fill")
    _add(fill, "se:SvgParameter", str(FILL_ALPHA), name="fill-opacity")
    stroke = _add(painter, "se:Stroke")
    _add(stroke, "se:SvgParameter", "#{:02x}{:02x}{:02x}".format(*darker(info.color)), name="stroke")
    _add(stroke, "se:SvgParameter", "1", name="stroke-width")


def _rgba(color: tuple[int, int, int], alpha: float) -> str:
    return ",".join(map(str, (*color, round(alpha * 255))))


def _add(parent: ET.Element, tag: str, text: str | None = None, /, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    child.text = text
    return child


def _text(root: ET.Element, head: str) -> str:
    ET.indent(root)
    return head + ET.tostring(root, encoding="unicode") + "\n"
