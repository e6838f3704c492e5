"""A real PostgreSQL server with PostGIS, in a folder of its own, reachable by a Unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

ACCESS = "local all guarded scram-sha-256\nlocal all all trust\n"
"""pg_hba.conf: the user 'guarded' needs a password, everybody else none."""
_NUMBERS = count()


def missing() -> str:
    """Why there can be no server; empty if there can."""
    if not _programs():
        return "PostgreSQL is not installed (Debian: postgresql)"
    share = subprocess.run([_programs() / "pg_config", "--sharedir"], capture_output=True, text=True, check=True)
    if not (Path(share.stdout.strip()) / "extension" / "postgis.control").exists():
        return "PostGIS is not installed (Debian: postgresql-15-postgis-3, or that of your version)"
    return ""


def skip_or_fail() -> None:
    """Skip a test without a server, unless FCTL_REQUIRE_POSTGIS says that there must be one."""
    if reason := missing():
        if os.environ.get("FCTL_REQUIRE_POSTGIS"):
            pytest.fail(reason)
        pytest.skip(reason)


@dataclass(frozen=True)
class Database:
    """A database of one test."""

    socket: Path
    name: str

    def address(self, table: str, user: str = "owner", password: str = "") -> Path:
        """What --out is given."""
        login = f"{user}:{quote(password, safe='')}" if password else user
        return Path(f"postgresql://{login}@{quote(str(self.socket), safe='')}/{self.name}?table={quote(table)}")

    def connect(self, user: str = "owner", **options: Any) -> Any:
        import psycopg

        return psycopg.connect(host=str(self.socket), dbname=self.name, user=user, autocommit=True, **options)

    def ask(self, words: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query; none for a command."""
        with closing(self.connect()) as connection:
            cursor = connection.execute(words, values)
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Server:
    """A running server."""

    socket: Path

    def database(self, *, postgis: bool = True) -> Database:
        """A new database."""
        name, server = f"test{next(_NUMBERS)}", Database(self.socket, "postgres")
        server.ask(f"CREATE DATABASE {name} TEMPLATE {'with_postgis' if postgis else 'template0'}")
        return Database(self.socket, name)


@contextmanager
def run_server() -> Iterator[Server]:
    """Start a server as an unprivileged user, and stop it at the end."""
    home = Path(tempfile.mkdtemp(prefix="fctl-pg-"))  # its path must be short: a socket's has at most 107 bytes
    account: dict[str, Any] = {}
    if os.geteuid() == 0:  # which PostgreSQL refuses
        account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(home, "nobody", "nogroup")
    data, log = home / "data", home / "log"
    common = {"cwd": home, "env": {**os.environ, "LC_ALL": "C"}, **account}
    command = [_programs() / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(command, check=True, capture_output=True, **common)
    (data / "pg_hba.conf").write_text(ACCESS)
    with log.open("wb") as output:
        options = ["-F", "-k", home, "-c", "listen_addresses=", "-c", "max_connections=30"]
        server = subprocess.Popen([_programs() / "postgres", "-D", data, *options], stderr=output, **common)
    try:
        _wait(Database(home, "postgres"), server, log)
        Database(home, "postgres").ask("CREATE DATABASE with_postgis TEMPLATE template0")
        Database(home, "with_postgis").ask("CREATE EXTENSION postgis")
        yield Server(home)
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(home, ignore_errors=True)


def _programs() -> Path | None:
    """The folder of the newest server's programs, which Debian keeps out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _wait(database: Database, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    end = time.monotonic() + 60
    while True:
        try:
            database.ask("SELECT 1")
        except psycopg.OperationalError:
            assert server.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        else:
            return
