"""Procedural scenes for the figures, and what the program makes of them. No camera has seen these places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import geopandas
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from fctl_geo import PolygonSettings, SceneResult, Settings, segment_array
from fctl_geo.spec import Legend
from fctl_geo.synthetic.world import render_scene

CRS = "EPSG:32633"
ORIGIN_M = (412_600.0, 5_402_400.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a procedural scene lies: the same place gives the same pixels."""

    style: str
    seed: int
    size_hw: tuple[int, int]
    gsd_m: float = 0.25

    @property
    def transform(self) -> Affine:
        """From pixels to the map."""
        return Affine.translation(*ORIGIN_M) @ Affine.scale(self.gsd_m, -self.gsd_m)


@cache
def photograph(place: Place) -> NDArray[np.uint8]:
    """(3, H, W) the aerial image of a place."""
    return render_scene(place.seed, *place.size_hw, place.gsd_m, place.style).rgb


@cache
def truth(place: Place) -> NDArray[np.uint8]:
    """(H, W) ids of `synthetic.world.CLASSES`; 1 is building."""
    return render_scene(place.seed, *place.size_hw, place.gsd_m, place.style).classes


@cache
def segment(place: Place, model: str, polygons: PolygonSettings) -> SceneResult:
    """Segment a place as `fctl-geo segment` does."""
    settings = Settings(model=model, polygons=polygons)
    return segment_array(photograph(place), place.transform, CRS, settings)


def classes_of(result: SceneResult) -> NDArray[np.uint8]:
    """(H, W) the class raster of a result."""
    with result.classes() as raster:
        found: NDArray[np.uint8] = raster.read(1)
    return found


def in_pixels(polygons: geopandas.GeoDataFrame, place: Place) -> geopandas.GeoDataFrame:
    """Polygons with column and row instead of map coordinates."""
    a, b, c, d, e, f = tuple(~place.transform)[:6]
    return polygons.set_geometry(polygons.geometry.affine_transform([a, b, d, e, c, f]), crs=None)


def colors_of(classes: NDArray[np.uint8], legend: Legend) -> NDArray[np.uint8]:
    """(H, W, 3) classes in the colors of their legend."""
    table = np.full((256, 3), 255, np.uint8)
    for info in legend:
        table[info.id] = info.color
    return table[classes]
