"""Vector files from any source: opened safely, with text decoded and shapes streamed in file order."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from fctl_geo.errors import FctlError
from fctl_geo.storage.address import gdal_name, is_remote, ogr_name, ogr_unsafe, shown

_DRIVERS = frozenset({
    "GPKG", "GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON", "ESRI Shapefile", "FlatGeobuf", "KML", "LIBKML", "GML",
    "GPX", "OpenFileGDB", "CSV", "MapInfo File", "DXF", "SQLite", "Parquet", "Arrow", "MEM",
})  # fmt: skip
"""Formats that hold their own shapes."""
_POINTERS = (b"<OGRVRT", b"<OGRWFS", b"<OGRCSW", b"gdal_streamed_alg", b"<OGROAPIF", b"<OGRMVT")
_HEAD_BYTES = 1 << 16
_CONVERT = "if you trust it, convert it to a file of polygons first: ogr2ogr -f GPKG area.gpkg FILE"
_PARQUET_ENDINGS = (".parquet", ".geoparquet")
_BATCH_FEATURES = 20_000
_POLYGON, _MULTIPLE = 3, (4, 5, 6, 7)
"""GEOS's type numbers."""

_SOLID = shapely.Point(0, 0)
"""Stands for a shape that is not an area on the ground, as a point is not."""

Box = tuple[float, float, float, float]
"""West, south, east, north."""
Shapes = Iterator[tuple[NDArray[np.int64], NDArray[np.object_]]]


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The first layer with geometries of a vector file."""

    path: Path
    source: str
    """What pyogrio opens."""
    layer: str
    layers: tuple[str, ...]
    """All layers with geometries."""
    fields: tuple[str, ...]
    crs: str
    """Empty: the file does not state a CRS."""
    encodings: tuple[str | None, ...] = (None,)
    """Of its text, the most likely one first; None: GDAL decodes it."""
    indexed: bool = False
    """Whether the features in a box are found without reading the others."""
    reordered: bool = False
    """Whether the features are in the order of the format's spatial index, not the order in which they were drawn."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know before relying on the file."""
        if len(self.layers) < 2:
            return ()
        return (f"{self.path.name} has {len(self.layers)} layers; the first one is used: {self.layer}",)

    def values(self, field: str | None) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Ids and values of a column in file order; without a field every value is None."""
        columns = [] if field is None else [field]
        for encoding in self.encodings:
            try:
                with _quiet():
                    _, ids, _, read = pyogrio.raw.read(
                        self.source, layer=self.layer, columns=columns, read_geometry=False, return_fids=True,
                        encoding=encoding,
                    )  # fmt: skip
                break
            except UnicodeDecodeError:
                if encoding == self.encodings[-1]:
                    raise
        return np.asarray(ids, np.int64), read[0] if columns else np.full(len(ids), None, object)

    def shapes(self, box: Box | None = None) -> Shapes:
        """Ids and shapes, batch by batch; None: no geometry. Arcs become straight lines; a point stands for a solid.

        Args:
            box: in the file's CRS; features outside it may be skipped.
        """
        stream = pyogrio.open_arrow(
            self.source, layer=self.layer, columns=[], bbox=box if self.indexed else None, return_fids=True,
            batch_size=_BATCH_FEATURES, use_pyarrow=True,
        )  # fmt: skip
        with ExitStack() as opened:
            with _quiet():
                meta, batches = opened.enter_context(stream)
            while True:
                with _quiet():
                    batch = next(iter(batches), None)
                if batch is None:
                    return
                ids = batch.column(meta["fid_column"]).to_numpy()
                wkb = batch.column(meta["geometry_name"] or "wkb_geometry").to_numpy(zero_copy_only=False)
                shapes = _from_wkb(wkb)
                curved = np.array([data is not None for data in wkb], bool) & shapely.is_missing(shapes)
                if curved.any():
                    shapes[curved] = self._straightened(ids[curved])
                yield ids, shapes

    def _straightened(self, ids: NDArray[np.int64]) -> NDArray[np.object_]:
        """Features with arcs, which GDAL converts to straight lines."""
        _, found, wkb, _ = pyogrio.raw.read(self.source, layer=self.layer, columns=[], fids=ids, return_fids=True)
        shapes = dict(zip(found.tolist(), _from_wkb(wkb), strict=True))
        return np.array([shapes[one] or _SOLID for one in ids.tolist()], object)


class ParquetFile(VectorFile):
    """GeoParquet, which pyogrio's GDAL does not read; `layer` is the geometry column."""

    __slots__ = ()

    def values(self, field: str | None) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        import pyarrow.parquet as pq

        rows = int(pq.read_metadata(self.source).num_rows)
        values = np.full(rows, None, object)
        if field is not None:
            values[:] = pq.read_table(self.source, columns=[field]).column(0).to_pylist()
        return np.arange(rows), values

    def shapes(self, box: Box | None = None) -> Shapes:
        import pyarrow.parquet as pq

        first = 0
        with pq.ParquetFile(self.source) as file:
            for batch in file.iter_batches(_BATCH_FEATURES, columns=[self.layer]):
                yield first + np.arange(batch.num_rows), _from_wkb(batch.column(0).to_numpy(zero_copy_only=False))
                first += batch.num_rows


