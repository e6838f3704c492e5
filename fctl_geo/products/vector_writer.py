"""Writes stored polygons to products: GeoPackage, FlatGeobuf, GeoParquet and GeoJSON, each with a style and complete.

All products are written aside and appear together at the end, so an error in the last leaves none of the others.
The same polygons always give the same bytes.
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
from fctl_geo.products.geopackage import GEOMETRY_COLUMN, embed_style, fixed_time, layer_name
from fctl_geo.products.geoparquet import write_geoparquet
from fctl_geo.products.style import file_qml, say_kept, style_path
from fctl_geo.products.swap import swap_in
from fctl_geo.products.temporary_polygons import GEOMETRY, PolygonFile, schema_of
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.spec import Legend
from fctl_geo.storage.address import ogr_name
from fctl_geo.storage.whole_files import folder_aside, write_failure

if TYPE_CHECKING:
    import pyarrow as pa

    from fctl_geo.georef.area import Unit

_LONGITUDE_LATITUDE_DIGITS = "8"
"""Decimal places of degrees in GeoJSON: 1 mm. GDAL's default of 7 would shift the corners of a drone's 1 cm pixels."""


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """What a product holds besides its features."""

    crs_wkt: str
    """Empty if there is no CRS: coordinates are then pixels."""
    unit: Unit
    """Of the area column."""
    drawn: Legend
    """The classes of the polygons, for their style."""
    legend: Legend
    """All classes, for a raster beside the polygons, which shares their .qml."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Model, version, settings (JSON), ...: written to every product."""
    squared: bool = False
    """Whether products say what became of outlines that were to be squared."""


def write_products(
    polygon_file: PolygonFile,
    outs: Sequence[Path],
    layer: VectorLayer,
    progress: Progress,
    *,
    overwrite: bool | Mapping[Path, bool],
) -> tuple[Path, ...]:
    """Write every product from the polygon file, and a .qml beside those that cannot embed a style.

    Args:
        polygon_file: all polygons.
        outs: files to write; the format follows from the extension (see `outputs.VECTOR_ENDINGS`). Existing ones are
            replaced.
        layer: CRS, legend, metadata.
        progress: advanced by the number of features in each product.
        overwrite: also replace existing .qml files, all or per file; otherwise they are kept and reported.
    Returns:
        The files written: outs, then styles.
    Raises:
        OutputError: a product cannot be written; no product is left behind.
    """
    check_crs(outs, layer.crs_wkt)
    progress.stage("write polygons", max(1, polygon_file.count * len(outs)))
    styles = _style_files(outs)
    kept = [s for s in styles if s.exists() and not (overwrite if isinstance(overwrite, bool) else overwrite[s])]
    for style in kept:
        say_kept(style, progress)
    written = [*outs, *(style for style in styles if style not in kept)]
    with ExitStack() as cleanup:
        parts = {out: cleanup.enter_context(folder_aside(out)) / f"part{out.suffix}" for out in written}
        for out, part in parts.items():
            _write(out, part, _Job(polygon_file, layer, progress))
        products = {out: parts.pop(out) for out in outs}
        swap_in(products, parts, [out.with_name(f"{out.name}.aux.xml") for out in outs])
    return tuple(written)


def check_crs(outs: Sequence[Path], crs_wkt: str) -> None:
    """Refuse GeoJSON if the CRS cannot be transformed to longitude and latitude on Earth; call it before the work.

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
            f"{geojson[0]}: GeoJSON requires longitude and latitude on Earth, to which this CRS cannot be transformed",
            hint="write a .gpkg, .fgb or .parquet instead",
        ) from error


def _style_files(outs: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(style_path(out) for out in outs if out.suffix.lower() != ".gpkg"))


@dataclass(frozen=True, slots=True)
class _Job:
    """What all products of a run have in common."""

    polygon_file: PolygonFile
    layer: VectorLayer
    progress: Progress


def _write(out: Path, part: Path, job: _Job) -> None:
    """Write one file aside in the format of its extension, and check that it is complete."""
    feed, layer = _Feed(job.polygon_file, job.progress), job.layer
    try:
        match out.suffix.lower():
            case ".gpkg":
                with fixed_time():
                    _write_ogr(part, "GPKG", feed, layer, name=layer_name(out), GEOMETRY_NAME=GEOMETRY_COLUMN)
                embed_style(part, layer_name(out), layer.drawn)
            case ".fgb":
                _write_ogr(part, "FlatGeobuf", feed, layer, name=layer_name(out))
            case ".geojson":
                options = _geojson_options(out, layer, job.progress)
                _write_ogr(part, "GeoJSON", feed, layer, name=layer_name(out), **options)
            case ".parquet":
                write_geoparquet(part, feed, schema_of(layer.unit, layer.squared), layer.crs_wkt, layer.metadata)
            case ".qml":
                part.write_text(file_qml(layer.legend, layer.drawn), encoding="utf-8")
                return
        _check_whole(part, layer_name(out), job.polygon_file.count)
    except (RuntimeError, OSError, sqlite3.Error) as error:
        raise feed.error or write_failure(out, error, job.polygon_file.product_bytes) from error


class _Feed:
    """The batches of a polygon file for a writer; remembers the error that interrupted it."""

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
    """Write with one of GDAL's drivers; `options` are its layer creation options."""
    import pyarrow as pa
    import pyogrio

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema_of(layer.unit, layer.squared), iter(feed)),
            ogr_name(part),
            layer=name,
            driver=driver,
            geometry_name=GEOMETRY,
            geometry_type="Polygon",
            crs=layer.crs_wkt or None,
            layer_metadata=dict(layer.metadata) if driver != "GeoJSON" else None,
            layer_options=options,
        )
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        if layer.crs_wkt or not text.startswith("'crs' was not provided"):
            feed.progress.warn(f"{name}{part.suffix}: {text}")


def _geojson_options(out: Path, layer: VectorLayer, progress: Progress) -> dict[str, str]:
    about = {"DESCRIPTION": json.dumps(dict(layer.metadata), sort_keys=True)} if layer.metadata else {}
    if not layer.crs_wkt:
        progress.warn(
            f"{out} has pixel coordinates, since the raster has no CRS; GeoJSON expects longitude and latitude"
        )
        return about
    progress.say(f"{out} is in longitude and latitude (EPSG:4326), as GeoJSON requires (RFC 7946)")
    return {"RFC7946": "YES", "COORDINATE_PRECISION": _LONGITUDE_LATITUDE_DIGITS, **about}


def _check_whole(part: Path, layer: str, count: int) -> None:
    """Check that a file is complete, because a full disk is sometimes not reported at all.

    Raises:
        OSError: features or the end of the file are missing.
    """
    if part.suffix.lower() == ".geojson":
        with part.open("rb") as file:
            file.seek(-min(4, part.stat().st_size), 2)
            if not file.read().rstrip().endswith(b"}"):
                raise OSError("the end of the file is missing")
        return
    found = _count_features(part, layer)
    if found != count:
        raise OSError(f"{found:,} of {count:,} polygons were written")


def _count_features(part: Path, layer: str) -> int:
    if part.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(part).num_rows)
    import pyogrio

    return int(pyogrio.read_info(ogr_name(part), layer=layer, force_feature_count=True)["features"])
