"""Files that appear complete or not at all, their names while being written, and errors for failed writes."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fctl_geo.errors import OutputError

_FULL = ("disk is full", "no space left", "disk quota exceeded")


_AROUND_BYTES = 40
"""The most that is added to a name while its file is written: '.town.tif.partial-0123abcd.tif.aux.xml'."""
_KEPT_BYTES = 80
"""How much of a name is kept, from its start, if it is too long for that."""


def name_limit(folder: Path) -> int:
    """The most bytes that the file system allows in a name."""
    with suppress(OSError, ValueError, AttributeError):  # Windows has no pathconf
        return os.pathconf(folder, "PC_NAME_MAX")
    return 255


def hidden_name(path: Path, ending: str) -> str:
    """The name of a hidden file next to `path` that belongs to it: '.town.tif.partial-'.

    A long name is shortened and gets a hash of the full name, so that there is room for what is added to it.
    """
    name = os.fsencode(path.name)
    if len(name) <= name_limit(path.parent) - _AROUND_BYTES:
        return f".{path.name}{ending}"
    beginning = name[:_KEPT_BYTES].decode(errors="ignore")
    return f".{beginning}~{hashlib.sha256(name).hexdigest()[:12]}{ending}"


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A hidden folder next to `path`, deleted afterward, for a file being written and its journals and indexes."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=hidden_name(path, ".partial-"), dir=path.parent))
    except OSError as error:
        raise write_failure(path, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text_whole(path: Path, text: str) -> None:
    """`write_bytes_whole` for text, in UTF-8."""
    write_bytes_whole(path, text.encode())


def write_bytes_whole(path: Path, data: bytes) -> None:
    """Write a small file atomically: it is complete and on the disk, or as it was before."""
    aside = path.with_name(hidden_name(path, f".partial-{secrets.token_hex(4)}"))
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise write_failure(path, error) from error


def write_failure(path: Path, reason: BaseException | str, needed_bytes: int | None = None) -> OutputError:
    """The error for a failed write: a full disk is reported as such, even where a library hides it.

    Args:
        path: the output's final name.
        reason: what the library reported.
        needed_bytes: about how much space the output takes; with less than that free, the disk counts as full.
    """
    free_bytes = 0
    with suppress(OSError):
        free_bytes = shutil.disk_usage(path.parent).free
    text = str(reason)
    no_space = isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT)
    if no_space or any(word in text.lower() for word in _FULL) or free_bytes < (needed_bytes or 1 << 20):
        needed = f"about {_megabytes(needed_bytes)} needed, " if needed_bytes else ""
        return OutputError(
            f"disk full while writing {path}: {needed}{_megabytes(free_bytes)} free",
            hint="free some space, or choose a folder on another disk",
        )
    return OutputError(
        f"cannot write {path}: {text}", hint=f"check that files in {path.parent} can be written and replaced"
    )


def _megabytes(count: int | None) -> str:
    return f"{(count or 0) / 1e6:,.1f} MB"
