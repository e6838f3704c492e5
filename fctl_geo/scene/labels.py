"""Polygons with a class column, burnt on a scene's grid window by window: the truth about a scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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

from fctl_geo.errors import TrainingError
from fctl_geo.spec import NODATA
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

_EDGE_POINTS = 50
"""An edge that is brought to another CRS gets so many points over a window's extent."""


@dataclass(frozen=True, slots=True)
class ClassColumn:
    """A vector layer and its column of classes."""

    path: Path
    layer: str
    field: str
    crs: str
    counts: Mapping[str, int]
    """Features a value; features without a value are left out."""
    without_value: int


def read_class_column(path: Path, field: str | None) -> ClassColumn:
    """Look at the column of classes of a vector file; geometries are not read.

    Raises:
        TrainingError: no vector file, no such column (the hint lists those there are), or nothing in it.
    """
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if not layers:
            raise TrainingError(f"{path.name} has no layer with geometries", hint="give a file of labelled polygons")
        info = pyogrio.read_info(path, layer=layers[0])
        fields = [str(name) for name in info["fields"]]
        if field is None or field not in fields:
            what = "needs the column of classes" if field is None else f"has no column {field!r}"
            raise TrainingError(f"{path.name} {what}", hint=f"--field, one of: {', '.join(fields) or 'it has none'}")
        values = pyogrio.raw.read(path, layer=layers[0], columns=[field], read_geometry=False)[3][0]
    except (DataSourceError, DataLayerError) as error:
        raise TrainingError(
            f"{path.name} is not a vector file that GDAL can read ({error})", hint="give GeoPackage, GeoJSON, ..."
        ) from error
    words = [value_word(value) for value in values]
    counts = Counter(word for word in words if word is not None)
    if not counts:
        raise TrainingError(f"column {field!r} of {path.name} is empty ({len(words)} features)", hint="fill it in")
    return ClassColumn(path, layers[0], field, info["crs"] or "", counts, words.count(None))


def value_word(value: object) -> str | None:
    """A field's value as text: 1.0 and 1 are both '1'; None, NaN and '' are no value."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip() or None


class PolygonLabels:
    """Labelled polygons as a raster on a scene's grid; only the features of a window are in memory at a time."""

    def __init__(
        self, column: ClassColumn, frame: RasterFrame, index_of: Mapping[str, int], *, outside: int = NODATA
    ) -> None:
        """Prepare to burn.

        Args:
            frame: the grid.
            index_of: value of the column to what is burnt; other values are burnt as 255.
            outside: what pixels have that lie in no polygon; 255: unlabelled.
        Raises:
            TrainingError: the two CRSs do not meet.
        """
        self.column, self.frame, self.index_of, self.outside = column, frame, index_of, outside
        self._to_scene, self._to_file = _transformers(column, frame)

    def read(self, window: Window) -> NDArray[np.uint8]:
        """(h, w) uint8 labels; where polygons overlap the last of the file wins; a pixel counts by its centre."""
        place = Affine(*self.frame.transform) * Affine.translation(window.col, window.row)
        shapes, values, _ = self._features_in(window, place)
        if not shapes:
            return np.full(window.size_hw, self.outside, np.uint8)
        pairs = zip(shapes, values, strict=True)
        burnt = rasterize(pairs, window.size_hw, fill=self.outside, transform=place, dtype="uint8")
        return np.asarray(burnt, np.uint8)

    def read_features(self, window: Window, index: int) -> NDArray[np.int64]:
        """(h, w) which feature of that index a pixel's centre lies in, the same number in every window; 0: in none."""
        place = Affine(*self.frame.transform) * Affine.translation(window.col, window.row)
        shapes, values, numbers = self._features_in(window, place)
        pairs = [(s, n + 1) for s, v, n in zip(shapes, values, numbers, strict=True) if v == index]
        if not pairs:
            return np.zeros(window.size_hw, np.int64)
        return np.asarray(rasterize(pairs, window.size_hw, fill=0, transform=place, dtype="int32"), np.int64)

    def _features_in(self, window: Window, place: Affine) -> tuple[list[Any], list[int], list[int]]:
        """Geometries in the scene's CRS, what is burnt for them, and their numbers in the file."""
        corners = np.array([(0, 0), (window.width, 0), (0, window.height), (window.width, window.height)], float)
        xs, ys = (
            place.a * corners[:, 0] + place.b * corners[:, 1] + place.c,
            (place.d * corners[:, 0] + place.e * corners[:, 1] + place.f),
        )
        bounds = (xs.min(), ys.min(), xs.max(), ys.max())
        asked = bounds if self._to_file is None else self._to_file.transform_bounds(*bounds, densify_pts=21)
        if not np.isfinite(asked).all():
            return [], [], []
        _, numbers, wkb, columns = pyogrio.raw.read(
            self.column.path,
            layer=self.column.layer,
            columns=[self.column.field],
            bbox=asked,
            force_2d=True,
            return_fids=True,
        )
        words = [value_word(value) for value in columns[0]]
        kept = [i for i, word in enumerate(words) if word is not None and wkb[i] is not None]
        shapes = shapely.from_wkb(wkb[kept])
        polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
        shapes, kept = shapes[polygonal], [i for i, good in zip(kept, polygonal, strict=True) if good]
        if self._to_scene is not None and len(shapes):
            reach = max(asked[2] - asked[0], asked[3] - asked[1])
            dense = shapely.segmentize(shapes, reach / _EDGE_POINTS)
            shapes = shapely.transform(dense, self._to_scene.transform, interleaved=False)
        burnt = [self.index_of.get(words[i] or "", NODATA) for i in kept]
        return list(shapes), burnt, [int(numbers[i]) for i in kept]


def _transformers(column: ClassColumn, frame: RasterFrame) -> tuple[Any, Any]:
    """File to scene and back; None: both lie in the same CRS, or one of them says nothing."""
    if not column.crs or not frame.crs_wkt:
        return None, None
    try:
        source, target = pyproj.CRS.from_user_input(column.crs), pyproj.CRS.from_wkt(frame.crs_wkt)
        if source.equals(target, ignore_axis_order=True):
            return None, None
        return (
            pyproj.Transformer.from_crs(source, target, always_xy=True),
            pyproj.Transformer.from_crs(target, source, always_xy=True),
        )
    except (CRSError, ProjError) as error:
        raise TrainingError(
            f"{column.path.name} cannot be brought to the scene's CRS ({error})", hint="reproject the labels first"
        ) from error


def indexed(column: ClassColumn, folder: Path) -> ClassColumn:
    """The same layer with a spatial index: formats without one (GeoJSON, ...) are copied to FlatGeobuf in `folder`."""
    if pyogrio.read_info(column.path, layer=column.layer)["capabilities"]["fast_spatial_filter"]:
        return column
    folder.mkdir(parents=True, exist_ok=True)
    copy, aside = folder / f"{column.path.stem}.fgb", folder / f".{column.path.stem}.partial.fgb"
    try:
        with pyogrio.open_arrow(column.path, layer=column.layer, columns=[column.field], use_pyarrow=False) as (
            meta,
            stream,
        ):
            pyogrio.write_arrow(
                stream,
                aside,
                driver="FlatGeobuf",
                layer=column.layer,
                crs=meta["crs"],
                geometry_name=meta["geometry_name"] or "wkb_geometry",
                geometry_type="Unknown",
            )
        aside.replace(copy)
    finally:
        aside.unlink(missing_ok=True)
    layer = str(pyogrio.list_layers(copy)[0][0])
    return ClassColumn(copy, layer, column.field, column.crs, column.counts, column.without_value)
