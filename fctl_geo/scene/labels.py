"""Ground truth for a scene: polygons with a class column, rasterized on the scene's grid window by window."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.features import rasterize

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.scene.onto_scene import OntoScene
from fctl_geo.scene.vector_file import VectorFile, open_vector, polygons_in
from fctl_geo.spec import NODATA
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

ANY = "*"
"""Stands for every value that is not named or, without a column, for every polygon."""


@dataclass(frozen=True, slots=True)
class ClassColumn:
    """A vector file and its class column, in file order."""

    vector: VectorFile
    field: str | None
    """None: every polygon counts as `ANY`."""
    ids: NDArray[np.int64]
    words: NDArray[np.object_]
    """Values as text; None for features without a value."""
    counts: Mapping[str, int]
    """Number of features per value."""


def read_class_column(path: Path, field: str | None, *, any_class: bool = False) -> ClassColumn:
    """Read the class column of a vector file, but no geometries.

    Args:
        any_class: no column is needed because all polygons are of one class.
    Raises:
        TrainingError: not a vector file, no such column (the hint lists the existing ones), or an empty column.
    """
    vector = open_vector(path, TrainingError)
    if (field is None and not any_class) or (field is not None and field not in vector.fields):
        what = "needs the name of its class column" if field is None else f"has no column {field!r}"
        raise TrainingError(f"{path.name} {what}", hint=_column_hint(vector.fields))
    try:
        ids, values = vector.values(field)
    except (DataSourceError, DataLayerError, OSError) as error:
        raise TrainingError(f"{path.name} cannot be read ({error})", hint="open and save it again in QGIS") from error
    words = np.full(len(ids), ANY if field is None else None, object)
    if field is not None:
        words[:] = [value_word(value) for value in values]
    counts = Counter(word for word in words if word is not None)
    if not counts:
        what = "has no features" if not len(ids) else f"has an empty column {field!r} ({len(ids):,} features)"
        raise TrainingError(f"{path.name} {what}", hint="draw the polygons and fill in their classes")
    return ClassColumn(vector, field, ids, words, counts)


def value_word(value: object) -> str | None:
    """A field's value as text: 1.0 and 1 both become '1'; None, NaN and '' count as no value."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip() or None


def _column_hint(fields: tuple[str, ...]) -> str:
    one_class = "if all polygons are of one class, name it: --classes building"
    return f"--field with one of: {', '.join(fields)}; {one_class}" if fields else f"it has no columns; {one_class}"


class PolygonLabels:
    """Labeled polygons as a raster on a scene's grid; only the polygons of a window are in memory at a time.

    The polygons that meet the scene are reprojected to its CRS once and kept in a temporary file, in their original
    order. Only their bounding boxes are kept in memory.
    """

    def __init__(
        self,
        column: ClassColumn,
        frame: RasterFrame,
        index_of: Mapping[str, int],
        *,
        outside: int = NODATA,
        folder: Path,
        progress: Progress,
    ) -> None:
        """Prepare the polygons for rasterizing.

        Args:
            frame: the grid.
            index_of: pixel value for each value of the column, `ANY` for those not named; others become 255.
            outside: value of pixels that lie in no polygon; 255: unlabeled.
            folder: on a disk with room for the polygons.
        Raises:
            TrainingError: no transformation between the two CRSs, or the file has features but no polygons.
        """
        self.frame, self.outside = frame, outside
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the labels
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._index = _keep(column, frame, index_of, self._file, progress)
        self._overlap_progress: Progress | None = progress if column.vector.reordered else None
        self._name = column.vector.path.name

    def read(self, window: Window) -> NDArray[np.uint8]:
        """(h, w) uint8 labels; where polygons overlap, the last one in the file wins; a pixel counts by its center.

        Law: a pixel's label does not depend on the window.
        """
        frame = self.frame.cut(window)
        found = self._index.intersecting(*frame.bounds)
        if not len(found):
            return np.full(window.size_hw, self.outside, np.uint8)
        pairs = list(zip(shapely.from_wkb(self._wkb_of(found)), self._index.labels[found].tolist(), strict=True))
        burned = _burn(pairs, frame, self.outside)
        if self._overlap_progress is not None and not np.array_equal(burned, _burn(pairs[::-1], frame, self.outside)):
            self._overlap_progress.warn(
                f"polygons of {self._name} overlap, and FlatGeobuf's spatial index does not keep the order in which "
                "they were drawn: a different one may be on top (save the labels as a GeoPackage to keep the order)"
            )
            self._overlap_progress = None
        return burned

    def read_features(self, window: Window, index: int) -> NDArray[np.int32]:
        """(h, w) number, from 1 in file order, of the feature with value `index` that contains a pixel center; 0: none.

        Law: a feature has the same number in every window.
        """
        frame = self.frame.cut(window)
        found = self._index.intersecting(*frame.bounds)
        found = found[self._index.labels[found] == index]
        if not len(found):
            return np.zeros(window.size_hw, np.int32)
        numbers = (self._index.features[found] + 1).tolist()
        return _burn(list(zip(shapely.from_wkb(self._wkb_of(found)), numbers, strict=True)), frame, 0, np.int32)

    def _wkb_of(self, found: NDArray[np.intp]) -> list[bytes]:
        pieces = []
        with self._lock:
            for one in found:
                self._file.seek(self._index.starts[one])
                pieces.append(self._file.read(self._index.sizes[one]))
        return pieces


