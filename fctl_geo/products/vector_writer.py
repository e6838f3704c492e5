"""Writes stored polygons to products, each complete and with a style; for the formats, see `vector_formats`.

All products are written aside and appear together at the end, so an error in the last leaves none of the others.
The same polygons always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from fctl_geo.products.geopackage_copy import copy_geopackage, plan_geopackage
from fctl_geo.products.placement import Placement
from fctl_geo.products.postgis import filled_table
from fctl_geo.products.preflight import check_layers
from fctl_geo.products.shapefile import check_size
from fctl_geo.products.style import file_qml, say_kept, style_path
from fctl_geo.products.swap import swap_in
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.products.vector_formats import write_file, write_geopackage
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.progress import Progress
from fctl_geo.storage.table_address import TableAddress
from fctl_geo.storage.whole_files import folder_aside, write_failure


def write_products(
    polygon_file: PolygonFile,
    outs: Sequence[Path],
    layer: VectorLayer,
    progress: Progress,
    *,
    overwrite: bool | Mapping[Path, bool],
    placement: Placement = Placement(overwrite=True),  # noqa: B008 - frozen
    tables: Sequence[TableAddress] = (),
) -> tuple[Path, ...]:
    """Write every product from the polygon file, and a .qml beside those that cannot embed a style.

    Args:
        polygon_file: all polygons.
        outs: files to write; the format follows from the extension (see `outputs.VECTOR_ENDINGS`). Existing ones are
            replaced, but of a GeoPackage only our layer.
        layer: CRS, legend, metadata.
        progress: advanced by the number of features in each product.
        overwrite: also replace existing .qml files, all or per file; otherwise they are kept and reported.
        placement: what becomes of a GeoPackage or a table that exists.
        tables: tables in PostGIS to write as well; each is committed when all files are in place.
    Returns:
        The files written: outs, then styles.
    Raises:
        OutputError: a product cannot be written; no product is left behind.
    """
    check_layers(outs, tables, placement, polygon_file.schema, layer.crs_wkt)
    for out in outs:
        if out.suffix.lower() == ".shp":
            check_size(out, polygon_file)
    progress.stage("write polygons", max(1, polygon_file.count * (len(outs) + len(tables))))
    styles = _style_files(outs)
    kept = [s for s in styles if s.exists() and not (overwrite if isinstance(overwrite, bool) else overwrite[s])]
    for style in kept:
        say_kept(style, progress)
    written = [*outs, *(style for style in styles if style not in kept)]
    with ExitStack() as cleanup:
        parts = {out: cleanup.enter_context(folder_aside(out)) / f"part{out.suffix.lower()}" for out in written}
        products = {out: parts.pop(out) for out in outs}
        originals = []
        for out, part in products.items():
            if out.suffix.lower() != ".gpkg":
                write_file(out, part, polygon_file, layer, progress)
                continue
            plan = plan_geopackage(out, placement)
            if plan.action != "write":
                originals.append(copy_geopackage(plan, out, part, progress))
            scene = placement.scene if placement.append else ""
            write_geopackage(out, part, plan, scene, polygon_file, layer, progress)
        for style, part in parts.items():
            _write_style(style, part, layer)
        for table in tables:
            cleanup.enter_context(filled_table(table, placement, polygon_file, layer, progress))
        for original in originals:
            original.refuse_if_changed()
        swap_in(products, parts, [out.with_name(f"{out.name}.aux.xml") for out in outs])
    return tuple(written)


def _style_files(outs: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(style_path(out) for out in outs if out.suffix.lower() != ".gpkg"))


def _write_style(style: Path, part: Path, layer: VectorLayer) -> None:
    try:
        part.write_text(file_qml(layer.legend, layer.drawn), encoding="utf-8")
    except OSError as error:
        raise write_failure(style, error) from error