def open_vector(path: Path, refuse: type[FctlError]) -> VectorFile:
    """Open a vector file without reading any features.

    Raises:
        refuse: it cannot be read, holds no geometries, or refers to data elsewhere.
    """
    if path.exists() and (wrong := ogr_unsafe(path)):
        raise refuse(f"{path} contains {wrong!r} and cannot be opened", hint="rename the file or its folder")
    _refuse_pointer(path, refuse)
    try:
        return _open_parquet(path) if path.suffix.lower() in _PARQUET_ENDINGS else _open_ogr(path, refuse)
    except (DataSourceError, DataLayerError, OSError, ValueError, KeyError) as error:
        source, address = ogr_name(path), gdal_name(path)
        hint = (
            "check the address, the connection and your keys"
            if is_remote(address)
            else "use a GeoPackage, GeoJSON, Shapefile, ..."
        )
        reason = str(error).replace(source, shown(address))
        raise refuse(f"{path.name} is not a vector file that GDAL can read ({reason})", hint=hint) from error


def polygons_in(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Valid polygons, each with the index of the shape that it is part of.

    Collections are split and invalid polygons repaired. Points, lines, empty shapes and shapes with coordinates that
    are not finite are dropped.
    """
    parts, owners = _polygonal(shapes)
    finite = np.isfinite(shapely.bounds(parts)).all(axis=1)
    parts, owners = parts[finite], owners[finite]
    broken = ~shapely.is_valid(parts)
    if not broken.any():
        return parts, owners
    parts[broken] = shapely.make_valid(parts[broken])
    repaired, of = _polygonal(parts)
    return repaired, owners[of]


def _polygonal(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """The polygons in shapes of any type, each with the index of the shape that it is part of."""
    owners = np.arange(len(shapes))
    while np.isin(shapely.get_type_id(shapes), _MULTIPLE).any():
        shapes, of = shapely.get_parts(shapes, return_index=True)
        owners = owners[of]
    flat = (shapely.get_type_id(shapes) == _POLYGON) & ~shapely.is_empty(shapes)
    return shapes[flat], owners[flat]


def _open_ogr(path: Path, refuse: type[FctlError]) -> VectorFile:
    source = ogr_name(path)
    with _quiet():
        layers = tuple(str(name) for name, kind in pyogrio.list_layers(source) if kind is not None)
        if not layers:
            raise refuse(f"{path.name} has no layer with geometries", hint="use a vector file with polygons")
        info, encodings = _described(source, layers[0])
    if info["driver"] not in _DRIVERS:
        raise refuse(f"{path.name} is in the format {info['driver']}, which may refer to other files", hint=_CONVERT)
    indexed = bool(info["capabilities"]["fast_spatial_filter"])
    fields = tuple(str(name) for name in info["fields"])
    reordered = indexed and info["driver"] == "FlatGeobuf"
    return VectorFile(path, source, layers[0], layers, fields, info["crs"] or "", encodings, indexed, reordered)


def _described(source: str, layer: str) -> tuple[dict[str, Any], tuple[str | None, ...]]:
    """What GDAL reports about the layer, and the encodings to try.

    A Shapefile without .cpg does not state the encoding of its text, and some files state it wrongly: text that decodes
    as UTF-8 is UTF-8, and the rest is assumed to be Latin-1, in which every byte is valid.
    """
    try:
        info = pyogrio.read_info(source, layer=layer)
        if info["encoding"] == "UTF-8":
            return info, (None, "ISO-8859-1")
        return pyogrio.read_info(source, layer=layer, encoding="UTF-8"), ("UTF-8", "ISO-8859-1")
    except UnicodeDecodeError:  # in a column name
        return pyogrio.read_info(source, layer=layer, encoding="ISO-8859-1"), ("ISO-8859-1",)


def _open_parquet(path: Path) -> VectorFile:
    """Raises ValueError or KeyError if it is not GeoParquet, or if its geometries are not stored as WKB."""
    import pyarrow.parquet as pq

    source = str(path.absolute())  # pyarrow would expand a '~' to a home folder
    schema, known = pq.read_schema(source), pq.read_metadata(source).metadata or {}
    if b"geo" not in known:
        raise ValueError("it is Parquet without geometries: its metadata has no key 'geo'")
    geo = json.loads(known[b"geo"])
    column = geo["primary_column"]
    info = geo["columns"][column]
    if info["encoding"] != "WKB":
        raise ValueError(f"its geometries are stored as {info['encoding']}, not as WKB")
    crs = info.get("crs", "OGC:CRS84") or ""
    fields = tuple(name for name in schema.names if name != column)
    return ParquetFile(
        path, str(path.absolute()), column, (column,), fields, crs if isinstance(crs, str) else json.dumps(crs)
    )


def _refuse_pointer(path: Path, refuse: type[FctlError]) -> None:
    """Refuse what GDAL would follow or run on opening it: pipelines, VRTs and service descriptions."""
    if path.name.lower().endswith(".gdalg.json"):
        raise refuse(f"{path.name} is a pipeline, not a file of polygons", hint=_CONVERT)
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if any(word in head for word in _POINTERS):
            raise refuse(f"{path.name} refers to data elsewhere", hint=_CONVERT)


def _from_wkb(wkb: NDArray[np.object_]) -> NDArray[np.object_]:
    """2D shapes; None for shapes with arcs, for solids and for missing geometries."""
    try:
        shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:  # there is an arc: read the others one by one
        shapes = np.array([_one_from_wkb(data) for data in wkb], object)
    return np.asarray(shapely.force_2d(shapes), object)


def _one_from_wkb(wkb: bytes | None) -> Any:
    try:
        return shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:
        return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence GDAL's warnings about input files, such as duplicate ids: a user could not act on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
