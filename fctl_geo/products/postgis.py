"""Writes polygons to a table in PostGIS: in batches, in one transaction, in a form that QGIS opens with its colors.

A table that is replaced is filled beside the old one, which is dropped at the end: until then, others read the old.
"""

from __future__ import annotations

import json
import secrets
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fctl_geo.errors import OutputError
from fctl_geo.products import postgis_table
from fctl_geo.products.columns import GEOMETRY
from fctl_geo.products.placement import SCENE, Placement
from fctl_geo.products.postgis_table import (
    ExistingTable,
    Place,
    check_columns,
    find_place,
    find_table,
    open_database,
    sql_type,
    wire_types,
)
from fctl_geo.products.style import polygon_qml, polygon_sld
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.products.vector_formats import Feed
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.progress import Progress
from fctl_geo.storage.table_address import TableAddress

if TYPE_CHECKING:
    import pyarrow as pa

_GEOMETRY = "geom"
_KEY = "fid"
"""Numbers the rows; QGIS needs a unique column."""
_WITH_SRID = 0x20000000
_NAME_BYTES = 63
_STYLES = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id SERIAL PRIMARY KEY, f_table_catalog varchar, f_table_schema varchar, f_table_name varchar,
    f_geometry_column varchar, styleName text, styleQML xml, styleSLD xml, useAsDefault boolean, description text,
    owner varchar(63) DEFAULT CURRENT_USER, ui xml, update_time timestamp DEFAULT CURRENT_TIMESTAMP, type varchar
)"""
"""As QGIS creates it."""


def check_table(address: TableAddress, placement: Placement, schema: pa.Schema, crs_wkt: str) -> None:
    """Refuse, before the work, a table that could not be written: what would be done is done and rolled back.

    Raises:
        OutputError: no connection, no PostGIS or no permission, a table that exists, or has other columns or CRS.
    """
    with open_database(address, postgis_table.CHECK_WAIT) as connection:
        place = find_place(connection, address, crs_wkt)
        old = _existing(connection, address, place, placement)
        if placement.append and old is not None:
            _check_appended(connection, place, old, schema, crs_wkt)
        else:
            _create(connection, place, _aside(place), schema, {})
            if old is not None:
                connection.execute(_sql("DROP TABLE {}", place))
        connection.rollback()


@contextmanager
def filled_table(
    address: TableAddress, placement: Placement, polygon_file: PolygonFile, layer: VectorLayer, progress: Progress
) -> Iterator[None]:
    """A table with the polygons; others see it when the block has ended without an error.

    Raises:
        OutputError: the table cannot be written; it is as before.
        Cancelled: the user stopped it.
    """
    schema, feed = polygon_file.schema, Feed(polygon_file, progress, scene=placement.scene)
    with open_database(address, postgis_table.WRITE_WAIT) as connection:
        place = find_place(connection, address, layer.crs_wkt)
        old = _existing(connection, address, place, placement)
        if placement.append and old is not None:
            _check_appended(connection, place, old, schema, layer.crs_wkt)
            _delete_scene(connection, place, placement.scene, polygon_file.count, progress)
            _copy(connection, place, old.geometry, old.kinds, feed)
        else:
            new = place if old is None else _aside(place)
            kinds = _create(connection, place, new, schema, layer.metadata)
            _copy(connection, new, _GEOMETRY, kinds, feed)
            connection.execute(_sql(f"CREATE INDEX ON {{}} USING gist ({_GEOMETRY})", new))
            connection.execute(_sql(f"CREATE INDEX ON {{}} ({SCENE})", new))
            if old is not None:
                _take_place(connection, new, place)
            _store_style(connection, address, place, layer, progress)
        yield


def _existing(connection: Any, address: TableAddress, place: Place, placement: Placement) -> ExistingTable | None:
    """The table, held against others that write to it; the same scene is written by one at a time."""
    found = find_table(connection, place)
    if found is None or placement.overwrite:
        _hold(connection, place.name)
        found = find_table(connection, place)  # another may have created it in the meantime
    if found is not None and placement.append:
        _hold(connection, f"{place.name} {placement.scene}")
    if found is not None and not (placement.append or placement.overwrite):
        raise OutputError(
            f"{address.shown} already exists",
            hint="add to it with --append, replace it with --overwrite, or choose another name",
        )
    return found


def _hold(connection: Any, name: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"fctl-geo {name}",))


def _check_appended(connection: Any, place: Place, old: ExistingTable, schema: pa.Schema, crs_wkt: str) -> None:
    check_columns(place, old, schema, crs_wkt)
    for right in ("SELECT", "INSERT", "DELETE"):
        (has,) = connection.execute("SELECT has_table_privilege(%s::oid, %s)", (old.number, right)).fetchone()
        if not has:
            raise OutputError(
                f"you have no permission to {right} in the table {place.name}",
                hint="ask its owner to GRANT SELECT, INSERT, DELETE on it",
            )


def _create(
    connection: Any, place: Place, new: Place, schema: pa.Schema, metadata: Mapping[str, str]
) -> dict[str, str]:
    """Create an empty table; returns the types of its columns."""
    from psycopg import sql

    kinds = {SCENE: "text", **{field.name: sql_type(field.type) for field in schema if field.name != GEOMETRY}}
    columns = [
        sql.SQL("{} bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY").format(sql.Identifier(_KEY)),
        sql.SQL("{} {}.geometry(Polygon, {})").format(
            sql.Identifier(_GEOMETRY), sql.Identifier(place.postgis), sql.Literal(place.srid)
        ),
        *(sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in kinds.items()),
    ]
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(_identifier(new), sql.SQL(", ").join(columns)))
    about = json.dumps(dict(metadata), sort_keys=True)
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(_identifier(new), sql.Literal(about)))
    return kinds


def _delete_scene(connection: Any, place: Place, scene: str, count: int, progress: Progress) -> None:
    from psycopg import sql

    command = sql.SQL("DELETE FROM {} WHERE {} = {}").format(_identifier(place), sql.Identifier(SCENE), scene)
    gone = connection.execute(command).rowcount
    instead = f" in place of {gone:,} that were there" if gone else ""
    progress.say(f"{count:,} polygons of {scene} are added to the table {place.name}{instead}")


def _copy(connection: Any, place: Place, geometry: str, kinds: Mapping[str, str], feed: Feed) -> None:
    """Send all polygons, with one batch of them in memory."""
    import psycopg
    from psycopg import sql

    names = [geometry if name == GEOMETRY else name for name in feed.schema.names]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(_identifier(place), columns)
    cursor = connection.cursor()
    try:
        with cursor.copy(command) as copy:
            copy.set_types(wire_types(names, kinds, geometry))
            for batch in feed:
                for row in _rows(batch, place.srid):
                    copy.write_row(row)
    except psycopg.Error:
        if feed.error is not None:
            raise feed.error from None
        raise
    if cursor.rowcount != feed.count:
        raise OutputError(f"{cursor.rowcount:,} of {feed.count:,} polygons arrived in {place.name}")


def _rows(batch: pa.RecordBatch, srid: int) -> Iterator[tuple[Any, ...]]:
    """The values of each polygon; its WKB becomes EWKB, which names the CRS."""
    columns = [column.to_pylist() for column in batch.columns]
    at = batch.schema.get_field_index(GEOMETRY)
    head = struct.pack("<BII", 1, 3 | _WITH_SRID, srid) if srid else struct.pack("<BI", 1, 3)
    columns[at] = [head + wkb[5:] for wkb in columns[at]]
    return zip(*columns, strict=True)


def _take_place(connection: Any, new: Place, place: Place) -> None:
    """Drop the old table, and give the new one, its indexes and its sequence their names."""
    from psycopg import sql

    connection.execute(_sql("DROP TABLE {}", place))
    connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(_identifier(new), sql.Identifier(place.table)))
    named = connection.execute(
        "SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND starts_with(c.relname, %s) AND c.relkind IN ('i', 'S')",
        (place.schema, new.table),
    ).fetchall()
    for name, kind in named:
        ending = name.removeprefix(new.table)
        stem = place.table.encode()[: _NAME_BYTES - len(ending)].decode(errors="ignore")
        words = "ALTER SEQUENCE {} RENAME TO {}" if kind in ("S", b"S") else "ALTER INDEX {} RENAME TO {}"
        old = _identifier(replace(place, table=name))
        connection.execute(sql.SQL(words).format(old, sql.Identifier(stem + ending)))


def _store_style(connection: Any, address: TableAddress, place: Place, layer: VectorLayer, progress: Progress) -> None:
    """Store the style where QGIS looks for that of a table, if the user may."""
    from psycopg import errors

    where = (connection.info.dbname, place.schema, place.table, _GEOMETRY)
    style = (place.table, polygon_qml(layer.drawn), polygon_sld(layer.drawn, place.table))
    try:
        with connection.transaction():
            if connection.execute("SELECT to_regclass('layer_styles')").fetchone() == (None,):
                connection.execute(_STYLES)
            connection.execute(
                "DELETE FROM layer_styles WHERE f_table_catalog = %s AND f_table_schema = %s AND f_table_name = %s "
                "AND f_geometry_column = %s",
                where,
            )
            connection.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner) VALUES (%s, %s, %s, %s, %s, "
                "XMLPARSE(DOCUMENT %s), XMLPARSE(DOCUMENT %s), true, 'Colors of the classes', current_user)",
                (*where, *style),
            )
    except (errors.InsufficientPrivilege, errors.UniqueViolation, errors.UndefinedColumn) as error:
        progress.say(f"{address.shown}: the colors are not stored in layer_styles ({error.diag.message_primary})")


def _aside(place: Place) -> Place:
    """A table beside another, for the time in which it is filled."""
    return replace(place, table=f"{place.table.encode()[:35].decode(errors='ignore')}~{secrets.token_hex(4)}")


def _identifier(place: Place) -> Any:
    from psycopg import sql

    return sql.Identifier(place.schema, place.table)


def _sql(words: str, place: Place) -> Any:
    from psycopg import sql

    return sql.SQL(words).format(_identifier(place))
