"""A database with PostGIS: connecting to it, and what is known of a table in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fctl_geo.errors import OutputError
from fctl_geo.products.columns import GEOMETRY
from fctl_geo.products.placement import SCENE
from fctl_geo.storage.table_address import TableAddress

if TYPE_CHECKING:
    import pyarrow as pa

CHECK_WAIT, WRITE_WAIT = "30s", "10min"
"""How long to wait for another program that holds the table, before the work and after it."""
_CONNECT_S = "20"
_SHAPES = ("POLYGON", "GEOMETRY")
_OTHER_TABLE = "use the settings of the first run, or another table"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table is, or would be."""

    schema: str
    table: str
    postgis: str
    """The schema of PostGIS's own types and functions."""
    srid: int
    """Of the polygons; 0: unknown."""

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class ExistingTable:
    """A table as the database describes it."""

    number: int
    """Its oid."""
    geometry: str
    """The geometry column; empty if there is none."""
    shape: str
    srid: int
    kinds: Mapping[str, str]
    """Type of each column, as SQL names it."""
    required: tuple[str, ...]
    """Columns that must have a value, and for which the table has no default."""


@contextmanager
def open_database(address: TableAddress, wait: str) -> Iterator[Any]:
    """A psycopg connection in a transaction, committed at the end if there is no error.

    Args:
        wait: for locks that others hold, as PostgreSQL writes it.
    Raises:
        OutputError: psycopg is not installed, the server cannot be reached, or an error that it reported.
    """
    try:
        import psycopg
        from psycopg.conninfo import make_conninfo
    except ImportError:
        raise OutputError(
            f"writing to {address.shown} needs psycopg", hint="pip install 'fctl-geo[postgis]', or write a .gpkg"
        ) from None
    try:
        given = {"connect_timeout": _CONNECT_S, "application_name": "fctl-geo", **address.connection}
        connection = psycopg.connect(make_conninfo(**given))
    except psycopg.Error as error:
        raise OutputError(
            f"cannot connect to {address.shown}: {_words(address, error)}",
            hint="check host, database and user; a password is best kept in PGPASSWORD or ~/.pgpass",
        ) from None  # its arguments hold the password
    try:
        with connection:
            connection.execute(f"SET LOCAL lock_timeout = '{wait}'")
            yield connection
    except psycopg.Error as error:
        raise OutputError(f"{address.shown}: {_words(address, error)}", hint=_hint_of(error)) from error


def find_place(connection: Any, address: TableAddress, crs_wkt: str) -> Place:
    """Where the table is or would be, and the number of the CRS.

    Raises:
        OutputError: no PostGIS, no such schema, or a CRS that the database does not know.
    """
    found = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'"
    ).fetchone()
    if found is None:
        raise OutputError(
            f"{address.shown}: the database has no PostGIS", hint="run CREATE EXTENSION postgis in it once"
        )
    (postgis,) = found
    (schema,) = connection.execute("SELECT coalesce(nullif(%s, ''), current_schema())", (address.schema,)).fetchone()
    if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone():
        missing = f"the database has no schema {schema!r}" if schema else "no schema of the search path exists"
        raise OutputError(
            f"{address.shown}: {missing}",
            hint="create it first (CREATE SCHEMA), or choose another: ?table=schema.name",
        )
    return Place(schema, address.table, postgis, _srid_of(connection, address, postgis, crs_wkt))


def find_table(connection: Any, place: Place) -> ExistingTable | None:
    """The table; None if there is none of that name.

    Raises:
        OutputError: the name is that of a view or of something else.
    """
    from psycopg import sql

    found = connection.execute(
        "SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s",
        (place.schema, place.table),
    ).fetchone()
    if found is None:
        return None
    number, kind = found
    if kind not in ("r", "p", b"r", b"p"):
        raise OutputError(f"{place.name} is not a table", hint="it is a view or an index: choose another name")
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, NULL), attnotnull AND NOT atthasdef AND attidentity = '' "
        "FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (number,),
    ).fetchall()
    shapes = connection.execute(
        sql.SQL("SELECT f_geometry_column, type, srid FROM {} WHERE f_table_schema = {} AND f_table_name = {}").format(
            sql.Identifier(place.postgis, "geometry_columns"), place.schema, place.table
        )
    ).fetchall()
    geometry, shape, srid = shapes[0] if len(shapes) == 1 else ("", "", 0)
    required = tuple(name for name, _, needed in columns if needed)
    return ExistingTable(number, geometry, shape, srid, {name: kind for name, kind, _ in columns}, required)


