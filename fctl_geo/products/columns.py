"""The columns of a product: what every polygon tells about itself, and what only some products tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import OutputError
from fctl_geo.spec import Legend
from fctl_geo.square.outcomes import OUTLINES

if TYPE_CHECKING:
    import pyarrow as pa

    from fctl_geo.georef.area import Unit
    from fctl_geo.polygons.batch import PolygonBatch
    from fctl_geo.polygons.measure import Ruler

MAX_POLYGON_BYTES = 1_000_000_000
"""The largest value that SQLite can store: 62 million vertices."""
GEOMETRY = "geometry"
OBJECT_ID = "object_id"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a product has."""

    unit: Unit
    """Of areas, which is part of their column's name; lengths are then in m or px."""
    objects: frozenset[int] = frozenset()
    """Classes of objects, which have columns of their sizes and directions, null for other classes; empty: none do."""
    squared: bool = False
    """Whether columns tell what became of outlines that were to be squared, null for other classes."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types, in order."""
        import pyarrow as pa

        meter = "m" if self.unit == "m2" else "px"
        sizes = [f"length_{meter}", f"width_{meter}", "orientation", "compactness"] if self.objects else []
        return pa.schema(
            [
                pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}),
                pa.field("class_id", pa.int16()),
                pa.field("class_name", pa.string()),
                pa.field(f"area_{self.unit}", pa.float64()),
                pa.field(f"perimeter_{meter}", pa.float64()),
                pa.field("confidence", pa.float32()),
                pa.field("min_confidence", pa.float32()),
                pa.field(OBJECT_ID, pa.int64()),
                *(pa.field(name, pa.float32()) for name in sizes),
                *([pa.field("outline", pa.string()), pa.field("outline_iou", pa.float32())] if self.squared else []),
            ]
        )


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Turns polygons into rows of a product."""

    columns: Columns
    legend: Legend
    """The names of the classes."""
    ruler: Ruler
    """Measures the polygons of the raster that they come from."""

    def rows(self, batch: PolygonBatch) -> pa.RecordBatch:
        """One row per polygon; NaN becomes null.

        Raises:
            OutputError: a polygon is larger than any product can hold.
        """
        import pyarrow as pa

        count, columns = len(batch), self.columns
        largest = int(np.diff(batch.offsets).max())
        if largest > MAX_POLYGON_BYTES:
            raise OutputError(
                f"one polygon has {largest // 16:,} vertices, more than a file can hold in one feature",
                hint="lower --max-vertices, so that larger regions are cut",
            )
        where, wkb = batch.offsets.astype(np.int32), np.ascontiguousarray(batch.wkb)
        perimeter = self.ruler.perimeters(batch)
        arrays = [
            pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(where), pa.py_buffer(wkb)]),
            pa.array(batch.class_id.astype(np.int16)),
            _words([self.legend.name_of(i) for i in range(256)], batch.class_id),
            _numbers(batch.area_m2),
            _numbers(perimeter),
            _numbers(batch.confidence),
            _numbers(batch.min_confidence),
            pa.array(batch.object_id, pa.int64()),
        ]
        if columns.objects:
            is_object = np.isin(batch.class_id, list(columns.objects))
            sizes = self.ruler.sizes(batch, is_object)
            compactness = np.where(is_object, 4 * np.pi * batch.area_m2 / perimeter**2, np.nan)
            values = (sizes.length, sizes.width, sizes.orientation, compactness)
            arrays += [_numbers(each.astype(np.float32)) for each in values]
        if columns.squared:
            arrays += [_words([None, *OUTLINES[1:]], batch.outline), _numbers(batch.outline_iou)]
        return pa.RecordBatch.from_arrays(arrays, schema=columns.schema)


def _words(words: list[str] | list[str | None], at: NDArray[np.uint8]) -> pa.Array:
    import pyarrow as pa

    return pa.array(np.array(words, dtype=object)[at], pa.string())


def _numbers(values: NDArray[np.float32] | NDArray[np.float64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, from_pandas=True)
