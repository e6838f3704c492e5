"""Reads polygons back from a product as rings in pixel coordinates, for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fctl_geo.products.geopackage import layer_name
from fctl_geo.storage.address import ogr_name
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window


@dataclass(frozen=True, slots=True)
class PixelPolygon:
    """One polygon in the pixel coordinates of a raster."""

    class_id: int
    rings: tuple[NDArray[np.float64], ...]
    """Exterior first, then holes; each is closed and (n, 2): column and row of each corner."""


def layer_of(path: Path) -> str:
    """The layer of a product: the one named after the file, or else the first that has a geometry.

    Raises:
        IndexError: there is none.
    """
    import pyogrio

    layers = [name for name, kind in pyogrio.list_layers(ogr_name(path)) if kind is not None]  # styles have none
    return layer_name(path) if layer_name(path) in layers else str(layers[0])


def count_polygons(path: Path) -> int:
    """The number of polygons in a product, from its header."""
    import pyogrio

    return int(pyogrio.read_info(ogr_name(path), layer=layer_of(path))["features"])


def read_rings(path: Path, frame: RasterFrame, window: Window) -> list[PixelPolygon]:
    """The polygons of a product that intersect a window, unclipped, in pixel coordinates of `frame`."""
    import pyogrio.raw
    import shapely

    a, b, c, d, e, f = frame.transform
    box = frame.cut(window).bounds
    _, _, wkb, (class_ids,) = pyogrio.raw.read(ogr_name(path), layer=layer_of(path), bbox=box, columns=["class_id"])
    to_pixels = np.linalg.inv(np.array([(a, b, c), (d, e, f), (0, 0, 1)]))
    found = []
    for geometry, class_id in zip(shapely.from_wkb(wkb), class_ids, strict=True):
        for part in shapely.get_parts(geometry):
            lines = [part.exterior, *part.interiors]
            rings = tuple(shapely.get_coordinates(line) @ to_pixels[:2, :2].T + to_pixels[:2, 2] for line in lines)
            found.append(PixelPolygon(int(class_id), rings))
    return found
