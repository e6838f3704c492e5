"""The run record: a SQLite file, in the output folder or a separate one, with the state of every scene.

Only the process that holds the folder's lock writes it. Each change is on disk before the next scene starts (rollback
journal, synchronous), so that kill -9 loses no more than the scene in progress.
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
    product_key TEXT NOT NULL,   -- of what it was made of: scene, area, settings, model, version (RunInputs)
    parts TEXT NOT NULL,         -- JSON: names of the files that were read for the scene
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
    """What the record holds about a scene before it is processed."""

    name: str
    scene: str
    settings: str
    """JSON."""
    model: str
    model_sha256: str
    version: str
    files: tuple[Path, ...]
    """Products to be written, as absolute paths or addresses."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of processing a scene."""

    name: str
    state: State
    seconds: float
    device: str = ""
    error: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What the products of a scene were made from."""

    product_key: str
    """`RunInputs.product_key`"""
    parts: tuple[str, ...]
    """Names of the files that were read for the scene."""


class Record:
    """An open record; use `open_record`."""

    def __init__(self, store: ProductStore, connection: sqlite3.Connection) -> None:
        self._store = store
        self._connection = connection

    def made(self, entry: Entry) -> Made | None:
        """What the products of an entry were made from; None if it is not done or some of them no longer exist."""
        row = self._connection.execute(
            "SELECT product_key, parts, files FROM scenes WHERE name = ? AND state = 'done'", (entry.name,)
        ).fetchone()
        if row is None:
            return None
        sizes = {self._store.path(word): size for word, size in json.loads(row[2])}
        there = set(sizes) == set(entry.files) and all(map(self._is_there, sizes, sizes.values()))
        return Made(row[0], tuple(json.loads(row[1]))) if there else None

    def state(self, name: str) -> State | None:
        """A scene's state; None if the scene is unknown."""
        row = self._connection.execute("SELECT state FROM scenes WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def owned(self, name: str) -> set[Path]:
        """Products of a scene that this record wrote or was about to write, and that may therefore be replaced."""
        row = self._connection.execute("SELECT files FROM scenes WHERE name = ?", (name,)).fetchone()
        return {self._store.path(word) for word, _ in json.loads(row[0])} if row else set()

    def wait(self, entries: Sequence[Entry]) -> None:
        """Record scenes as waiting."""
        rows = [
            (e.name, e.scene, e.settings, e.model, e.model_sha256, e.version,
             json.dumps([[self._store.word(path), None] for path in e.files]))
            for e in entries
        ]  # fmt: skip
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO scenes (name, scene, settings, model, model_sha256, version, files, "
                "product_key, parts, state) VALUES (?, ?, ?, ?, ?, ?, ?, '', '[]', 'waiting')",
                rows,
            )

    def end(self, ended: Ended, made: Made | None) -> None:
        """Record the result of a scene, and what its products were made from."""
        paths = sorted(self.owned(ended.name))
        self._store.look_again(paths)
        files = [[self._store.word(path), self._store.size_bytes(path)] for path in paths]
        key, parts = (made.product_key, made.parts) if made is not None else ("", ())
        with self._connection:
            self._connection.execute(
                "UPDATE scenes SET state = ?, error = ?, hint = ?, device = ?, seconds = ?, files = ?, "
                "product_key = ?, parts = ?, ended = datetime('now') WHERE name = ?",
                (ended.state, ended.error, ended.hint, ended.device, ended.seconds, json.dumps(files),
                 key, json.dumps(parts), ended.name),
            )  # fmt: skip

    def _is_there(self, path: Path, size_bytes: int | None) -> bool:
        return size_bytes is not None and self._store.size_bytes(path) == size_bytes


@contextmanager
def open_record(folder: Path, store: ProductStore) -> Iterator[Record]:
    """Open the record in a folder, creating it if necessary.

    Args:
        store: where the products of its scenes are.
    Raises:
        OutputError: the file is not a record, or of a newer version; or the disk is full.
    """
    path = folder / FILE_NAME
    connection = sqlite3.connect(path)
    try:
        _begin(path, connection)
        yield Record(store, connection)
    except sqlite3.Error as error:
        raise OutputError(
            f"the run record {path} cannot be used ({error})",
            hint="is the disk full, or the file damaged? If you move it away, every scene is processed again",
        ) from error
    finally:
        connection.close()


def _begin(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = DELETE")  # WAL needs shared memory, which network disks do not provide
    connection.execute("PRAGMA synchronous = FULL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise OutputError(
            f"{path} has version {version}, but this fctl-geo reads only up to {_VERSION}", hint="update fctl-geo"
        )
    with connection:
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
