"""GeoPackage specifics: fixed timestamps, and an embedded style that QGIS applies automatically."""

from __future__ import annotations

import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fctl_geo.products.style import CLASS_FIELD, polygon_qml, polygon_sld
from fctl_geo.settings import RESERVED_LAYERS
from fctl_geo.spec import Legend

GEOMETRY_COLUMN = "geom"
OF_FILE = {"VERSION": "1.2"}
"""Dataset creation options: GDAL older than 3.7 (QGIS 3.22) warns of the 1.4 that is written by default."""
CREATED = "2000-01-01T00:00:00.000Z"
"""Written where a GeoPackage requires the time of the last change. With the real time, two identical runs would give
different bytes; that the same settings always give the same bytes is worth more, and the file system has the time.
"""
_STYLES_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30),
    ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)"""


def layer_name(path: Path) -> str:
    """The layer name, taken from the file name.

    A name that is reserved by SQLite or the standard, or that starts with a character GDAL rejects, gets a prefix.
    """
    stem = path.stem
    taken = stem.lower().startswith(RESERVED_LAYERS) or stem.startswith(tuple(string.punctuation.replace("_", "")))
    return f"polygons_{stem}" if taken else stem


@contextmanager
def fixed_time() -> Iterator[None]:
    """Make GDAL write `CREATED` instead of the time, and build its spatial index deterministically.

    These are options of pyogrio's GDAL and apply to the whole process while the block runs.
    """
    import pyogrio

    options: dict[str, object] = {"OGR_CURRENT_DATE": CREATED, "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def embed_style(path: Path, layer: str, legend: Legend, field: str = CLASS_FIELD, *, replace: bool = True) -> None:
    """Store the legend's style in the GeoPackage as the layer's default; each layer gets one.

    Args:
        field: the column that holds the names of the legend.
        replace: whether styles that the layer has are replaced; otherwise the legend's is stored only if it has none.
    Raises:
        sqlite3.Error: the file cannot be written.
    """
    styles = polygon_qml(legend, field), polygon_sld(legend, layer, field)
    with closing(sqlite3.connect(path)) as database, database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'layer_styles'").fetchone():
            database.execute(_STYLES_TABLE)
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
                "VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles for QGIS', ?, 0)",
                (CREATED,),
            )
        if replace:
            database.execute("DELETE FROM layer_styles WHERE f_table_name = ?", (layer,))
        elif database.execute("SELECT 1 FROM layer_styles WHERE f_table_name = ?", (layer,)).fetchone():
            return
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
            "VALUES ('', '', ?, ?, ?, ?, ?, 1, 'Colors of the classes', '', NULL, ?)",
            (layer, GEOMETRY_COLUMN, layer[:30], *styles, CREATED),
        )
