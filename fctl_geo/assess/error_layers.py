"""Every object with its error, as a GeoPackage whose layers QGIS colors by what went wrong."""

from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pyogrio
from numpy.typing import NDArray

from fctl_geo.assess.evaluate_polygons import PolygonEvaluation
from fctl_geo.assess.matching import Side
from fctl_geo.assess.outlines import OutlineErrors
from fctl_geo.assess.read_objects import Objects
from fctl_geo.products.geopackage import GEOMETRY_COLUMN, OF_FILE, embed_style, fixed_time
from fctl_geo.products.swap import swap_in
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.storage.address import ogr_name
from fctl_geo.storage.whole_files import folder_aside, write_failure

RESULT_FIELD = "result"
REFERENCE_LAYER, FOUND_LAYER = "reference", "polygons"
_COLORS = {
    "matched": (0, 158, 115),
    "merged": (0, 114, 178),
    "split": (86, 180, 233),
    "missed": (213, 94, 0),
    "false": (204, 121, 167),
    "not counted": (150, 150, 150),
}
"""Colors that the color-blind can tell apart (Okabe and Ito 2008)."""


def write_errors(found: PolygonEvaluation, path: Path) -> None:
    """Write a GeoPackage with a layer of the reference and one of the polygons, each in its own CRS, and their styles.

    Columns: feature (id in the file it came from), class_name, result, iou (with the match, or else the highest with
    any object of the other file), match (feature of the other file); for matches also polis_m, boundary_m,
    hausdorff_95_m (or _px, see `PolygonEvaluation.unit`), angle_deg, and vertices. `result` is not counted (see
    `ComparisonSettings.aoi`), merged, split, matched, missed (reference), or false (polygons): the first that holds.

    Raises:
        OutputError: the file cannot be written; what was there before is kept.
    """
    matches, errors, at = found.comparison.matches, found.comparison.outlines, found.comparison.matched
    true, polygons = found.true, found.found
    layers = {
        REFERENCE_LAYER: (
            _table(true, matches.true, polygons, found.true_counts, "missed")
            | _errors(errors, errors.true_vertices, at, len(true), found.unit),
            true,
        ),
        FOUND_LAYER: (
            _table(polygons, matches.found, true, found.found_counts, "false")
            | _errors(errors, errors.vertices, matches.true.partner[at], len(polygons), found.unit),
            polygons,
        ),
    }
    with folder_aside(path) as folder:
        part = folder / "part.gpkg"
        try:
            with fixed_time():
                for name, (columns, objects) in layers.items():
                    _write_layer(part, name, columns, objects)
            for name in layers:
                embed_style(part, name, _legend("missed" if name == REFERENCE_LAYER else "false"), RESULT_FIELD)
        except (RuntimeError, OSError, sqlite3.Error) as error:
            raise write_failure(path, error) from error
        swap_in({path: part}, {})


def _table(own: Objects, side: Side, other: Objects, counts: NDArray[np.bool_], alone: str) -> dict[str, object]:
    import pandas as pd

    match = pd.array([None] * len(own), dtype="Int64")
    match[side.matched] = other.feature[side.partner[side.matched]]
    results = [~counts, side.merged, side.split, side.matched]
    return {
        "feature": own.feature,
        "class_name": own.class_name,
        RESULT_FIELD: np.select(results, ["not counted", "merged", "split", "matched"], alone),
        "iou": side.iou.round(4),
        "match": match,
    }


def _errors(
    errors: OutlineErrors, vertices: NDArray[np.int64], at: NDArray[np.int64], count: int, unit: str
) -> dict[str, object]:
    """Columns of all objects; NaN, which is written as NULL, for those without a match."""
    columns: dict[str, object] = {}
    for name, values in (
        (f"polis_{unit}", errors.polis),
        (f"boundary_{unit}", errors.boundary),
        (f"hausdorff_95_{unit}", errors.hausdorff_95),
        ("angle_deg", errors.angle),
        ("vertices", vertices),
    ):
        column = np.full(count, np.nan)
        column[at] = np.round(values, 4)
        columns[name] = column
    return columns


def _write_layer(part: Path, layer: str, columns: dict[str, object], objects: Objects) -> None:
    import geopandas

    table = geopandas.GeoDataFrame(columns, geometry=objects.shapes, crs=objects.crs_wkt or None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        pyogrio.write_dataframe(
            table,
            ogr_name(part),
            layer=layer,
            driver="GPKG",
            append=part.exists(),
            geometry_type="MultiPolygon",
            promote_to_multi=True,
            layer_options={"GEOMETRY_NAME": GEOMETRY_COLUMN},
            dataset_options=OF_FILE,
        )


def _legend(alone: str) -> Legend:
    shown = [name for name in _COLORS if name not in {"missed", "false"} - {alone}]
    return Legend(tuple(ClassInfo(i, name, _COLORS[name]) for i, name in enumerate(shown)))
