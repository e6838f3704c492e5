"""Files that appear whole or not at all, and words for writes that fail."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fctl_geo.errors import OutputError

_FULL = ("disk is full", "no space left", "disk quota exceeded")


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path` for a file under way and all its companions (journals, indexes); gone after."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.partial-", dir=path.parent))
    except OSError as error:
        raise write_failure(path, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text_whole(path: Path, text: str) -> None:
    """A small file, on the disk and whole, or as it was before."""
    aside = path.with_name(f".{path.name}.partial-{secrets.token_hex(4)}")
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
