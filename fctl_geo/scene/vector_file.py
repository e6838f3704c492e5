"""Vector files from anywhere: opened safely, text decoded, shapes streamed in the file's order."""

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
"""GEOS's numbers of the types."""

_SOLID = shapely.Point(0, 0)
"""Stands for a shape that is no area on the ground, as a point is none."""

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
    """Empty: the file does not say it."""
    encodings: tuple[str | None, ...] = (None,)
    """Of its text, the likely one first; None: GDAL decodes it."""
    indexed: bool = False
    """Features of a box are found without reading the others."""
    reordered: bool = False
    """The order of the features is that of the format's spatial index, not of whoever drew them."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know before relying on it."""
        if len(self.layers) < 2:
            return ()
        return (f"{self.path.name} has {len(self.layers)} layers, the first one is used: {self.layer}",)

    def values(self, field: str | None) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Ids and values of a column in the file's order; without a field every value is None."""
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
        """Ids and shapes, batch by batch; None: no geometry. Arcs are made straight; a point stands for a solid.

        Args:
            box: in the file's CRS; features outside may be left out.
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
        """Features with arcs, as GDAL draws them with straight lines."""
        _, found, wkb, _ = pyogrio.raw.read(self.source, layer=self.layer, columns=[], fids=ids, return_fids=True)
        shapes = dict(zip(found.tolist(), _from_wkb(wkb), strict=True))
        return np.array([shapes[one] or _SOLID for one in ids.tolist()], object)


class ParquetFile(VectorFile):
    """GeoParquet, which pyogrio's GDAL does not read; `layer` is the column of geometries."""

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
    """Look at a vector file; no feature is read.

    Raises:
        refuse: it cannot be read, holds no geometries, or points to data elsewhere.
    """
    if path.exists() and (wrong := ogr_unsafe(path)):
        raise refuse(f"{path} has {wrong!r} in it: it cannot be opened", hint="rename the file or its folder")
    _refuse_pointer(path, refuse)
    try:
        return _open_parquet(path) if path.suffix.lower() in _PARQUET_ENDINGS else _open_ogr(path, refuse)
    except (DataSourceError, DataLayerError, OSError, ValueError, KeyError) as error:
        source, address = ogr_name(path), gdal_name(path)
        hint = (
            "check address, connection and keys" if is_remote(address) else "give GeoPackage, GeoJSON, Shapefile, ..."
        )
        words = str(error).replace(source, shown(address))
        raise refuse(f"{path.name} is not a vector file that GDAL can read ({words})", hint=hint) from error


def polygons_in(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Valid polygons, with the index of the shape that each is a part of.

    Collections are taken apart and invalid polygons repaired. Points, lines, empty shapes and those with coordinates
    that are not finite give none.
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
    """The polygons in shapes of any type, with the index of the shape that each is a part of."""
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
            raise refuse(f"{path.name} has no layer with geometries", hint="give a vector file with polygons")
        info, encodings = _described(source, layers[0])
    if info["driver"] not in _DRIVERS:
        raise refuse(f"{path.name} is of the format {info['driver']}, which may point elsewhere", hint=_CONVERT)
    indexed = bool(info["capabilities"]["fast_spatial_filter"])
    fields = tuple(str(name) for name in info["fields"])
    reordered = indexed and info["driver"] == "FlatGeobuf"
    return VectorFile(path, source, layers[0], layers, fields, info["crs"] or "", encodings, indexed, reordered)


def _described(source: str, layer: str) -> tuple[dict[str, Any], tuple[str | None, ...]]:
    """What GDAL says of the layer, and the encodings to try.

    A Shapefile without .cpg does not say how its text is encoded, and some files say it wrongly: what decodes as UTF-8
    is UTF-8, the rest is taken for Latin-1, in which every byte is a letter.
    """
    try:
        info = pyogrio.read_info(source, layer=layer)
        if info["encoding"] == "UTF-8":
            return info, (None, "ISO-8859-1")
        return pyogrio.read_info(source, layer=layer, encoding="UTF-8"), ("UTF-8", "ISO-8859-1")
    except UnicodeDecodeError:  # in a column's name
        return pyogrio.read_info(source, layer=layer, encoding="ISO-8859-1"), ("ISO-8859-1",)


def _open_parquet(path: Path) -> VectorFile:
    """Raises ValueError or KeyError: not GeoParquet, or geometries in another form than WKB."""
    import pyarrow.parquet as pq

    source = str(path.absolute())  # pyarrow would take a '~' for somebody's home
    schema, known = pq.read_schema(source), pq.read_metadata(source).metadata or {}
    if b"geo" not in known:
        raise ValueError("it is Parquet without geometries: its metadata has no key 'geo'")
    geo = json.loads(known[b"geo"])
    column = geo["primary_column"]
    about = geo["columns"][column]
    if about["encoding"] != "WKB":
        raise ValueError(f"its geometries are stored as {about['encoding']}, not as WKB")
    crs = about.get("crs", "OGC:CRS84") or ""
    fields = tuple(name for name in schema.names if name != column)
    return ParquetFile(
        path, str(path.absolute()), column, (column,), fields, crs if isinstance(crs, str) else json.dumps(crs)
    )


def _refuse_pointer(path: Path, refuse: type[FctlError]) -> None:
    """Refuse what GDAL would follow or run as soon as it is opened: pipelines, VRTs, descriptions of services."""
    if path.name.lower().endswith(".gdalg.json"):
        raise refuse(f"{path.name} is a pipeline, not a file of polygons", hint=_CONVERT)
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if any(word in head for word in _POINTERS):
            raise refuse(f"{path.name} points to data elsewhere", hint=_CONVERT)


def _from_wkb(wkb: NDArray[np.object_]) -> NDArray[np.object_]:
    """Flat shapes; None for those with arcs, for solids and where there is nothing."""
    try:
        shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:  # an arc: the others are read one by one
        shapes = np.array([_one_from_wkb(data) for data in wkb], object)
    return np.asarray(shapely.force_2d(shapes), object)


def _one_from_wkb(wkb: bytes | None) -> Any:
    try:
        return shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:
        return None


@contextmanager
def _quiet() -> Iterator[None]:
    """GDAL's remarks on files of others, such as ids that occur twice, are nothing that a user could act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
