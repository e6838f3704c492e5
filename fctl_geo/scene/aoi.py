"""The area of interest within a scene: polygons from a vector file, a bounding box, or both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.features import rasterize
from shapely.errors import ShapelyError

from fctl_geo.errors import AoiError
from fctl_geo.scene.onto_scene import OntoScene
from fctl_geo.scene.vector_file import Box, open_vector, polygons_in
from fctl_geo.storage.address import gdal_name
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window


@dataclass(frozen=True, slots=True)
class Region:
    """Polygons in pixel coordinates (x = column, y = row) of the output's full grid."""

    area: Any
    """A prepared shapely (Multi)Polygon."""
    parts: tuple[Any, ...]
    tree: Any
    window: Window
    """Its bounding box, snapped outward to whole pixels and clipped to the grid."""

    def may_touch(self, window: Window) -> bool:
        """Whether any part of it lies in the window."""
        return not window.empty and bool(self.area.intersects(_box(window)))

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) True where the pixel's center lies inside; request aligned tiles only: see `Scene.wanted`."""
        box = _box(window)
        if self.area.contains(box):
            return np.ones(window.size_hw, np.bool_)
        near = [self.parts[i] for i in self.tree.query(box)]
        if not near:
            return np.zeros(window.size_hw, np.bool_)
        burned = rasterize(near, window.size_hw, transform=Affine.translation(window.col, window.row), dtype="uint8")
        return np.asarray(burned > 0)


def read_region(
    frame: RasterFrame, aoi: Path | None, bbox: tuple[float, float, float, float] | None
) -> tuple[Region | None, tuple[str, ...]]:
    """The region of an AOI file and a bounding box on the grid of `frame`, with warnings; None: the whole scene.

    Args:
        frame: the full output grid.
        aoi: polygons in any vector format and CRS; without a CRS they are assumed to be in the scene's.
        bbox: west, south, east, north in the scene's CRS.
    Raises:
        AoiError: no file, no polygons, no transformation between the two CRSs, or the area misses the scene.
    """
    if aoi is None and bbox is None:
        return None, ()
    box = None if bbox is None else shapely.box(*bbox)
    if aoi is None:
        return _region_on(frame, box, "the bounding box", bbox or frame.bounds), ()
    area, reach, warnings = _polygons_in(aoi, frame)
    if box is not None:
        area = shapely.intersection(area, box)
    return _region_on(frame, area, f"the area of interest {aoi.name}", reach), warnings


def _polygons_in(aoi: Path, frame: RasterFrame) -> tuple[Any, Box, tuple[str, ...]]:
    """The polygons on the scene as one area in its CRS, the bounds of all polygons in that CRS, and warnings."""
    if not gdal_name(aoi).startswith("/vsi") and not aoi.exists():
        raise AoiError(f"the area of interest {aoi} does not exist", hint="check the path given to --aoi")
    vector = open_vector(aoi, AoiError)
    onto, parts, bounds, features = OntoScene(vector, frame, AoiError), [], [], 0
    try:
        for _, shapes in vector.shapes():
            polygons, _ = polygons_in(shapes)
            features += len(shapes)
            parts.append(onto.bring(polygons)[0])
            bounds.append(shapely.bounds(polygons).reshape(-1, 4))
    except (DataSourceError, DataLayerError, ShapelyError) as error:
        raise AoiError(f"{aoi.name} is damaged ({error})", hint="create it again, or repair it in QGIS") from error
    if not sum(len(boxes) for boxes in bounds):
        raise AoiError(
            f"{aoi.name} has no polygons ({features:,} features)",
            hint="use a file that holds polygons, not points or lines",
        )
    boxes, warnings = np.concatenate(bounds), vector.warnings
    if onto.crs_assumed:
        subject = "the area of interest" if not vector.crs else "the scene"
        warnings += (f"{subject} has no CRS: both are assumed to be in the same one",)
    reach = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    return shapely.union_all(np.concatenate(parts)), onto.bounds(reach), warnings


def _region_on(frame: RasterFrame, area: Any, name: str, reach: Box) -> Region:
    """The area in pixels of the grid; `reach` holds the bounds of everything that was requested."""
    to_pixels = ~Affine(*frame.transform)
    matrix = (to_pixels.a, to_pixels.b, to_pixels.d, to_pixels.e, to_pixels.c, to_pixels.f)
    full = Window(0, 0, frame.height, frame.width)
    pixels = shapely.intersection(_affine(area, matrix), _box(full))
    parts = shapely.get_parts(pixels)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    if len(parts) == 0:
        raise AoiError(
            f"{name} misses the scene: it covers {_extent(reach)}, the scene covers {_extent(frame.bounds)}",
            hint="both are given in the scene's CRS; check which CRS the area was drawn in",
        )
    whole = shapely.multipolygons(parts)
    shapely.prepare(whole)
    west, north, east, south = whole.bounds
    row, col = math.floor(north), math.floor(west)
    window = Window(row, col, math.ceil(south) - row, math.ceil(east) - col).clip(full)
    region = Region(whole, tuple(parts), shapely.STRtree(parts), window)
    if not any(region.mask(tile).any() for tile in _tiles(window)):
        raise AoiError(
            f"{name} contains no pixel: it measures {east - west:.3g} x {south - north:.3g} pixels, and no pixel's "
            "center lies in it",
            hint="draw it larger than a pixel, and check its CRS and units",
        )
    return region


def _tiles(window: Window, side_px: int = 512) -> Iterator[Window]:
    for row in range(window.row, window.row_end, side_px):
        for col in range(window.col, window.col_end, side_px):
            yield Window(row, col, side_px, side_px).clip(window)


def _affine(area: Any, matrix: tuple[float, ...]) -> Any:
    a, b, d, e, c, f = matrix
    return shapely.transform(area, lambda x, y: (a * x + b * y + c, d * x + e * y + f), interleaved=False)


def _box(window: Window) -> Any:
    return shapely.box(window.col, window.row, window.col_end, window.row_end)


def _extent(bounds: tuple[float, ...]) -> str:
    if not np.isfinite(bounds).all():
        return "nothing"
    west, south, east, north = bounds
    return f"x {west:.10g} to {east:.10g}, y {south:.10g} to {north:.10g}"
