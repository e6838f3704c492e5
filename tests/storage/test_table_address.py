"""Addresses of tables: whatever a `Path` does to their slashes, and without a password wherever they are shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.errors import OutputError
from fctl_geo.storage.outputs import check_outputs
from fctl_geo.storage.table_address import TableAddress


@pytest.mark.parametrize(
    ("typed", "connection", "shown"),
    [
        (
            "postgresql://u:p%40x@host:5433/db?table=s.roofs",
            {"user": "u", "password": "p@x", "host": "host", "port": "5433", "dbname": "db"},
            "postgresql://u@host:5433/db?table=s.roofs",
        ),
        ("postgresql:///db?table=My%20%25maps.a%2Bä", {"dbname": "db"}, "postgresql:///db?table=My%20%25maps.a%2Bä"),
        ("postgresql:///db?table=roofs", {"dbname": "db"}, "postgresql:///db?table=roofs"),
        (
            "postgres://h/db?table=a.b&password=q&sslmode=require",
            {"host": "h", "dbname": "db", "password": "q", "sslmode": "require"},
            "postgresql://h/db?table=a.b",
        ),
        (
            "postgresql://%2FTmp%2Fpg/my%20db?table=roofs",
            {"host": "/Tmp/pg", "dbname": "my db"},
            "postgresql://%2FTmp%2Fpg/my%20db?table=roofs",
        ),
        ("postgresql://[::1]:5432/db?table=r", {"host": "::1", "port": "5432", "dbname": "db"},
         "postgresql://%3A%3A1:5432/db?table=r"),
        ("postgresql:///db?host=/tmp/x&table=roofs", {"dbname": "db", "host": "/tmp/x"},
         "postgresql://%2Ftmp%2Fx/db?table=roofs"),
    ],
)  # fmt: skip
def test_an_address_says_where_and_a_path_keeps_it(typed: str, connection: dict[str, str], shown: str) -> None:
    for given_as in (typed, Path(typed)):
        address = TableAddress.of(given_as)
        assert address is not None
        assert dict(address.connection) == connection and address.shown == shown
        again = TableAddress.of(address.shown)
        assert again is not None and again.table == address.table and again.shown == shown
        assert "p@x" not in repr(address) and "q'" not in repr(address)


@pytest.mark.parametrize("path", ["a.gpkg", "postgres.gpkg", "s3://bucket/a.gpkg", "/a/postgresql:/b"])
def test_files_are_not_addresses(path: str) -> None:
    assert TableAddress.of(path) is None and TableAddress.of(Path(path)) is None


@pytest.mark.parametrize(
    "typed",
    [
        "postgresql://u:secret@host", "postgresql://u:secret@host/db", "postgresql://u:secret@host/db?table=",
        "postgresql://u:secret@host/db?table=.a", "postgresql://u:secret@host:x/db?table=a",
        "postgresql://u:secret@host/?table=a", "postgresql:", "postgresql://u:secret@h/db?table=" + "x" * 64,
    ],
)  # fmt: skip
def test_what_is_not_complete_is_refused_without_its_password(typed: str) -> None:
    if typed == "postgresql:":
        assert TableAddress.of(typed) is None
        return
    with pytest.raises(OutputError) as told:
        TableAddress.of(Path(typed))
    assert "secret" not in str(told.value) and told.value.hint


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4))
def test_no_password_is_shown(password: str) -> None:
    address = TableAddress.of(Path(f"postgresql://u:{quote(password, safe='')}@host/db?table=roofs"))
    assert address is not None and address.connection["password"] == password
    assert address.shown == "postgresql://u@host/db?table=roofs"
    assert password not in address.without_secrets(f"FATAL: {password} is wrong")


def test_what_is_no_polygons_cannot_be_a_table() -> None:
    with pytest.raises(OutputError, match="can only hold polygons") as told:
        check_outputs([Path("postgresql://u:secret@host/db?table=a.tif")], False, endings=(".tif",))
    assert "secret" not in str(told.value)
