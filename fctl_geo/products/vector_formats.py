"""Writes one file of polygons in the format of its extension, and checks that it is complete."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fctl_geo.errors import FctlError
from fctl_geo.products.columns import GEOMETRY
from fctl_geo.products.geopackage import GEOMETRY_COLUMN, OF_FILE, embed_style, fixed_time, layer_name
from fctl_geo.products.geopackage_append import delete_scene
from fctl_geo.products.geopackage_copy import GeoPackagePlan
from fctl_geo.products.geoparquet import write_geoparquet
from fctl_geo.products.placement import SCENE
from fctl_geo.products.shapefile import CREATION_OPTIONS, check_crs_kept, short_names
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.products.vector_tiles import tile_options
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.storage.address import ogr_name
from fctl_geo.storage.outputs import TILE_ENDINGS
from fctl_geo.storage.whole_files import write_failure

if TYPE_CHECKING:
    import pyarrow as pa

_LONGITUDE_LATITUDE_DIGITS = "8"
"""Decimal places of degrees in GeoJSON: 1 mm. GDAL's default of 7 would shift the corners of a drone's 1 cm pixels."""
_NO_METADATA = ("GeoJSON", "GeoJSONSeq", "ESRI Shapefile", "MBTiles", "PMTiles")
"""Drivers that do not store the metadata of a layer; for some, it is passed in another way."""


class Feed:
    """The batches of a polygon file for a writer; remembers the error that interrupted it.

    Args:
        names: new names of columns.
        scene: the value of a further column, `placement.SCENE`; empty: there is none.
    """

    def __init__(
        self,
        polygon_file: PolygonFile,
        progress: Progress,
        *,
        names: Mapping[str, str] | None = None,
        scene: str = "",
    ) -> None:
        self.error: FctlError | KeyboardInterrupt | None = None
        self.count = polygon_file.count
        self.progress = progress
        self._polygon_file = polygon_file
        self._names = names or {}
        self._scene = scene

    @property
    def schema(self) -> pa.Schema:
        """The columns of the batches."""
        import pyarrow as pa

        schema = self._polygon_file.schema
        for at, name in enumerate(schema.names):
            schema = schema.set(at, schema.field(at).with_name(self._names.get(name, name)))
        return schema.append(pa.field(SCENE, pa.string())) if self._scene else schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        schema = self.schema
        try:
            for batch in self._polygon_file.batches():
                check_cancelled(self.progress)
                scene = [pa.repeat(self._scene, batch.num_rows)] if self._scene else []
                yield pa.RecordBatch.from_arrays([*batch.columns, *scene], schema=schema)
                self.progress.advance(batch.num_rows)
        except (FctlError, KeyboardInterrupt) as error:
            self.error = error
            raise


def write_file(out: Path, part: Path, polygon_file: PolygonFile, layer: VectorLayer, progress: Progress) -> None:
    """Write one file aside and check that it is complete.

    Args:
        out: its final name.
        part: where it is written.
    Raises:
        OutputError: it cannot be written; the caller removes `part`.
        Cancelled: the user stopped it.
    """
    is_shapefile = part.suffix == ".shp"
    names = short_names(out, polygon_file.schema.names, progress) if is_shapefile else {}
    feed = Feed(polygon_file, progress, names=names)
    with _failures(out, feed, polygon_file.product_bytes):
        _write(out, part, feed, layer)
        _check_whole(part, layer_name(out), polygon_file.count)


def write_geopackage(
    out: Path,
    part: Path,
    plan: GeoPackagePlan,
    scene: str,
    polygon_file: PolygonFile,
    layer: VectorLayer,
    progress: Progress,
) -> None:
    """`write_file` for a GeoPackage.

    Args:
        part: where it is written; unless the plan is to write a new file, a copy of the one that exists.
        scene: the value of a column that says so; empty: there is none.
    """
    feed = Feed(polygon_file, progress, scene=scene)
    copied_bytes = part.stat().st_size if part.exists() else 0
    with _failures(out, feed, polygon_file.product_bytes + copied_bytes):
        stay = 0
        if plan.action == "append":
            gone = delete_scene(part, plan.layer, scene)
            stay = _count_features(part, plan.layer)
            progress.say(_appended(out, plan.layer, scene, polygon_file.count, gone, stay))
        options = {"GEOMETRY_NAME": GEOMETRY_COLUMN}
        append = plan.action == "append"
        with fixed_time():
            _write_ogr(part, "GPKG", feed, layer, name=plan.layer, options=options, of_file=OF_FILE, append=append)
        embed_style(part, plan.layer, layer.drawn, replace=plan.action != "append")
        _check_whole(part, plan.layer, stay + polygon_file.count)


def _appended(out: Path, layer: str, scene: str, count: int, gone: int, stay: int) -> str:
    instead = f" in place of {gone:,} that were there" if gone else ""
    return f"{count:,} polygons of {scene} are added to the layer {layer!r} of {out}{instead}; {stay:,} of others stay"


@contextmanager
def _failures(out: Path, feed: Feed, needed_bytes: int) -> Iterator[None]:
    """Turn errors of the writing libraries into ours."""
    try:
        yield
    except (RuntimeError, OSError, sqlite3.Error) as error:
        raise feed.error or write_failure(out, error, needed_bytes) from error


def _write(out: Path, part: Path, feed: Feed, layer: VectorLayer) -> None:
    name = layer_name(out)
    match out.suffix.lower():
        case ".fgb":
            _write_ogr(part, "FlatGeobuf", feed, layer, name=name)
        case ".geojson":
            options = _geojson_options(out, layer, feed.progress)
            _write_ogr(part, "GeoJSON", feed, layer, name=name, options=options)
        case ".geojsonl" | ".geojsons":
            _write_ogr(part, "GeoJSONSeq", feed, layer, name=name, options=_sequence_options(out, layer, feed.progress))
        case ".shp":
            _write_ogr(part, "ESRI Shapefile", feed, layer, name=part.stem, options=CREATION_OPTIONS)
            check_crs_kept(out, part, layer.crs_wkt, feed.progress)
        case ".mbtiles":
            _write_ogr(part, "MBTiles", feed, layer, name=name, of_file=tile_options(out, layer, feed.count))
        case ".pmtiles":
            _write_ogr(part, "PMTiles", feed, layer, name=name, of_file=tile_options(out, layer, feed.count))
        case ".parquet":
            write_geoparquet(part, feed, feed.schema, layer.crs_wkt, layer.metadata)


def _write_ogr(
    part: Path,
    driver: str,
    feed: Feed,
    layer: VectorLayer,
    *,
    name: str,
    options: Mapping[str, str] | None = None,
    of_file: Mapping[str, str] | None = None,
    append: bool = False,
) -> None:
    """Write with one of GDAL's drivers; `options` and `of_file` are its layer and dataset creation options."""
    import pyarrow as pa
    import pyogrio

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(feed.schema, iter(feed)),
            ogr_name(part),
            layer=name,
            driver=driver,
            geometry_name=GEOMETRY,
            geometry_type="Polygon",
            crs=layer.crs_wkt or None,
            layer_metadata=dict(layer.metadata) if driver not in _NO_METADATA and not append else None,
            layer_options=dict(options or {}),
            dataset_options=dict(of_file or {}),
            append=append,
        )
    expected: tuple[str, ...] = ("does not support creation option BOUNDS",)  # PMTiles passes it on to MBTiles
    if not layer.crs_wkt:
        expected += ("'crs' was not provided",)
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        if not any(words in text for words in expected):
            feed.progress.warn(f"{name}{part.suffix}: {text}")


