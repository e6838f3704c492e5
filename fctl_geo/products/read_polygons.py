"""Reads polygons back from a product, for use in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fctl_geo.errors import OutputError
from fctl_geo.products.columns import GEOMETRY, Columns
from fctl_geo.products.placement import SCENE
from fctl_geo.products.rings import layer_of
from fctl_geo.products.shapefile import MOST_LETTERS
from fctl_geo.storage.address import ogr_name
from fctl_geo.storage.outputs import TILE_ENDINGS, VECTOR_ENDINGS, check_endings

if TYPE_CHECKING:
    import geopandas

    from fctl_geo.georef.area import Unit


def read_polygons(path: str | Path, *, layer: str | None = None, scene: str | None = None) -> geopandas.GeoDataFrame:
    """Read the polygons of any file written by fctl-geo except tiles; the result is the same for each format.

    Args:
        layer: its name in a GeoPackage (`OutputSettings.layer`); None: the name of the file, or else the first one.
        scene: of a layer that several scenes share, only the polygons of this one (`OutputSettings.scene_name`).
    Returns:
        class_id: the value in the class raster, int16.
        class_name: the model's name for the class.
        area_m2, perimeter_m: area and length of all rings on the ground; area_px and perimeter_px instead if the scene
            has no CRS.
        confidence, min_confidence: mean and minimum of the pixels in percent, float32; NaN if unknown.
        object_id: number of the region that the polygon is, or is a part of, see `polygons.pixel_numbers`.
        length_m, width_m, orientation, compactness: only if there are classes of objects, such as buildings; NaN for
            other classes; see README.
        outline, outline_iou: what became of the outline if it was to be squared, see `square.outcomes`.
        scene: what a polygon is from, in layers that several scenes share.
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
    found = _read(path, layer, scene)
    for unit in ("m2", "px"):
        polygons = _of_schema(found, path, unit)
        if polygons is not None:
            return polygons
    named = ", ".join(map(str, found.columns))
    expected = ", ".join(name for name in Columns("m2").schema.names if name != GEOMETRY)
    raise OutputError(
        f"{path} has the columns {named}; expected {expected} (or area_px and perimeter_px)",
        hint="it is not a polygon file written by fctl-geo: read it with geopandas.read_file",
    )


def _of_schema(found: geopandas.GeoDataFrame, path: Path, unit: Unit) -> geopandas.GeoDataFrame | None:
    """The polygons in the order and types of a product's columns; None if columns are missing."""
    import pyarrow as pa

    schema = Columns(unit, frozenset({0}), squared=True).schema
    if path.suffix.lower() == ".shp":
        found = found.rename(columns={name[:MOST_LETTERS]: name for name in schema.names})
    if not set(Columns(unit).schema.names) <= {*found.columns, GEOMETRY}:
        return None
    kept = [field for field in schema if field.name in found.columns and field.name != GEOMETRY]
    shared = [SCENE] if SCENE in found.columns else []
    kinds = {field.name: field.type.to_pandas_dtype() for field in kept if field.type != pa.string()}
    crs = found.crs if unit == "m2" else None  # GeoJSON cannot express a missing CRS
    return found[[*(field.name for field in kept), *shared, "geometry"]].astype(kinds).set_crs(crs, allow_override=True)


def _read(path: Path, layer: str | None, scene: str | None) -> geopandas.GeoDataFrame:
    import geopandas
    import pyogrio

    try:
        if path.suffix.lower() == ".parquet":
            return geopandas.read_parquet(path)
        where = None if scene is None else "{} = '{}'".format(SCENE, scene.replace("'", "''"))
        return geopandas.read_file(ogr_name(path), layer=layer or layer_of(path), where=where, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, IndexError, ValueError, OSError) as error:
        raise OutputError(f"{path} cannot be read: {error}", hint="is it complete? Write it again") from error
