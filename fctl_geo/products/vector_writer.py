"""From stored polygons to products: GeoPackage, FlatGeobuf, GeoParquet, GeoJSON, each styled and whole.

All products are written aside and appear together at the end: an error in the last leaves none of the first.
The same polygons give the same bytes.
"""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fctl_geo.errors import FctlError, OutputError
from fctl_geo.products.geopackage import CREATED, GEOMETRY_COLUMN, embed_style, fixed_time, layer_name
from fctl_geo.products.geoparquet import write_geoparquet
from fctl_geo.products.polygon_file import GEOMETRY, PolygonFile, schema_of
from fctl_geo.products.style import file_qml, say_kept, style_path
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.spec import Legend
from fctl_geo.storage.whole_files import folder_aside, write_failure

if TYPE_CHECKING:
    import pyarrow as pa

    from fctl_geo.georef.area import Unit

_LONGITUDE_LATITUDE_DIGITS = "8"
"""Decimals of a degree in GeoJSON: 1 mm. GDAL's own 7 would shift the corners of a drone's 1 cm pixels."""


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """What a product says besides its features."""

    crs_wkt: str
    """Empty: none, coordinates are pixels."""
    unit: Unit
    """Of the area column."""
    drawn: Legend
    """The classes of the polygons, for their style."""
    legend: Legend
    """All classes, for the raster beside the polygons: they share a .qml."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Model, version, settings (JSON), ...: kept in every product."""


def write_products(
    polygon_file: PolygonFile,
    outs: Sequence[Path],
    layer: VectorLayer,
    progress: Progress,
    *,
    overwrite: bool | Mapping[Path, bool],
    created: str = CREATED,
) -> tuple[Path, ...]:
    """Write every product from the polygon_file, and a .qml beside those that cannot hold a style.

    Args:
        polygon_file: all polygons.
        outs: files by ending (see `outputs.VECTOR_ENDINGS`); those that exist are replaced.
        layer: CRS, legend, metadata.
        progress: advanced by the features of each product.
        overwrite: also replace a .qml that is there, all of them or each; else it is kept, and that is said.
        created: the time in a GeoPackage; constant by default, see `geopackage.CREATED`.
    Returns:
        The files written: outs, then styles.
    Raises:
        OutputError: a product cannot be written; none of them is then there.
    """
    check_crs(outs, layer.crs_wkt)
    progress.stage("write polygons", max(1, polygon_file.count * len(outs)))
    with ExitStack() as cleanup:
        parts = {out: cleanup.enter_context(folder_aside(out)) / out.name for out in (*outs, *_style_files(outs))}
        for style in _style_files(outs):
            if style.exists() and not (overwrite if isinstance(overwrite, bool) else overwrite[style]):
                say_kept(style, progress)
                del parts[style]
        for out, part in parts.items():
            _write(out, part, _Job(polygon_file, layer, progress, created))
        for out, part in parts.items():
            _appear(out, part)
    return tuple(parts)


def check_crs(outs: Sequence[Path], crs_wkt: str) -> None:
    """Refuse a GeoJSON of a place that has no longitude and latitude on Earth; to be run before the work.

    Raises:
        OutputError: GeoJSON for another planet or a local CRS.
    """
    geojson = [out for out in outs if out.suffix.lower() == ".geojson"]
    if not geojson or not crs_wkt:
        return
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        Transformer.from_crs(crs_wkt, "EPSG:4326")
    except ProjError as error:
        raise OutputError(
            f"{geojson[0]}: GeoJSON is in longitude and latitude on Earth, which this CRS does not lead to",
            hint="write a .gpkg, .fgb or .parquet",
        ) from error


def _style_files(outs: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(style_path(out) for out in outs if out.suffix.lower() != ".gpkg"))


@dataclass(frozen=True, slots=True)
class _Job:
    """What all products of a run share."""

    polygon_file: PolygonFile
    layer: VectorLayer
    progress: Progress
    created: str