def _burn(pairs: list[tuple[Any, int]], frame: RasterFrame, outside: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """(h, w) value of the last geometry that contains each pixel's center."""
    place = Affine(*frame.transform)
    name = np.dtype(dtype).name
    return np.asarray(rasterize(pairs, frame.size_hw, fill=outside, transform=place, dtype=name), dtype)


@dataclass(frozen=True, slots=True)
class _Index:
    """Polygons in file order, whatever the order in which a spatial index returned them."""

    features: NDArray[np.int64]
    """(N,) position of the feature in the file; several polygons may belong to one."""
    boxes: NDArray[np.float64]
    """(N, 4) west, south, east, north in the scene's CRS."""
    labels: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    """Of their WKB in the temporary file, in bytes."""

    def intersecting(self, west: float, south: float, east: float, north: float) -> NDArray[np.intp]:
        """Polygons whose boxes intersect a box."""
        left, bottom, right, top = self.boxes.T
        return np.nonzero((left <= east) & (right >= west) & (bottom <= north) & (top >= south))[0]


def _keep(
    column: ClassColumn, frame: RasterFrame, index_of: Mapping[str, int], file: IO[bytes], progress: Progress
) -> _Index:
    """Write the polygons on the scene to a file and index them."""
    vector, onto = column.vector, OntoScene(column.vector, frame, TrainingError)
    _warn(onto, vector, progress)
    by_id, feature_counts, start = np.argsort(column.ids, kind="stable"), FeatureCounts(), 0
    kept: list[tuple[NDArray[Any], ...]] = []
    for ids, shapes in vector.shapes(onto.box):
        check_cancelled(progress)
        places = by_id[np.searchsorted(column.ids, ids, sorter=by_id)]
        parts, owners = polygons_in(shapes)
        feature_counts.add(shapes, owners)
        named = np.array([word is not None for word in column.words[places[owners]]], bool)
        parts, of = onto.bring(parts[named])
        at = places[owners[named][of]]
        wkb = shapely.to_wkb(parts)
        file.writelines(wkb)
        sizes = np.array([len(data) for data in wkb], np.int64)
        labels = np.array([index_of.get(w, index_of.get(ANY, NODATA)) for w in column.words[at]], np.uint8)
        kept.append((at, shapely.bounds(parts).reshape(-1, 4), labels, start + np.cumsum(sizes) - sizes, sizes))
        start += int(sizes.sum())
    feature_counts.report(vector.path.name, progress)
    if not kept:
        none = np.empty(0, np.int64)
        return _Index(none, np.empty((0, 4)), np.empty(0, np.uint8), none, none)
    columns = [np.concatenate(arrays) for arrays in zip(*kept, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return _Index(*(values[order] for values in columns))


def _warn(onto: OntoScene, vector: VectorFile, progress: Progress) -> None:
    for warning in vector.warnings:
        progress.warn(warning)
    if onto.crs_assumed:
        subject = f"{vector.path.name} has" if not vector.crs else "the image has"
        progress.warn(f"{subject} no CRS: labels and image are assumed to be in the same one")


@dataclass(slots=True)
class FeatureCounts:
    """Number of features, and of those that cannot be labels."""

    features: int = 0
    empty: int = 0
    flat: int = 0
    """Points, lines, and other geometries without area."""

    def add(self, shapes: NDArray[np.object_], owners: NDArray[np.intp]) -> None:
        """Count shapes, given the indices of those that contain polygons."""
        empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        self.features += len(shapes)
        self.empty += int(empty.sum())
        self.flat += len(shapes) - len(np.union1d(np.nonzero(empty)[0], owners))

    def report(self, name: str, progress: Progress) -> None:
        """Warn about what is ignored.

        Raises:
            TrainingError: there are only points, lines and other geometries without area.
        """
        if self.flat and self.flat + self.empty == self.features:
            raise TrainingError(
                f"{name} has no polygons among {self.features:,} features: {self.flat:,} are points, lines or solids",
                hint="labels are areas: use polygons (QGIS can turn points into some: Vector > Geoprocessing > Buffer)",
            )
        for count, what in ((self.empty, "have no geometry"), (self.flat, "are points, lines or solids")):
            if count:
                progress.warn(f"{count:,} of {self.features:,} features of {name} {what} and are ignored")
