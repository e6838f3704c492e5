"""Addresses of tables in PostgreSQL: postgresql://user@host/database?table=schema.name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

from fctl_geo.errors import OutputError

_ADDRESS = re.compile(r"^postgres(?:ql)?:/+", re.IGNORECASE)
_SERVER = re.compile(r"(?:(?P<user>[^:@]*)(?::(?P<password>[^@]*))?@)?(?P<host>\[[^]]*\]|[^:@]*)(?::(?P<port>\d+))?")
_UNCLEAR = re.compile(r"[%&+#;\s]")
"""What means something else in an address."""
_EXAMPLE = "postgresql://user@host/database?table=schema.name"
_LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL; longer ones would be cut."""


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A table in a database, and how to connect to it."""

    connection: Mapping[str, str] = field(repr=False)
    """Parameters of libpq; what is missing it takes from PGHOST, PGPASSWORD, ~/.pgpass, ... May hold a password."""
    schema: str
    """Empty: the first in the user's search path, usually public."""
    table: str

    @staticmethod
    def of(path: str | Path) -> TableAddress | None:
        """The table that an output names; None if it is not an address of one.

        A `Path` drops a slash ('postgresql:/host/db'), so that the number of slashes says nothing: the last part of
        the path is the database, the one before it, if there is one, the host.

        Raises:
            OutputError: the address cannot be understood.
        """
        text = path.as_posix() if isinstance(path, Path) else path
        scheme = _ADDRESS.match(text)
        if scheme is None:
            return None
        rest, _, query = text[scheme.end() :].partition("?")
        server, _, database = rest.rpartition("/")
        options = dict(parse_qsl(query, keep_blank_values=True))
        schema, dot, table = options.pop("table", "").rpartition(".")
        if not table or not database or "@" in database or (dot and not schema):
            raise OutputError(f"{_without_login(text)} does not name a database and a table", hint=f"write {_EXAMPLE}")
        for name in (schema, table):
            if len(name.encode()) > _LONGEST_NAME or "\0" in name:
                raise OutputError(f"{name[:80]!r} cannot be a name in PostgreSQL", hint="choose a shorter name")
        found = {**_login(server, text), "dbname": unquote(database), **options}
        return TableAddress({key: value for key, value in found.items() if value}, schema, table)

    @property
    def shown(self) -> str:
        """The address in a form that may be displayed and stored: without password and other parameters."""
        user, host, port = (self.connection.get(key, "") for key in ("user", "host", "port"))
        login = f"{quote(user)}@" if user else ""
        server = f"{login}{quote(host, safe='')}{f':{port}' if port else ''}"
        name = _UNCLEAR.sub(lambda found: quote(found[0]), self.name)
        return f"postgresql://{server}/{quote(self.connection['dbname'])}?table={name}"

    @property
    def name(self) -> str:
        """The table with its schema, as it was given."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    def without_secrets(self, text: str) -> str:
        """A message from the server or a library, in which no password is left."""
        for key in ("password", "sslpassword"):
            if secret := self.connection.get(key):
                text = text.replace(secret, "***")
        return text


def _login(server: str, text: str) -> dict[str, str]:
    """User, password, host and port in 'user:password@host:port'."""
    found = _SERVER.fullmatch(server)
    if found is None:
        raise OutputError(f"{_without_login(text)} has no valid host and port", hint=f"write {_EXAMPLE}")
    given = {key: unquote(value) for key, value in found.groupdict().items() if value}
    return given | ({"host": given["host"].strip("[]")} if "host" in given else {})


def _without_login(text: str) -> str:
    place = _ADDRESS.sub("", text.partition("?")[0])
    return f"postgresql://...@{place.rpartition('@')[2]}" if "@" in place else f"postgresql://{place}"