def check_columns(place: Place, table: ExistingTable, schema: pa.Schema, crs_wkt: str) -> None:
    """Refuse a table that polygons cannot be added to.

    Args:
        schema: the columns of the polygons, without that of the scene.
    Raises:
        OutputError: says which columns are missing or of another type, or names both CRS.
    """
    if not table.geometry or table.shape not in _SHAPES:
        shape = table.shape or "no single geometry column"
        raise OutputError(f"the table {place.name} holds {shape}, not POLYGON", hint=_OTHER_TABLE)
    wanted = {SCENE: _TEXT, **{field.name: _kinds(field.type) for field in schema if field.name != GEOMETRY}}
    kinds = table.kinds
    missing = [name for name in wanted if name not in kinds]
    wrong = [f"{name} ({kinds[name]})" for name in wanted if name in kinds and kinds[name] not in wanted[name]]
    needed = [name for name in table.required if name not in wanted and name != table.geometry]
    for words, names in (("lacks", missing), ("has another type of", wrong), ("requires values of", needed)):
        if names:
            raise OutputError(f"the table {place.name} {words} {', '.join(names)}", hint=_OTHER_TABLE)
    if table.srid != place.srid:
        raise OutputError(
            f"the table {place.name} is in SRID {table.srid}, the polygons are in {name_of_crs(crs_wkt)} "
            f"(SRID {place.srid})",
            hint="use a table in the CRS of the scene, or transform the scene first (gdalwarp)",
        )


_TEXT = ("text", "character varying")
_WIRE = {
    "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4", "double precision": "float8",
    "text": "text", "character varying": "text",
}  # fmt: skip
"""What values of an SQL type are sent as."""


def wire_types(names: list[str], kinds: Mapping[str, str], geometry: str) -> list[str]:
    """How the columns of a binary COPY are sent; a geometry is sent as the bytes of its EWKB."""
    return ["bytea" if name == geometry else _WIRE[kinds[name]] for name in names]


def sql_type(kind: pa.DataType) -> str:
    """The type of a new column."""
    return _kinds(kind)[0]


def name_of_crs(crs_wkt: str) -> str:
    """'EPSG:32633', or the name of a CRS without a code."""
    from pyproj import CRS

    if not crs_wkt:
        return "no CRS"
    crs = CRS.from_wkt(crs_wkt)
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)


def _kinds(kind: pa.DataType) -> tuple[str, ...]:
    """The SQL types that hold a type of Arrow without loss, the usual one first."""
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return ("smallint", "integer", "bigint")[{8: 0, 16: 0, 32: 1, 64: 2}[kind.bit_width] :]
    if pa.types.is_floating(kind):
        return ("real", "double precision")[{32: 0, 64: 1}[kind.bit_width] :]
    return _TEXT


def _srid_of(connection: Any, address: TableAddress, postgis: str, crs_wkt: str) -> int:
    from psycopg import sql

    if not crs_wkt:
        return 0
    name = name_of_crs(crs_wkt)
    authority, _, code = name.partition(":")
    found = None
    if code.isdigit():
        known = sql.Identifier(postgis, "spatial_ref_sys")
        query = sql.SQL("SELECT srid FROM {} WHERE upper(auth_name) = upper({}) AND auth_srid = {}")
        found = connection.execute(query.format(known, authority, int(code))).fetchone()
    if found is None:
        raise OutputError(
            f"{address.shown}: the database does not know the CRS of the polygons ({name})",
            hint="add it to spatial_ref_sys, transform the scene to a CRS with an EPSG code, or write a .gpkg",
        )
    return int(found[0])


def _words(address: TableAddress, error: Exception) -> str:
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = [line.strip() for line in str(primary or error).splitlines()]
    return address.without_secrets("; ".join(line for line in lines if line))


def _hint_of(error: Exception) -> str:
    from psycopg import errors

    if isinstance(error, errors.LockNotAvailable):
        return "another program holds the table: close it there, or try again later"
    if isinstance(error, errors.InsufficientPrivilege):
        return "ask the owner of the schema or table for the permissions CREATE, or SELECT, INSERT and DELETE"
    if isinstance(error, errors.DependentObjectsStillExist):
        return "views depend on the table: drop them first, or add to the table with --append, which keeps them"
    return "nothing was changed in the database"
