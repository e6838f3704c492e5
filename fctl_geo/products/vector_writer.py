"""Writes stored polygons to products, each complete and with a style; for the formats, see `vector_formats`.

All products are written aside and appear together at the end, so an error in the last leaves none of the others.
The same polygons always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from fctl_geo.errors import OutputError
from fctl_geo.products.shapefile import check_size
from fctl_geo.products.style import file_qml, say_kept, style_path
from fctl_geo.products.swap import swap_in
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.products.vector_formats import write_file
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.progress import Progress
from fctl_geo.storage.outputs import TILE_ENDINGS
from fctl_geo.storage.whole_files import folder_aside, write_failure

_ON_EARTH = (".geojson", ".geojsonl", ".geojsons", *TILE_ENDINGS)
"""Formats with a CRS of their own."""


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
    for out in outs:
        if out.suffix.lower() == ".shp":
            check_size(out, polygon_file)
    progress.stage("write polygons", max(1, polygon_file.count * len(outs)))
    styles = _style_files(outs)
    kept = [s for s in styles if s.exists() and not (overwrite if isinstance(overwrite, bool) else overwrite[s])]
    for style in kept:
        say_kept(style, progress)
    written = [*outs, *(style for style in styles if style not in kept)]
    with ExitStack() as cleanup:
        parts = {out: cleanup.enter_context(folder_aside(out)) / f"part{out.suffix.lower()}" for out in written}
        products = {out: parts.pop(out) for out in outs}
        for out, part in products.items():
            write_file(out, part, polygon_file, layer, progress)
        for style, part in parts.items():
            _write_style(style, part, layer)
        swap_in(products, parts, [out.with_name(f"{out.name}.aux.xml") for out in outs])
    return tuple(written)


def check_crs(outs: Sequence[Path], crs_wkt: str) -> None:
    """Refuse formats that the CRS cannot be transformed to; call it before the work.

    Raises:
        OutputError: GeoJSON or tiles for another planet or a local CRS, tiles without a CRS.
    """
    on_earth = [out for out in outs if out.suffix.lower() in _ON_EARTH]
    tiles = [out for out in on_earth if out.suffix.lower() in TILE_ENDINGS]
    if not crs_wkt and tiles:
        raise OutputError(
            f"{tiles[0]}: vector tiles require a place on Earth, but the raster has no CRS",
            hint="give the raster its CRS, or write a .gpkg, .fgb or .parquet instead",
        )
    if not crs_wkt or not on_earth:
        return
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        Transformer.from_crs(crs_wkt, "EPSG:4326")
    except ProjError as error:
        format_name = "vector tiles require" if on_earth[0] in tiles else "GeoJSON requires"
        raise OutputError(
            f"{on_earth[0]}: {format_name} longitude and latitude on Earth, to which this CRS cannot be transformed",
            hint="write a .gpkg, .fgb or .parquet instead",
        ) from error


def _style_files(outs: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(style_path(out) for out in outs if out.suffix.lower() != ".gpkg"))


def _write_style(style: Path, part: Path, layer: VectorLayer) -> None:
    try:
        part.write_text(file_qml(layer.legend, layer.drawn), encoding="utf-8")
    except OSError as error:
        raise write_failure(style, error) from error
