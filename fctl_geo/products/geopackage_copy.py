"""A GeoPackage that exists: what it holds, and a copy of it into which our layer is written.

Nothing but our layer is changed, and nothing in place: the copy is renamed over the old file when it is complete.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fctl_geo.errors import OutputError
from fctl_geo.products.geopackage import layer_name
from fctl_geo.products.placement import Placement
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.storage.whole_files import write_failure

Action = Literal["write", "add", "replace", "append"]
_CHUNK_BYTES = 64 << 20
_STANDARD = ("gpkg_", "rtree_", "sqlite_")
"""Names of tables that belong to the standard or to SQLite start so."""
_WAIT_S = 5.0
"""How long to wait for a program that is writing to the file."""


@dataclass(frozen=True, slots=True)
class GeoPackagePlan:
    """How polygons get into a GeoPackage."""

    action: Action
    """write: a file of its own, in place of any older one; the others: into a copy of the file that exists."""
    layer: str
    others: tuple[str, ...] = ()
    """Tables in the file that are not our layer."""


def plan_geopackage(path: Path, placement: Placement) -> GeoPackagePlan:
    """How polygons get into a GeoPackage; call it before the work, and again before writing.

    Raises:
        OutputError: the layer exists and may not be replaced, is not a layer of features, or the file is in use.
    """
    wanted = placement.layer or layer_name(path)
    tables = _tables(path)
    if tables is None:
        if path.exists() and not placement.overwrite:
            hint = "choose another name" if placement.append else "choose another name, or pass --overwrite"
            raise OutputError(f"{path} already exists and is not a GeoPackage", hint=hint)
        return GeoPackagePlan("write", wanted)
    layer = next((name for name in tables if name.casefold() == wanted.casefold()), None)  # as SQLite compares names
    others = tuple(name for name in tables if name != layer)
    if layer is None:
        return GeoPackagePlan("add", wanted, others)
    if tables[layer] != "features":
        raise OutputError(
            f"{path} has a table {layer!r} that is not a layer of features", hint="choose another name with --layer"
        )
    if placement.append:
        return GeoPackagePlan("append", layer, others)
    if not placement.overwrite:
        raise OutputError(
            f"{path} already has a layer {layer!r}",
            hint="replace it with --overwrite, add to it with --append, or choose another name with --layer",
        )
    return GeoPackagePlan("replace" if others else "write", layer, others)


@dataclass(frozen=True, slots=True)
class Original:
    """A file that was copied, as it was then."""

    path: Path
    state: tuple[int, int, int]

    def refuse_if_changed(self) -> None:
        """Refuse to replace it by the changed copy if another program has written to it in the meantime.

        Raises:
            OutputError: it has changed, or is in use.
        """
        with _opened(self.path) as database:
            _settle(self.path, database)
        if _state(self.path) != self.state:
            raise OutputError(
                f"{self.path} was changed by another program while polygons were added to a copy of it",
                hint="save and close it there, and run this again",
            )


def copy_geopackage(plan: GeoPackagePlan, path: Path, part: Path, progress: Progress) -> Original:
    """Copy a GeoPackage as it stands after its last transaction; blocks are shared where the file system can.

    Raises:
        OutputError: the disk is full, or the file is in use.
        Cancelled: the user stopped it.
    """
    size_bytes = path.stat().st_size
    progress.say(
        f"{path} ({size_bytes / 1e6:,.1f} MB) is copied and replaced by the copy when the layer {plan.layer!r} is "
        f"complete; {_counted(plan.others)} as they are"
    )
    try:
        with _opened(path) as database:
            _settle(path, database)
            state = _state(path)
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()  # nobody writes from here on
            _copy_file(path, part, progress)
        with closing(sqlite3.connect(part)) as copied:
            copied.execute("PRAGMA journal_mode = DELETE")  # a log beside it would not be renamed with it
    except (OSError, sqlite3.Error) as error:
        raise write_failure(path, error, size_bytes) from error
    return Original(path, state)


def _counted(others: tuple[str, ...]) -> str:
    if not others:
        return "its other contents stay"
    if len(others) > 3:
        return f"its {len(others)} other tables stay"
    return f"its other tables ({', '.join(others)}) stay"


def _tables(path: Path) -> dict[str, str] | None:
    """The tables and views of a GeoPackage and their kind ('features', 'tiles', ..., '' if the standard knows none).

    None if there is no file, or another kind of file. Styles of layers count as a table if they are of more than one.
    """
    if not path.is_file():
        return None
    try:
        with _opened(path) as database:
            names = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            ]
            if "gpkg_contents" not in names:
                return None
            kinds = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
            styled = []
            if "layer_styles" in names:
                styled = [name for (name,) in database.execute("SELECT DISTINCT f_table_name FROM layer_styles")]
    except sqlite3.OperationalError as error:
        raise OutputError(f"{path} cannot be read: {error}", hint="check its permissions, and its disk") from error
    except sqlite3.DatabaseError:
        return None  # "file is not a database"
    own = [name for name in names if not name.lower().startswith(_STANDARD) and name != "layer_styles"]
    tables = {name: str(kinds.get(name, "")) for name in own}
    if set(styled) - set(tables):
        tables["layer_styles"] = "attributes"
    return tables


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A file that exists; a transaction that a dead program left unfinished is rolled back by SQLite."""
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as database:
            yield database
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise _in_use(path) from error
        raise


def _settle(path: Path, database: sqlite3.Connection) -> None:
    """Move what stands in a write-ahead log into the file itself, so that the file alone is the whole."""
    database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise _in_use(path)


def _in_use(path: Path) -> OutputError:
    return OutputError(f"{path} is in use by another program", hint="save and close it there, and run this again")


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _copy_file(path: Path, part: Path, progress: Progress) -> None:
    with path.open("rb") as source, part.open("wb") as target:
        if not hasattr(os, "copy_file_range"):
            shutil.copyfileobj(source, target, _CHUNK_BYTES)
            return
        while os.copy_file_range(source.fileno(), target.fileno(), _CHUNK_BYTES):
            check_cancelled(progress)
