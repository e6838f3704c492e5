"""The part of the scene that is asked for: polygons of a vector file, a box, or both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import CRSError, ProjError
from rasterio.features import rasterize
from shapely.errors import ShapelyError

from fctl_geo.errors import AoiError
from fctl_geo.storage.address import gdal_name, is_remote, shown
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

_EDGE_POINTS = 200
"""A reprojected edge gets so many points over the AOI's extent: a straight line there is a curve here."""


_DRIVERS = frozenset({
    "GPKG", "GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON", "ESRI Shapefile", "FlatGeobuf", "KML", "LIBKML", "GML",
    "GPX", "OpenFileGDB", "CSV", "MapInfo File", "DXF", "SQLite", "Parquet", "Arrow", "MEM",
})  # fmt: skip
"""Formats that hold their own shapes."""
_POINTERS = (b"<OGRVRT", b"<OGRWFS", b"<OGRCSW", b"gdal_streamed_alg", b"<OGROAPIF", b"<OGRMVT")
_HEAD_BYTES = 1 << 16
_CONVERT = "if you trust it, make a file of polygons of it first: ogr2ogr -f GPKG area.gpkg FILE"


@dataclass(frozen=True, slots=True)
class Region:
    """Polygons in pixel coordinates (x = column, y = row) of the output's full grid."""

    area: Any
    """A prepared shapely (Multi)Polygon."""
    parts: tuple[Any, ...]
    tree: Any
    window: Window
    """Its bounding box, snapped outward to whole pixels and cut at the grid."""

    def may_touch(self, window: Window) -> bool:
        """Whether any of it lies in the window."""
        return not window.empty and bool(self.area.intersects(_box(window)))

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) True where the pixel's centre lies inside; ask for aligned tiles: see `Scene.wanted`."""
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
    """The region of an AOI file and a bounding box on the grid of `frame`, with warnings; None: all of the scene.

    Args:
        frame: the full output grid.
        aoi: polygons in any vector format and CRS; without a CRS of their own they are taken to be in the scene's.
        bbox: west, south, east, north in the scene's CRS.
    Raises:
        AoiError: no file, no polygons, no way between the two CRSs, or the area misses the scene.
    """
    if aoi is None and bbox is None:
        return None, ()
    area, warnings = (None, ()) if aoi is None else _polygons_in(aoi, frame.crs_wkt)
    if bbox is not None:
        box = shapely.box(*bbox)
        area = box if area is None else shapely.intersection(area, box)
    name = "the bounding box" if aoi is None else f"the area of interest {aoi.name}"
    return _region_on(frame, area, name), warnings


def _polygons_in(aoi: Path, scene_wkt: str) -> tuple[Any, tuple[str, ...]]:
    try:
        geometries, crs, warnings = _read_vector(aoi)
        polygons = shapely.get_parts(shapely.make_valid(shapely.force_2d(geometries)))
    except (ShapelyError, UnicodeDecodeError) as error:
        raise AoiError(
            f"{aoi.name} holds damaged shapes ({error})", hint="make it again, or mend it in QGIS"
        ) from error
    polygons = polygons[np.isin(shapely.get_type_id(polygons), (3, 6)) & ~shapely.is_empty(polygons)]
    if len(polygons) == 0:
        raise AoiError(
            f"{aoi.name} has no polygons ({len(geometries)} features)",
            hint="give a file of polygons, not of points or lines",
        )
    area = shapely.union_all(polygons)
    if not crs or not scene_wkt:
        if crs or scene_wkt:
            who = "the area of interest" if scene_wkt else "the scene"
            warnings += (f"{who} has no CRS: both are taken to be in the same one",)
        return area, warnings
    return _reprojected(area, aoi, crs, scene_wkt), warnings


