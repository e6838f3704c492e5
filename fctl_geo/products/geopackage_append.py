"""Adds polygons to a layer of a GeoPackage that holds those of other scenes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fctl_geo.errors import OutputError
from fctl_geo.products.columns import GEOMETRY
from fctl_geo.products.placement import SCENE
from fctl_geo.storage.address import ogr_name

if TYPE_CHECKING:
    import pyarrow as pa

_INTEGERS, _REALS, _TEXT = ("OFTInteger", "OFTInteger64"), ("OFTReal",), ("OFTString",)
_SHAPES = ("Polygon", "Unknown")


def check_columns(path: Path, layer: str, schema: pa.Schema, crs_wkt: str) -> None:
    """Refuse a layer that cannot take the polygons, before the work.

    Args:
        schema: the columns of the polygons, without that of the scene.
        crs_wkt: of the polygons; empty if there is none.
    Raises:
        OutputError: says which columns are missing or of another type, or names both CRS.
    """
    import pyogrio

    info = pyogrio.read_info(ogr_name(path), layer=layer)
    where = f"the layer {layer!r} of {path}"
    kinds = dict(zip(info["fields"], info["ogr_types"], strict=True))
    if SCENE not in kinds:
        raise OutputError(
            f"{where} has no column {SCENE!r}, by which the polygons of a scene are recognized",
            hint="write it with --append from the first scene on, or add to another layer with --layer",
        )
    wanted = {SCENE: _TEXT, **{field.name: _kinds(field.type) for field in schema if field.name != GEOMETRY}}
    wrong = [f"{name} ({kinds[name]})" for name in wanted if name in kinds and kinds[name] not in wanted[name]]
    missing = [name for name in wanted if name not in kinds]
    needed = [name for name in _required(path, layer) if name not in wanted]
    for words, names in (("lacks", missing), ("has another type of", wrong), ("requires values of", needed)):
        if names:
            raise OutputError(
                f"{where} {words} {', '.join(names)}",
                hint="use the settings of the first run, or add to another layer with --layer",
            )
    if info["geometry_type"] not in _SHAPES:
        raise OutputError(
            f"{where} holds {info['geometry_type']}, not Polygon", hint="add to another layer with --layer"
        )
    if not _same_crs(info["crs"], crs_wkt):
        raise OutputError(
            f"{where} is in {info['crs'] or 'no CRS'}, the polygons are in {_crs_name(crs_wkt)}",
            hint="add to a layer in the CRS of the scene with --layer, or transform the scene first (gdalwarp)",
        )


def delete_scene(path: Path, layer: str, scene: str) -> int:
    """Delete the polygons of a scene; returns their number.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    table = _quoted(layer)
    with closing(sqlite3.connect(path)) as database, database:
        if database.execute(f"SELECT 1 FROM {table} WHERE {SCENE} IS NOT ? LIMIT 1", (scene,)).fetchone():
            return database.execute(f"DELETE FROM {table} WHERE {SCENE} = ?", (scene,)).rowcount
        with _index_emptied(database, layer):
            return database.execute(f"DELETE FROM {table}").rowcount


@contextmanager
def _index_emptied(database: sqlite3.Connection, layer: str) -> Iterator[None]:
    """Empty the spatial index at once, instead of row by row, which takes ten times as long as deleting the rows."""
    index = _parts_of_index(database, layer)
    for kind, name, _ in index:
        database.execute(f"DROP {kind} {_quoted(name)}")
    yield
    for _, _, words in reversed(index):
        database.execute(words)


def _parts_of_index(database: sqlite3.Connection, layer: str) -> list[tuple[str, str, str]]:
    """Kind, name and SQL of the trigger that deletes from the R-tree of a layer, and of the R-tree; empty: no index."""
    found = database.execute("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)).fetchone()
    tree = f"rtree_{layer}_{found[0] if found else ''}"
    parts = database.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name IN (?, ?) ORDER BY type DESC", (tree, f"{tree}_delete")
    ).fetchall()
    return parts if len(parts) == 2 else []


def _required(path: Path, layer: str) -> list[str]:
    """Columns that must have a value, and for which the layer has no default."""
    with closing(sqlite3.connect(path)) as database:
        columns = database.execute(f"PRAGMA table_info({_quoted(layer)})").fetchall()
        geometry = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()
    required = [name for _, name, _, not_null, default, key in columns if not_null and default is None and not key]
    return [name for name in required if (name,) != geometry]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _kinds(kind: pa.DataType) -> tuple[str, ...]:
    """The types of OGR that hold a type of Arrow without loss."""
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return _INTEGERS if kind.bit_width <= 32 else _INTEGERS[1:]
    return _REALS if pa.types.is_floating(kind) else _TEXT


def _same_crs(found: str | None, crs_wkt: str) -> bool:
    from pyproj import CRS

    if not found or not crs_wkt:
        return not found and not crs_wkt
    return CRS.from_user_input(found).equals(CRS.from_wkt(crs_wkt), ignore_axis_order=True)


def _crs_name(crs_wkt: str) -> str:
    from pyproj import CRS

    if not crs_wkt:
        return "no CRS"
    crs = CRS.from_wkt(crs_wkt)
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.name
