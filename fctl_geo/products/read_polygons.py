"""Reads polygons back from a product, for use in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fctl_geo.errors import OutputError
from fctl_geo.products.shapefile import MOST_LETTERS
from fctl_geo.products.temporary_polygons import GEOMETRY, OBJECT_ID, schema_of
from fctl_geo.storage.address import ogr_name
from fctl_geo.storage.outputs import TILE_ENDINGS, VECTOR_ENDINGS, check_endings

if TYPE_CHECKING:
    import geopandas


def read_polygons(path: str | Path) -> geopandas.GeoDataFrame:
    """Read the polygons of any file written by fctl-geo except tiles; the result is the same for each format.

    Returns:
        class_id: the value in the class raster, int16.
        class_name: the model's name for the class.
        area_m2: area on the ground; area_px instead if the scene has no CRS.
        confidence: mean of the pixels in percent, float32; NaN if unknown.
        object_id: number of the region that the polygon is, or is a part of.
        outline, outline_iou: what became of the outline if it was to be squared, see `square.outcomes`.
        geometry: polygons in the scene's CRS (GeoJSON: longitude and latitude); crs is None if the scene has none.
        FlatGeobuf orders rows spatially, the others by the last row of the scene that a polygon touches. The colors
        of the classes are in the style beside the file (.qml).
    Raises:
        OutputError: the file is missing, or has other columns.
    """
    path = Path(path)
    check_endings([path], VECTOR_ENDINGS)
    if path.suffix.lower() in TILE_ENDINGS:
        raise OutputError(
            f"{path} holds vector tiles, in which polygons are cut and rounded",
            hint="read another product of the same run, for example a .gpkg",
        )
    if not path.is_file():
        raise OutputError(f"{path} does not exist", hint="check the path")
    found = _read(path)
    if path.suffix.lower() == ".shp":
        found = found.rename(columns={name[:MOST_LETTERS]: name for name in schema_of("m2", squared=True).names})
    in_m2, in_px = ([name for name in schema_of(unit).names if name != GEOMETRY] for unit in ("m2", "px"))
    columns = next((names for names in (in_m2, in_px) if set(names) <= set(found.columns)), None)
    if columns is None:
        named = ", ".join(map(str, found.columns))
        raise OutputError(
            f"{path} has the columns {named}; expected {', '.join(in_m2)} (or area_px)",
            hint="it is not a polygon file written by fctl-geo: read it with geopandas.read_file",
        )
    crs = found.crs if columns is in_m2 else None  # GeoJSON cannot express a missing CRS
    kinds = {"class_id": "int16", "confidence": "float32", OBJECT_ID: "int64"}
    outlines = [name for name in schema_of("m2", squared=True).names if name not in schema_of("m2").names]
    kept = [*columns, *(name for name in outlines if name in found.columns), "geometry"]
    return found[kept].astype(kinds).set_crs(crs, allow_override=True)


def _read(path: Path) -> geopandas.GeoDataFrame:
    import geopandas
    import pyogrio

    try:
        if path.suffix.lower() == ".parquet":
            return geopandas.read_parquet(path)
        source = ogr_name(path)
        layers = [name for name, kind in pyogrio.list_layers(source) if kind is not None]  # styles have no geometry
        return geopandas.read_file(source, layer=layers[0], engine="pyogrio")
    except (pyogrio.errors.DataSourceError, IndexError, ValueError, OSError) as error:
        raise OutputError(f"{path} cannot be read: {error}", hint="is it complete? Write it again") from error
