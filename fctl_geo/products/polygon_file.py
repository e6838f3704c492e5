"""Polygons on their way from the tracer to several products: one Arrow file aside, read as often as needed.

The tracer runs once, memory holds one chunk, and every product knows the number of features before its first.
Chunks are cut by rows and bytes counted from the first polygon, never by the tracer's batches: products whose bytes
depend on chunks (GeoPackage, GeoParquet) then do not depend on how the raster was read.
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
from fctl_geo.storage.whole_files import write_failure

if TYPE_CHECKING:
    import pyarrow as pa

    from fctl_geo.georef.area import Unit
    from fctl_geo.polygons.trace import PolygonBatch

CHUNK_ROWS = 20_000
CHUNK_BYTES = 32 << 20
"""A chunk is closed by the polygon that reaches either number."""
MAX_POLYGON_BYTES = 1_000_000_000
"""The largest value that SQLite stores; 62 million vertices."""
GEOMETRY = "geometry"


@dataclass(frozen=True, slots=True)
class PolygonFile:
    """A finished Arrow file of polygons."""

    path: Path
    count: int
    """Polygons."""
    geometry_bytes: int
    """WKB of all of them, not compressed."""

    @property
    def product_bytes(self) -> int:
        """About what a product of it takes on the disk."""
        return int(1.2 * self.geometry_bytes) + 200 * self.count

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All polygons, one chunk in memory at a time."""
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as source, pa.ipc.open_stream(source) as reader:
            yield from reader


def write_polygon_file(
    batches: Iterable[PolygonBatch], path: Path, *, legend: Legend, unit: Unit, final: Path
) -> PolygonFile:
    """Write all polygons to an Arrow file.

    Args:
        batches: as the tracer gives them.
        path: the file; whatever goes wrong, the caller removes it.
        legend: the names of the classes.
        unit: of the areas; it stands in the column's name.
        final: the output for which this is done, for the words of an error.
    Raises:
        OutputError: the disk is full, or a polygon is larger than any product can hold.
    """
    import pyarrow as pa

    count = size = 0
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    chunks = _chunks(batches, legend, unit)
    try:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema_of(unit), options=options) as writer:
            for chunk in chunks:
                writer.write_batch(chunk)
                count += chunk.num_rows
                size += chunk.column(GEOMETRY).nbytes
    except OSError as error:
        raise write_failure(final, error, size or None) from error
    return PolygonFile(path, count, size)


def schema_of(unit: Unit) -> pa.Schema:
    """The columns of every product."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}),
            pa.field("class_id", pa.int16()),
            pa.field("class_name", pa.string()),
            pa.field(f"area_{unit}", pa.float64()),
            pa.field("confidence", pa.float32()),
        ]
    )


def _chunks(batches: Iterable[PolygonBatch], legend: Legend, unit: Unit) -> Iterator[pa.RecordBatch]:
    """The polygons in chunks that only their own sizes decide: 5 polygons, 2 rows a chunk: 2, 2, 1."""
    names = np.array([legend.name_of(i) for i in range(256)], dtype=object)
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        while start < len(batch.class_id):
            stop, full = _cut(batch.offsets, start, rows, size)
            waiting.append(_record_batch(batch, start, stop, names, unit))
            rows, size = rows + stop - start, size + int(batch.offsets[stop] - batch.offsets[start])
            start = stop
            if full:
                yield _merge(waiting)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield _merge(waiting)


def _cut(offsets: NDArray[np.int64], start: int, rows: int, size: int) -> tuple[int, bool]:
    """Where the chunk ends that holds `rows` and `size` bytes already, and whether it is full there."""
    by_size = int(np.searchsorted(offsets, offsets[start] + CHUNK_BYTES - size, side="left"))
    stop = min(start + CHUNK_ROWS - rows, by_size)
    count = len(offsets) - 1
    return (stop, True) if stop <= count else (count, False)


def _record_batch(batch: PolygonBatch, start: int, stop: int, names: NDArray[np.object_], unit: Unit) -> pa.RecordBatch:
    import pyarrow as pa

    offsets = batch.offsets[start : stop + 1]
    largest = int(np.diff(offsets).max())
    if largest > MAX_POLYGON_BYTES:
        raise OutputError(
            f"one polygon has {largest // 16:,} vertices, more than a file can hold in one feature",
            hint="raise --min-area, or work on parts of the scene with --aoi",
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
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema_of(unit))


def _merge(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    import pyarrow as pa

    (merged,) = pa.Table.from_batches(parts).combine_chunks().to_batches()
    return merged