def _geojson_options(out: Path, layer: VectorLayer, progress: Progress) -> dict[str, str]:
    about = {"DESCRIPTION": json.dumps(dict(layer.metadata), sort_keys=True)} if layer.metadata else {}
    if _say_where(out, layer, progress):
        return {"RFC7946": "YES", "COORDINATE_PRECISION": _LONGITUDE_LATITUDE_DIGITS, **about}
    return about


def _sequence_options(out: Path, layer: VectorLayer, progress: Progress) -> dict[str, str]:
    _say_where(out, layer, progress)
    separated = {"RS": "YES" if out.suffix.lower() == ".geojsons" else "NO"}  # RFC 8142, or a line a feature
    return {**separated, "COORDINATE_PRECISION": _LONGITUDE_LATITUDE_DIGITS}


def _say_where(out: Path, layer: VectorLayer, progress: Progress) -> bool:
    """Report in what coordinates GeoJSON is; whether they are longitude and latitude."""
    if not layer.crs_wkt:
        progress.warn(
            f"{out} has pixel coordinates, since the raster has no CRS; GeoJSON expects longitude and latitude"
        )
        return False
    progress.say(f"{out} is in longitude and latitude (EPSG:4326), as GeoJSON requires (RFC 7946)")
    return True


def _check_whole(part: Path, layer: str, count: int) -> None:
    """Check that a file is complete, because a full disk is sometimes not reported at all.

    Raises:
        OSError: features or the end of the file are missing.
    """
    ending = part.suffix.lower()
    if ending == ".geojson" or ending in TILE_ENDINGS:
        if count or ending == ".geojson":  # GDAL does not open tiles without a polygon
            _check_end(part, ending)
        return
    found = _count_features(part, layer)
    if found != count:
        raise OSError(f"{found:,} of {count:,} polygons were written")


def _check_end(part: Path, ending: str) -> None:
    """For files whose features cannot be counted, or not without reading all of them."""
    if ending in TILE_ENDINGS:  # a polygon is in several tiles
        import pyogrio

        pyogrio.list_layers(ogr_name(part))
        return
    with part.open("rb") as file:
        file.seek(-min(4, part.stat().st_size), 2)
        if not file.read().rstrip().endswith(b"}"):
            raise OSError("the end of the file is missing")


def _count_features(part: Path, layer: str) -> int:
    match part.suffix.lower():
        case ".parquet":
            import pyarrow.parquet as pq

            return int(pq.read_metadata(part).num_rows)
        case ".geojsonl" | ".geojsons":  # a truncated line does not count
            with part.open("rb") as file:
                return sum(line.endswith(b"}\n") for line in file)
        case ".shp":
            layer = part.stem
    import pyogrio

    return int(pyogrio.read_info(ogr_name(part), layer=layer, force_feature_count=True)["features"])
