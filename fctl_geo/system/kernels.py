"""How loops become machine code: compiled by numba once, kept on the disk where there is a place for it.

numba looks only at the file of the function itself to see whether what it kept is old, but kernels call each other
across files. So each state of a room's sources has a folder of its own. And numba refuses to work where neither the
installation nor the home folder can be written to (a container that runs under any user's number): here the user's own
folder among the temporary files takes their place, or nothing is kept.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, overload

import numba
from numba import njit
from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])
config: Any = numba.config
OLD_S = 30 * 24 * 3600
"""Machine code of other states of the sources is deleted when it was not added to for this long."""


@overload
def kernel(function: Callable[..., Any], /) -> Any: ...
@overload
def kernel(*, error_model: str) -> Callable[[F], F]: ...
def kernel(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Compile a function without the GIL and keep its machine code; `options` are those of `numba.njit`."""
    if function is None:
        return lambda function: kernel(function, **options)
    folder = cache_folder(Path(inspect.getfile(function)).parent)
    compiler: Any = njit(nogil=True, cache=folder is not None, **options)
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(folder or "")  # numba reads it while it wraps a function
        return compiler(function)
    finally:
        config.CACHE_DIR = before


def inner(function: Callable[..., Any]) -> Any:
    """A part of kernels: compiled with them, without the costly way in from Python."""
    compiler: Any = register_jitable(nogil=True)
    return compiler(function)


@cache
def cache_folder(room: Path) -> Path | None:
    """Where the machine code of a room's kernels is kept; None: nowhere, each process compiles it anew."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(room.glob("*.py")))).hexdigest()[:16]
    for place in _places(room):
        folder = place / f"kernels-{room.name}-{digest}"
        if _is_writable(folder):
            _forget_old(folder)
            return folder
    return None


def _places(room: Path) -> Iterator[Path]:
    """The user's choice (NUMBA_CACHE_DIR), beside the sources, the home folder, the temporary files."""
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR)
    yield room / "__pycache__"
    with suppress(RuntimeError):  # nobody knows where it is
        yield Path.home() / ".cache" / "fctl-geo"
    if hasattr(os, "getuid"):
        own = Path(tempfile.gettempdir()) / f"fctl-geo-{os.getuid()}"
        if _is_own(own):
            yield own


def _is_own(folder: Path) -> bool:
    """Whether nobody else can put machine code into a folder, which is created where it is missing."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _is_writable(folder: Path) -> bool:
    """By doing it, as numba does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _forget_old(folder: Path) -> None:
    prefix = folder.name.rpartition("-")[0]
    for other in folder.parent.glob(f"{prefix}-*"):
        if other != folder and other.stat().st_mtime < time.time() - OLD_S:
            shutil.rmtree(other, ignore_errors=True)
