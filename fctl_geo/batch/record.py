"""The run record: one SQLite file, in the output folder or a folder of its own, that knows what became of every scene.

Only the process that holds the folder's lock writes it. Each change is on the disk before the next scene begins (a
rollback journal, synchronous), so that kill -9 loses no more than the scene under way.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fctl_geo.batch.product_store import ProductStore
from fctl_geo.errors import OutputError

FILE_NAME = "batch.sqlite"
_VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS scenes (
    name TEXT PRIMARY KEY,       -- of the products, without ending, from the output folder
    scene TEXT NOT NULL,         -- what was read
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    fingerprint TEXT NOT NULL,   -- changes with the scene's file, the settings, the model or the version
    settings TEXT NOT NULL,      -- JSON
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    version TEXT NOT NULL,
    files TEXT NOT NULL,         -- JSON: [path from the output folder or address, bytes or null]
    error TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL DEFAULT '',
    device TEXT NOT NULL DEFAULT '',
    seconds REAL,
    ended TEXT                   -- UTC
)"""

State = Literal["waiting", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the record says of a scene before it is worked on."""

    name: str
    scene: str
    fingerprint: str
    settings: str
    """JSON."""
    model: str
    model_sha256: str
    version: str
    files: tuple[Path, ...]
    """Products to come, absolute or addresses."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a scene."""

    name: str
    state: State
    seconds: float
    device: str = ""
    error: str = ""
    hint: str = ""


class Record:
    """The open record; use `open_record`."""

    def __init__(self, store: ProductStore, connection: sqlite3.Connection) -> None:
        self._store = store
        self._connection = connection

    def is_done(self, entry: Entry) -> bool:
        """Whether a scene was done with these very settings, and its products are there in their size."""
        row = self._connection.execute(
            "SELECT files FROM scenes WHERE name = ? AND state = 'done' AND fingerprint = ?",
            (entry.name, entry.fingerprint),
        ).fetchone()
        return row is not None and all(self._is_there(path, size) for path, size in json.loads(row[0]))

    def state(self, name: str) -> State | None:
        """A scene's state; None: never heard of it."""
        row = self._connection.execute("SELECT state FROM scenes WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def owned(self, name: str) -> set[Path]:
        """Products of a scene that this record made or was about to make: they may be replaced."""
        row = self._connection.execute("SELECT files FROM scenes WHERE name = ?", (name,)).fetchone()
        return {self._store.path(word) for word, _ in json.loads(row[0])} if row else set()

    def wait(self, entries: Sequence[Entry]) -> None:
        """Note what is to be done."""
        rows = [
            (e.name, e.scene, e.fingerprint, e.settings, e.model, e.model_sha256, e.version,
             json.dumps([[self._store.word(path), None] for path in e.files]))
            for e in entries
        ]  # fmt: skip
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO scenes (name, scene, fingerprint, settings, model, model_sha256, version, "
                "files, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting')",
                rows,
            )

    def end(self, ended: Ended) -> None:
        """Note what became of a scene."""
        paths = sorted(self.owned(ended.name))
        self._store.look_again(paths)
        files = [[self._store.word(path), self._store.size_bytes(path)] for path in paths]
        with self._connection:
            self._connection.execute(
                "UPDATE scenes SET state = ?, error = ?, hint = ?, device = ?, seconds = ?, files = ?, "
                "ended = datetime('now') WHERE name = ?",
                (ended.state, ended.error, ended.hint, ended.device, ended.seconds, json.dumps(files), ended.name),
            )

    def _is_there(self, word: str, size_bytes: int | None) -> bool:
        return size_bytes is not None and self._store.size_bytes(self._store.path(word)) == size_bytes


@contextmanager
def open_record(folder: Path, store: ProductStore) -> Iterator[Record]:
    """The record that lies in a folder, begun if there is none.

    Args:
        store: where the products of its scenes lie.
    Raises:
        OutputError: the file is no record, or of a newer version; or the disk is full.
    """
    path = folder / FILE_NAME
    connection = sqlite3.connect(path)
    try:
        _begin(path, connection)
        yield Record(store, connection)
    except sqlite3.Error as error:
        raise OutputError(
            f"the run record {path} cannot be used ({error})",
            hint="is the disk full, or the file damaged? Without it every scene is done anew: move it away",
        ) from error
    finally:
        connection.close()


def _begin(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = DELETE")  # WAL needs shared memory, which network disks have not
    connection.execute("PRAGMA synchronous = FULL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise OutputError(f"{path} is of version {version}, this one reads up to {_VERSION}", hint="update fctl-geo")
    with connection:
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