def _read_vector(aoi: Path) -> tuple[NDArray[Any], str, tuple[str, ...]]:
    source = gdal_name(aoi)
    if not source.startswith("/vsi") and not aoi.exists():
        raise AoiError(f"the area of interest {aoi} does not exist", hint="check the path given to --aoi")
    _refuse_pointer(aoi, source)
    try:
        layers = pyogrio.list_layers(source)
        with_shapes = [str(name) for name, kind in layers if kind is not None]
        if not with_shapes:
            raise AoiError(f"{aoi.name} has no layer with geometries", hint="give a vector file with polygons")
        driver = pyogrio.read_info(source, layer=with_shapes[0])["driver"]
        if driver not in _DRIVERS:
            raise AoiError(f"{aoi.name} is of the format {driver}, which may point elsewhere", hint=_CONVERT)
        meta, _, wkb, _ = pyogrio.raw.read(source, layer=with_shapes[0], columns=[], force_2d=True)
    except (DataSourceError, DataLayerError) as error:
        raise AoiError(
            f"{aoi.name} is not a vector file that GDAL can read ({str(error).replace(source, shown(source))})",
            hint="check address, connection and keys"
            if is_remote(source)
            else "give GeoPackage, GeoJSON, Shapefile, ...",
        ) from error
    geometries = shapely.from_wkb(wkb[[shape is not None for shape in wkb]])
    words = f"{aoi.name} has {len(with_shapes)} layers, the first one is taken: {with_shapes[0]}"
    return geometries, meta["crs"] or "", (words,) if len(with_shapes) > 1 else ()


def _refuse_pointer(aoi: Path, source: str) -> None:
    """Refuse what GDAL would follow or run as soon as it is opened: pipelines, VRTs, descriptions of services."""
    if source.lower().endswith(".gdalg.json"):
        raise AoiError(f"{aoi.name} is a pipeline, not a file of polygons", hint=_CONVERT)
    if aoi.is_file():
        with aoi.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if any(word in head for word in _POINTERS):
            raise AoiError(f"{aoi.name} points to data elsewhere", hint=_CONVERT)


def _reprojected(area: Any, aoi: Path, crs: str, scene_wkt: str) -> Any:
    try:
        source, target = pyproj.CRS.from_user_input(crs), pyproj.CRS.from_wkt(scene_wkt)
        if source.equals(target, ignore_axis_order=True):
            return area
        transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    except (CRSError, ProjError) as error:
        raise AoiError(
            f"{aoi.name} cannot be brought to the scene's CRS ({error})", hint="reproject the area of interest first"
        ) from error
    west, south, east, north = area.bounds
    dense = shapely.segmentize(area, max(east - west, north - south) / _EDGE_POINTS)
    moved = shapely.transform(dense, transformer.transform, interleaved=False)
    if not np.isfinite(moved.bounds).all():
        raise AoiError(
            f"{aoi.name} reaches beyond where the scene's CRS is defined: {_extent(area.bounds)}",
            hint="cut the area of interest nearer to the scene",
        )
    return shapely.make_valid(moved)


def _region_on(frame: RasterFrame, area: Any, name: str) -> Region:
    to_pixels = ~Affine(*frame.transform)
    matrix = (to_pixels.a, to_pixels.b, to_pixels.d, to_pixels.e, to_pixels.c, to_pixels.f)
    full = Window(0, 0, frame.height, frame.width)
    pixels = shapely.intersection(_affine(area, matrix), _box(full))
    parts = shapely.get_parts(pixels)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    if len(parts) == 0:
        corners = np.array([(0, 0), (frame.width, 0), (0, frame.height), (frame.width, frame.height)], float)
        a, b, c, d, e, f = frame.transform
        xs, ys = a * corners[:, 0] + b * corners[:, 1] + c, d * corners[:, 0] + e * corners[:, 1] + f
        reach = (xs.min(), ys.min(), xs.max(), ys.max())
        raise AoiError(
            f"{name} misses the scene: it has {_extent(area.bounds)}, the scene has {_extent(reach)}",
            hint="both in the scene's CRS; check which CRS the area was drawn in",
        )
    whole = shapely.multipolygons(parts)
    shapely.prepare(whole)
    west, north, east, south = whole.bounds
    row, col = math.floor(north), math.floor(west)
    window = Window(row, col, math.ceil(south) - row, math.ceil(east) - col).clip(full)
    return Region(whole, tuple(parts), shapely.STRtree(parts), window)


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
