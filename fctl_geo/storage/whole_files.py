"""Files that appear whole or not at all, their names while under way, and words for writes that fail."""

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
"""What is put around a name at most while a file is under way: '.town.tif.partial-0123abcd.tif.aux.xml'."""
_KEPT_BYTES = 80
"""Of a name that is too long for that: its beginning."""


def name_limit(folder: Path) -> int:
    """Bytes that the file system allows in a name."""
    with suppress(OSError, ValueError, AttributeError):  # Windows has no pathconf
        return os.pathconf(folder, "PC_NAME_MAX")
    return 255


def hidden_name(path: Path, ending: str) -> str:
    """The name beside `path` of something that belongs to it: '.town.tif.partial-'.

    A long name is cut, with a hash of all of it, so that what is put around it fits.
    """
    name = os.fsencode(path.name)
    if len(name) <= name_limit(path.parent) - _AROUND_BYTES:
        return f".{path.name}{ending}"
    beginning = name[:_KEPT_BYTES].decode(errors="ignore")
    return f".{beginning}~{hashlib.sha256(name).hexdigest()[:12]}{ending}"


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path` for a file under way and all its companions (journals, indexes); gone after."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=hidden_name(path, ".partial-"), dir=path.parent))
    except OSError as error:
        raise write_failure(path, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text_whole(path: Path, text: str) -> None:
    """A small file, on the disk and whole, or as it was before."""
    aside = path.with_name(hidden_name(path, f".partial-{secrets.token_hex(4)}"))
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise write_failure(path, error) from error


def write_failure(path: Path, reason: BaseException | str, needed_bytes: int | None = None) -> OutputError:
    """The error for a write that failed, in words: a full disk is called one, also where a library hides it.

    Args:
        path: the output's final name.
        reason: what the library said.
        needed_bytes: about how much the output takes; with less than that free, the disk is held to be full.
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
    return OutputError(f"cannot write {path}: {text}", hint=f"may files be written and replaced in {path.parent}?")


def _megabytes(count: int | None) -> str:
    return f"{(count or 0) / 1e6:,.1f} MB"
