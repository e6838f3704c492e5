"""A temporary Arrow file of polygons between the tracer and the products, read as often as needed.

The tracer runs once, only one chunk is in memory, and every product knows its number of features in advance. Chunks
are cut by rows and bytes counted from the first polygon, never by the tracer's batches, so that products whose bytes
depend on chunks (GeoPackage, GeoParquet) do not depend on how the raster was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import OutputError
from fctl_geo.spec import Legend
from fctl_geo.square.outcomes import OUTLINES
from fctl_geo.storage.whole_files import write_failure

if TYPE_CHECKING:
    import pyarrow as pa

    from fctl_geo.georef.area import Unit
    from fctl_geo.polygons.trace import CutRegions, PolygonBatch

CHUNK_ROWS = 20_000
CHUNK_BYTES = 32 << 20
"""A chunk ends with the polygon that reaches either limit."""
MAX_POLYGON_BYTES = 1_000_000_000
"""The largest value that SQLite can store: 62 million vertices."""
GEOMETRY = "geometry"
OBJECT_ID = "object_id"


@dataclass(frozen=True, slots=True)
class PolygonFile:
    """A finished Arrow file of polygons."""

    path: Path
    count: int
    """Number of polygons."""
    geometry_bytes: int
    """Size of all WKB, uncompressed."""
    cut: CutRegions
    """Complete once all polygons are traced: resolves the object_ids, which the file holds as the tracer gave them."""

    @property
    def product_bytes(self) -> int:
        """Approximate size on disk of a product made from it."""
        return int(1.2 * self.geometry_bytes) + 200 * self.count

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as source, pa.ipc.open_stream(source) as reader:
            return reader.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Iterate over all polygons, with one chunk in memory at a time."""
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as source, pa.ipc.open_stream(source) as reader:
            for batch in reader:
                ids = self.cut.resolve(batch.column(OBJECT_ID).to_numpy())
                yield batch.set_column(batch.schema.get_field_index(OBJECT_ID), OBJECT_ID, pa.array(ids))


def write_polygon_file(
    batches: Iterable[PolygonBatch],
    path: Path,
    *,
    legend: Legend,
    unit: Unit,
    cut: CutRegions,
    final: Path,
    squared: bool = False,
) -> PolygonFile:
    """Write all polygons to an Arrow file.

    Args:
        batches: as produced by the tracer.
        path: the file to write; if anything goes wrong, the caller removes it.
        legend: the names of the classes.
        unit: of the areas; it is part of the column's name.
        cut: what the tracer knows about the regions it cut, complete once `batches` is exhausted.
        final: the output that this is for, named in errors.
        squared: whether outlines were squared, see `schema_of`.
    Raises:
        OutputError: the disk is full, or a polygon is larger than any product can hold.
    """
    import pyarrow as pa

    count = size = 0
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    schema = schema_of(unit, squared)
    chunks = _chunks(batches, legend, schema)
    try:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema, options=options) as writer:
            for chunk in chunks:
                writer.write_batch(chunk)
                count += chunk.num_rows
                size += chunk.column(GEOMETRY).nbytes
    except OSError as error:
        raise write_failure(final, error, size or None) from error
    return PolygonFile(path, count, size, cut)


def schema_of(unit: Unit, squared: bool = False) -> pa.Schema:
    """The columns that every product has; with squared outlines, what became of them, null for other classes."""
    import pyarrow as pa

    outlines = [pa.field("outline", pa.string()), pa.field("outline_iou", pa.float32())] if squared else []
    return pa.schema(
        [
            pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}),
            pa.field("class_id", pa.int16()),
            pa.field("class_name", pa.string()),
            pa.field(f"area_{unit}", pa.float64()),
            pa.field("confidence", pa.float32()),
            pa.field(OBJECT_ID, pa.int64()),
            *outlines,
        ]
    )


def _chunks(batches: Iterable[PolygonBatch], legend: Legend, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The polygons in chunks that depend only on their own sizes: 5 polygons at 2 rows per chunk give 2, 2, 1."""
    names = np.array([legend.name_of(i) for i in range(256)], dtype=object)
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        while start < len(batch.class_id):
            stop, full = _cut(batch.offsets, start, rows, size)
            waiting.append(_record_batch(batch, start, stop, names, schema))
            rows, size = rows + stop - start, size + int(batch.offsets[stop] - batch.offsets[start])
            start = stop
            if full:
                yield _merge(waiting)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield _merge(waiting)


def _cut(offsets: NDArray[np.int64], start: int, rows: int, size: int) -> tuple[int, bool]:
    """Where the chunk that already holds `rows` rows and `size` bytes ends, and whether it is full there."""
    by_size = int(np.searchsorted(offsets, offsets[start] + CHUNK_BYTES - size, side="left"))
    stop = min(start + CHUNK_ROWS - rows, by_size)
    count = len(offsets) - 1
    return (stop, True) if stop <= count else (count, False)


def _record_batch(
    batch: PolygonBatch, start: int, stop: int, names: NDArray[np.object_], schema: pa.Schema
) -> pa.RecordBatch:
    import pyarrow as pa

    offsets = batch.offsets[start : stop + 1]
    largest = int(np.diff(offsets).max())
    if largest > MAX_POLYGON_BYTES:
        raise OutputError(
            f"one polygon has {largest // 16:,} vertices, more than a file can hold in one feature",
            hint="lower --max-vertices, so that larger regions are cut",
        )
    ids = batch.class_id[start:stop]
    where = pa.py_buffer((offsets - offsets[0]).astype(np.int32))
    wkb = pa.py_buffer(np.ascontiguousarray(batch.wkb[offsets[0] : offsets[-1]]))
    columns = [
        pa.Array.from_buffers(pa.binary(), stop - start, [None, where, wkb]),
        pa.array(ids.astype(np.int16)),
        pa.array(names[ids], pa.string()),
        pa.array(batch.area_m2[start:stop], pa.float64(), from_pandas=True),  # NaN becomes null
        pa.array(batch.confidence[start:stop], pa.float32(), from_pandas=True),
        pa.array(batch.object_id[start:stop], pa.int64()),
    ]
    if "outline" in schema.names:
        words = np.array([None, *OUTLINES[1:]], dtype=object)[batch.outline[start:stop]]
        columns += [pa.array(words, pa.string()), pa.array(batch.outline_iou[start:stop], from_pandas=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _merge(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    import pyarrow as pa

    (merged,) = pa.Table.from_batches(parts).combine_chunks().to_batches()
    return merged
