"""What only a GeoPackage has: its timestamps, and the style that QGIS applies by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fctl_geo.products.style import polygon_qml, polygon_sld
from fctl_geo.spec import Legend

GEOMETRY_COLUMN = "geom"
CREATED = "2000-01-01T00:00:00.000Z"
"""Stands where a GeoPackage wants the time of the last change. A true time would make the bytes of two equal runs
differ, and "the same settings give the same bytes, whoever runs them" is worth more: the file system knows the time.
"""
_RESERVED = ("gpkg", "rtree", "sqlite", "layer_styles")
_STYLES_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),
    ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)"""


def layer_name(path: Path) -> str:
    """The layer is named after its file; a name that SQLite or the standard keeps for itself gets a prefix."""
    stem = path.stem
    return f"polygons_{stem}" if stem.lower().startswith(_RESERVED) else stem


@contextmanager
def fixed_time(created: str = CREATED) -> Iterator[None]:
    """GDAL writes `created` where it would write the time, and builds its index in one way only.

    These are options of pyogrio's GDAL and hold for the whole process while the block runs.
    """
    import pyogrio

    options: dict[str, object] = {"OGR_CURRENT_DATE": created, "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def embed_style(path: Path, layer: str, legend: Legend, created: str = CREATED) -> None:
    """Put the legend's style into the GeoPackage as the layer's default.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    style = (layer, GEOMETRY_COLUMN, layer[:30], polygon_qml(legend), polygon_sld(legend, layer), created)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(_STYLES_TABLE)
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles for QGIS', ?, 0)",
            (created,),
        )
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
            "VALUES ('', '', ?, ?, ?, ?, ?, 1, 'Colours of the classes', '', NULL, ?)",
            style,
        )
