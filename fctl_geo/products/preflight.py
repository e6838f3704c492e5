"""Checks before the work begins: what could not be written in the end is refused now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fctl_geo.errors import OutputError
from fctl_geo.products.geopackage_append import check_columns
from fctl_geo.products.geopackage_copy import plan_geopackage
from fctl_geo.products.placement import Placement
from fctl_geo.products.postgis import check_table
from fctl_geo.storage.outputs import TILE_ENDINGS, check_endings, check_outputs
from fctl_geo.storage.table_address import TableAddress

if TYPE_CHECKING:
    import pyarrow as pa

_ON_EARTH = (".geojson", ".geojsonl", ".geojsons", *TILE_ENDINGS)
"""Formats with a CRS of their own."""


def check_places(
    outs: Sequence[Path], placement: Placement, *, endings: Sequence[str], made_here: Collection[Path] = ()
) -> None:
    """Refuse files that could not be written, or that exist and may neither be replaced nor added to.

    Args:
        endings: the extensions that are products.
        made_here: files that only pass through this machine and may be replaced.
    Raises:
        OutputError: says which one and why.
    """
    check_endings(outs, endings)
    shared = {out for out in outs if out.suffix.lower() == ".gpkg" and out not in made_here}
    for out in outs:
        if placement.append and out not in shared and out not in made_here and out.exists():
            raise OutputError(
                f"{out} already exists and cannot be added to",
                hint="add to a .gpkg or a PostGIS table with --append, or choose another name",
            )
    check_outputs(
        outs, {out: placement.overwrite or out in shared or out in made_here for out in outs}, endings=endings
    )
    for out in shared:
        plan_geopackage(out, placement)


def check_layers(
    outs: Sequence[Path],
    tables: Sequence[TableAddress],
    placement: Placement,
    schema: pa.Schema,
    crs_wkt: str,
    *,
    made_here: Collection[Path] = (),
) -> None:
    """Refuse, once the scene is known, formats and layers that cannot take its polygons.

    Args:
        schema: the columns of the polygons.
        crs_wkt: of the polygons.
    Raises:
        OutputError: a format cannot represent the CRS, or a layer or table has other columns or another CRS.
    """
    check_crs(outs, crs_wkt)
    for table in tables:
        check_table(table, placement, schema, crs_wkt)
    for out in outs:
        if out.suffix.lower() == ".gpkg" and out not in made_here:
            plan = plan_geopackage(out, placement)
            if plan.action == "append":
                check_columns(out, plan.layer, schema, crs_wkt)


def check_crs(outs: Sequence[Path], crs_wkt: str) -> None:
    """Refuse formats that the CRS cannot be transformed to.

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