def _write(out: Path, part: Path, job: _Job) -> None:
    """One file under way, by its ending; checked for being whole."""
    feed, layer = _Feed(job.polygon_file, job.progress), job.layer
    try:
        match out.suffix.lower():
            case ".gpkg":
                with fixed_time(job.created):
                    _write_ogr(part, "GPKG", feed, layer, name=layer_name(out), GEOMETRY_NAME=GEOMETRY_COLUMN)
                embed_style(part, layer_name(out), layer.drawn, job.created)
            case ".fgb":
                _write_ogr(part, "FlatGeobuf", feed, layer, name=layer_name(out))
            case ".geojson":
                options = _geojson_options(out, layer, job.progress)
                _write_ogr(part, "GeoJSON", feed, layer, name=layer_name(out), **options)
            case ".parquet":
                write_geoparquet(part, feed, schema_of(layer.unit), layer.crs_wkt, layer.metadata)
            case ".qml":
                part.write_text(file_qml(layer.legend, layer.drawn), encoding="utf-8")
                return
        _check_whole(part, job.polygon_file.count)
    except (RuntimeError, OSError, sqlite3.Error) as error:
        raise feed.error or write_failure(out, error, job.polygon_file.product_bytes) from error


class _Feed:
    """The batches of a polygon file for a writer; remembers what broke it."""

    def __init__(self, polygon_file: PolygonFile, progress: Progress) -> None:
        self.error: FctlError | KeyboardInterrupt | None = None
        self._polygon_file = polygon_file
        self.progress = progress

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._polygon_file.batches():
                check_cancelled(self.progress)
                yield batch
                self.progress.advance(batch.num_rows)
        except (FctlError, KeyboardInterrupt) as error:
            self.error = error
            raise


def _write_ogr(part: Path, driver: str, feed: _Feed, layer: VectorLayer, *, name: str, **options: str) -> None:
    """With one of GDAL's drivers; `options` are its layer creation options."""
    import pyarrow as pa
    import pyogrio

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema_of(layer.unit), iter(feed)),
            part,
            layer=name,
            driver=driver,
            geometry_name=GEOMETRY,
            geometry_type="Polygon",
            crs=layer.crs_wkt or None,
            layer_metadata=dict(layer.metadata) if driver != "GeoJSON" else None,
            layer_options=options,
        )
    for text in dict.fromkeys(str(warning.message) for warning in heard):
        if layer.crs_wkt or not text.startswith("'crs' was not provided"):
            feed.progress.warn(f"{part.name}: {text}")


def _geojson_options(out: Path, layer: VectorLayer, progress: Progress) -> dict[str, str]:
    about = {"DESCRIPTION": json.dumps(dict(layer.metadata), sort_keys=True)} if layer.metadata else {}
    if not layer.crs_wkt:
        progress.warn(f"{out} has pixel coordinates: the raster has no CRS, but GeoJSON wants longitude and latitude")
        return about
    progress.say(f"{out} is in longitude and latitude (EPSG:4326), as GeoJSON demands (RFC 7946)")
    return {"RFC7946": "YES", "COORDINATE_PRECISION": _LONGITUDE_LATITUDE_DIGITS, **about}


def _check_whole(part: Path, count: int) -> None:
    """The third way in which a full disk is told: not at all.

    Raises:
        OSError: features are missing, or the end of the file.
    """
    if part.suffix.lower() == ".geojson":
        with part.open("rb") as file:
            file.seek(-min(4, part.stat().st_size), 2)
            if not file.read().rstrip().endswith(b"}"):
                raise OSError("the end of the file is missing")
        return
    found = _count_features(part)
    if found != count:
        raise OSError(f"{found:,} of {count:,} polygons were written")


def _count_features(part: Path) -> int:
    if part.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(part).num_rows)
    import pyogrio

    return int(pyogrio.read_info(part, layer=layer_name(part), force_feature_count=True)["features"])


def _appear(out: Path, part: Path) -> None:
    try:
        part.replace(out)
    except OSError as error:
        raise write_failure(out, error) from error
