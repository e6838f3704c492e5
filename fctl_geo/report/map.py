"""The map of a report: scene and classes as images, the data of the viewer, and its controls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from fctl_geo.georef.pixel_size import pixel_size_m
from fctl_geo.georef.surface import CurvedSurface, crs_name, surface_of
from fctl_geo.raster.reader import ClassRaster
from fctl_geo.report.html import hatched_swatch
from fctl_geo.report.images import classes_uri, distinct_colors, photo_uri
from fctl_geo.report.views import view_scene
from fctl_geo.scene.scene import Scene
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

MAP_PX = 2048
"""Longest side of the images."""


@dataclass(frozen=True, slots=True)
class MapImages:
    """Scene and classes at reduced resolution, as data URIs."""

    scene: str
    scene_extent: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels of the products, which the picture may exceed by one of its pixels."""
    classes: str
    frame: RasterFrame
    legend: Legend
    factor: int
    """Pixels of the products per pixel of the classes' image."""


def map_images(scene: Scene, raster: ClassRaster, legend: Legend) -> MapImages:
    """Read scene and classes at reduced resolution, whatever their size.

    Args:
        legend: the classes that the map names.
    """
    height, width = raster.frame.size_hw
    factor = max(1, -(-max(height, width) // MAP_PX))
    view = view_scene(scene, Window(0, 0, height, width), MAP_PX)
    classes = raster.shrunk((-(-height // factor), -(-width // factor)))
    return MapImages(
        photo_uri(view.rgb, view.valid),
        view.extent,
        classes_uri(classes, distinct_colors(legend)),
        raster.frame,
        legend,
        factor,
    )


def map_html(images: MapImages, outlines: Sequence[Sequence[object]], note: str) -> str:
    """The map with its controls, and both images side by side for when scripts are off, or on paper.

    Args:
        outlines: of polygons: class id, then rings (`ReportObjects.outlines`).
        note: a sentence about the outlines.
    """
    shown = "".join(_class_box(k, info) for k, info in enumerate(images.legend))
    outlines_box = _box("show-outlines", "outlines", checked=bool(outlines), disabled=not outlines)
    return (
        '<div id="map-box"><div id="map" tabindex="0" role="application" aria-label="Map of the scene and its classes. '
        'Arrow keys move it, plus and minus zoom."><div id="map-divider" aria-hidden="true"></div></div>'
        '<div id="map-controls" hidden>'
        '<label for="map-swipe">Divider: the scene is to its left, the classes to its right</label>'
        '<input id="map-swipe" type="range" min="0" max="100" step="1" value="50">'
        f"<fieldset><legend>Classes shown</legend>{shown}</fieldset>"
        f"<fieldset><legend>Also show</legend>{outlines_box}{_box('show-hatches', 'hatches', checked=False)}</fieldset>"
        f'<p><span id="map-pointer" aria-hidden="true"></span></p><p id="map-center" role="status"></p></div></div>'
        f'<div id="map-stills" class="two"><figure><img id="scene-image" alt="The scene, reduced" src="{images.scene}">'
        f'<figcaption>scene</figcaption></figure><figure><img id="class-image" alt="Its classes, reduced" '
        f'src="{images.classes}"><figcaption>classes</figcaption></figure></div><p>{escape(note)}</p>'
        f'<script type="application/json" id="map-data">{_data(images, outlines)}</script>'
    )


def _class_box(k: int, info: ClassInfo) -> str:
    return (
        f'<label class="chip"><input type="checkbox" id="show-{k}"{"" if info.background else " checked"}>'
        f"{hatched_swatch(info, k)}</label>"
    )


def _box(name: str, words: str, *, checked: bool, disabled: bool = False) -> str:
    state = " checked" * checked + " disabled" * disabled
    return f'<label class="chip"><input type="checkbox" id="{name}"{state}>{escape(words)}</label>'


def _data(images: MapImages, outlines: Sequence[Sequence[object]]) -> str:
    frame, colors = images.frame, distinct_colors(images.legend)
    indices = {info.id: k for k, info in enumerate(images.legend)}
    left, top, right, bottom = images.scene_extent
    degrees = isinstance(surface := surface_of(frame.crs_wkt), CurvedSurface) and surface.transformer is None
    values = {
        "size": (frame.width, frame.height),
        "transform": frame.transform,
        "crs": crs_name(frame.crs_wkt) if frame.crs_wkt else "",
        "digits": 6 if degrees else 1,
        "meters_per_pixel": pixel_size_m(frame),
        "classes": [{"name": info.name, "color": colors[info.id]} for info in images.legend],
        "scene_extent": (left, -bottom, right, -top),
        "class_extent": (0, -frame.height, frame.width, 0),
        "outlines": [(indices[o[0]], *o[1:]) for o in outlines if o[0] in indices],
    }
    text = json.dumps(values, separators=(",", ":"))
    return text.replace("<", "\\u003c")  # no text can end the element
