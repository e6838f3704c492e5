"""Objects of a vector file: one for each feature, with its class and a valid shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.errors import ShapelyError

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress, Silent, check_cancelled
from fctl_geo.scene.labels import ANY, ClassColumn, FeatureCounts, read_class_column
from fctl_geo.scene.vector_file import VectorFile, open_vector, polygons_in
from fctl_geo.storage.address import gdal_name

Shapes = NDArray[np.object_]

CLASS_FIELD = "class_name"
"""The class column of our own products."""
ONE_CLASS = "object"
"""Name of the class if nothing names it."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The polygons of a file that have a class."""

    name: str
    """Of the file."""
    crs_wkt: str
    """Empty: none."""
    feature: NDArray[np.int64]
    """(N,) id of the feature that each object is."""
    class_name: NDArray[np.object_]
    """(N,) str."""
    shapes: Shapes
    """(N,) valid polygons or multipolygons in the file's CRS."""

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Objects:
        return Objects(self.name, self.crs_wkt, self.feature[chosen], self.class_name[chosen], self.shapes[chosen])


def read_reference(path: Path, field: str | None, classes: Mapping[str, str], progress: Progress) -> Objects:
    """The reference objects.

    Args:
        field: the class column; None: all are of one class, `classes[ANY]`, or `ONE_CLASS`.
        classes: value of the column to class; others are left out unless there is `ANY`. Empty: each value is a class.
    Raises:
        TrainingError: not a vector file, no such column, no polygons, or no value that is a class.
    """
    column = read_class_column(_existing(path), field, any_class=True)
    if field is None:
        return _read(column, {ANY: classes.get(ANY, ONE_CLASS)}, progress)
    return _read(column, classes or {value: value for value in column.counts}, progress)


def read_found(
    path: Path, field: str | None, classes: Mapping[str, str], truth: Objects, progress: Progress
) -> Objects:
    """The objects to be compared with the reference, of its classes alone.

    Args:
        field: the class column of the reference; the file has it, too, or `CLASS_FIELD`, or no classes.
        classes: as for the reference; values that are not named are classes themselves.
    Raises:
        TrainingError: not a vector file, no polygons, or no class in common with a reference that has several.
    """
    vector = open_vector(_existing(path), TrainingError)
    if not len(vector.values(None)[0]):  # nothing was found, which is a result
        none = np.empty(0, object)
        return Objects(path.name, _crs_wkt(vector) or truth.crs_wkt, np.empty(0, np.int64), none, none)
    fields = vector.fields
    own = next((name for name in (field, CLASS_FIELD) if name in fields), None)
    column = read_class_column(path, own, any_class=True)
    names = sorted(set(truth.class_name))
    if own is None and len(names) > 1:
        raise TrainingError(
            f"{path.name} has no class column, the reference has {len(names)} classes ({', '.join(names[:6])})",
            hint=f"add a column {field!r} or {CLASS_FIELD!r} with the class of each polygon",
        )
    if own is None or (names == [ONE_CLASS] and len(column.counts) == 1):
        return _read(column, dict.fromkeys(column.counts, names[0]), progress)
    spelling = {name.lower(): name for name in names}
    meant = {value: classes.get(value, value) for value in column.counts}
    known = {value: spelling[name.lower()] for value, name in meant.items() if name.lower() in spelling}
    strange = sorted({name for value, name in meant.items() if value not in known})
    if not known:
        raise TrainingError(
            f"the classes of {path.name} ({', '.join(strange[:6])}) are not among those of {truth.name} "
            f"({', '.join(names[:6])})",
            hint="name the class of the reference (--classes building), or its class column (--field) and, if they "
            'differ, its classes (--classes "value=class,...")',
        )
    if strange:
        progress.warn(f"{path.name}: not compared because the reference has no such class: {', '.join(strange[:8])}")
    return _read(column, known, progress)


def read_area(path: Path) -> tuple[Shapes, str]:
    """The valid polygons of a file, and its CRS (WKT).

    Raises:
        TrainingError: not a vector file, or no polygons.
    """
    vector = open_vector(_existing(path), TrainingError)
    _, parts, _ = _polygons(vector, Silent())
    if not len(parts):
        raise TrainingError(f"{path.name} has no polygons", hint="draw the area in which the reference is complete")
    return parts, _crs_wkt(vector)


def _existing(path: Path) -> Path:
    if not gdal_name(path).startswith("/vsi") and not path.exists():
        raise TrainingError(f"{path} does not exist", hint="check the path")
    return path


def _crs_wkt(vector: VectorFile) -> str:
    from pyproj import CRS

    return CRS.from_user_input(vector.crs).to_wkt() if vector.crs else ""


def _read(column: ClassColumn, classes: Mapping[str, str], progress: Progress) -> Objects:
    vector = column.vector
    for warning in vector.warnings:
        progress.warn(warning)
    ids, shapes = _features(*_polygons(vector, progress))
    if (several := int((shapely.get_num_geometries(shapes) > 1).sum())) > 0:
        progress.say(f"{vector.path.name}: {several:,} features have several parts, which count as one object")
    by_id = np.argsort(column.ids, kind="stable")
    words = column.words[by_id[np.searchsorted(column.ids, ids, sorter=by_id)]]
    names = np.array([None if word is None else classes.get(word, classes.get(ANY)) for word in words], object)
    known = np.array([name is not None for name in names], bool)
    if not known.any() and len(ids):
        raise TrainingError(
            f"column {column.field!r} of {vector.path.name} contains none of the values "
            f"{', '.join(sorted(classes)[:6])}",
            hint=f"its values: {', '.join(sorted(column.counts)[:12])}",
        )
    return Objects(vector.path.name, _crs_wkt(vector), ids[known], names[known], shapes[known])


def _polygons(vector: VectorFile, progress: Progress) -> tuple[NDArray[np.int64], Shapes, NDArray[np.intp]]:
    """Ids of all features, the valid polygons in them, and the position of each polygon's feature."""
    counts, features = FeatureCounts(), 0
    ids: list[NDArray[np.int64]] = []
    parts: list[Shapes] = []
    owners: list[NDArray[np.intp]] = []
    try:
        for some_ids, shapes in vector.shapes():
            check_cancelled(progress)
            some_parts, of = polygons_in(shapes)
            counts.add(shapes, of)
            ids.append(some_ids)
            parts.append(some_parts)
            owners.append(of + features)
            features += len(some_ids)
    except (DataSourceError, DataLayerError, ShapelyError, OSError) as error:
        raise TrainingError(f"{vector.path.name} is damaged ({error})", hint="save it again in QGIS") from error
    counts.report(vector.path.name, progress)
    return (
        np.concatenate([np.empty(0, np.int64), *ids]),
        np.concatenate([np.empty(0, object), *parts]),
        np.concatenate([np.empty(0, np.intp), *owners]),
    )


def _features(ids: NDArray[np.int64], parts: Shapes, owners: NDArray[np.intp]) -> tuple[NDArray[np.int64], Shapes]:
    """Ids and shapes of the features that have polygons: the polygon, or the union of several."""
    order = np.argsort(owners, kind="stable")
    kept, starts, sizes = np.unique(owners[order], return_index=True, return_counts=True)
    shapes = parts[order[starts]]
    for one in np.nonzero(sizes > 1)[0]:
        shapes[one] = shapely.union_all(parts[order[starts[one] : starts[one] + sizes[one]]])
    return ids[kept], shapes
