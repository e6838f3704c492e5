"""How web maps draw our polygons: MapLibre styles of a legend."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from fctl_geo.products.footprint import Footprint
from fctl_geo.products.geopackage import layer_name
from fctl_geo.products.style import CLASS_FIELD, FILL_ALPHA, darker, hex_of
from fctl_geo.spec import Legend

WEB_ENDINGS = (".pmtiles", ".geojson")
"""Polygons that a MapLibre map can draw, the faster ones first."""
_OTHER = (128, 128, 128)
_MOST_ZOOM = 18.0


def maplibre_style(legend: Legend, data: Path, place: Footprint | None) -> str:
    """A MapLibre style (version 8) for polygons in the same folder: a color for each class, and darker outlines.

    Args:
        data: the polygons, .geojson or .pmtiles (for which a map needs the protocol of the package pmtiles).
        place: where the map starts.
    """
    name = layer_name(data)
    source: dict[str, Any] = {"type": "geojson", "data": data.name}
    layer: dict[str, Any] = {"source": name}
    if data.suffix.lower() == ".pmtiles":
        source = {"type": "vector", "url": f"pmtiles://{data.name}"}
        layer["source-layer"] = name
    fill = {"fill-color": _colors(legend, keep=1.0), "fill-opacity": FILL_ALPHA, "fill-antialias": False}
    style: dict[str, Any] = {
        "version": 8,
        "name": data.stem,
        "sources": {name: source},
        "layers": [
            {"id": f"{name} fill", "type": "fill", **layer, "paint": fill},
            {
                "id": f"{name} outline",
                "type": "line",
                **layer,
                "paint": {"line-color": _colors(legend, keep=0.6), "line-width": 1},
            },
        ],
    }
    if place is not None:
        west, _, east, _ = place.bbox
        zoom = math.log2(360 / max((east - west) % 360, 1e-9))
        style |= {"center": [round(degrees, 6) for degrees in place.center], "zoom": round(min(zoom, _MOST_ZOOM), 2)}
    return json.dumps(style, ensure_ascii=False, indent=1) + "\n"


def _colors(legend: Legend, keep: float) -> str | list[Any]:
    """An expression that gives the color of a feature's class."""
    pairs = [value for info in legend for value in (info.name, hex_of(darker(info.color, keep)))]
    return ["match", ["get", CLASS_FIELD], *pairs, hex_of(_OTHER)] if pairs else hex_of(_OTHER)
