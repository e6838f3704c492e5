"""Writes GeoParquet 1.1, row group by row group (https://geoparquet.org/releases/v1.1.0)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.products.columns import GEOMETRY

if TYPE_CHECKING:
    import pyarrow as pa

_BOX = ("xmin", "ymin", "xmax", "ymax")


def write_geoparquet(
    path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, crs_wkt: str, metadata: Mapping[str, str]
) -> None:
    """Write each batch as a row group, with a bbox column that lets readers skip row groups.

    Raises:
        OSError: the file cannot be written, or the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
    fields = [pa.field(GEOMETRY, pa.binary()), *list(schema)[1:], pa.field("bbox", _box_type())]
    with pq.ParquetWriter(path, pa.schema(fields, metadata=dict(metadata)), compression="zstd") as writer:
        for batch in batches:
            boxes = _boxes(batch.column(GEOMETRY))
            bounds[:2] = np.minimum(bounds[:2], boxes[:, :2].min(axis=0))
            bounds[2:] = np.maximum(bounds[2:], boxes[:, 2:].max(axis=0))
            box = pa.StructArray.from_arrays(list(boxes.T.copy()), fields=list(_box_type()))
            writer.write_batch(pa.RecordBatch.from_arrays([*batch.columns, box], schema=writer.schema))
        writer.add_key_value_metadata({"geo": json.dumps(_geo(crs_wkt, bounds))})


def _boxes(wkb: pa.Array) -> NDArray[np.float64]:
    """(N, 4) west, south, east, north of each polygon."""
    import shapely

    boxes: NDArray[np.float64] = shapely.bounds(shapely.from_wkb(wkb.to_numpy(zero_copy_only=False)))
    return boxes


def _box_type() -> Any:
    import pyarrow as pa

    return pa.struct([pa.field(name, pa.float64()) for name in _BOX])


def _geo(crs_wkt: str, bounds: NDArray[np.float64]) -> dict[str, Any]:
    from pyproj import CRS

    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon"],
        "crs": CRS.from_wkt(crs_wkt).to_json_dict() if crs_wkt else None,
        "covering": {"bbox": {name: ["bbox", name] for name in _BOX}},
    }
    if np.isfinite(bounds).all():
        column["bbox"] = bounds.tolist()
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
