"""Compile loops to machine code: once, by numba, cached on disk where there is a place for it.

To decide whether a cached function is out of date, numba checks only the function's own file, but kernels call each
other across files. Each state of a package's sources, and of those that its kernels call, therefore has a cache folder
of its own. Also, numba refuses to work where neither the installation nor the home folder is writable (as in a
container that runs under an arbitrary user id): here, a private folder in the temporary directory takes their place, or
nothing is cached.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
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
"""Machine code for other states of the sources is deleted if its folder has not been added to for this long."""


@overload
def kernel(function: Callable[..., Any], /) -> Any: ...
@overload
def kernel(*, error_model: str) -> Callable[[F], F]: ...
def kernel(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Compile a function that releases the GIL and cache its machine code; `options` are those of `numba.njit`."""
    if function is None:
        return lambda function: kernel(function, **options)
    folder = cache_folder(Path(inspect.getfile(function)).parent)
    compiler: Any = njit(nogil=True, cache=folder is not None, **options)
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(folder or "")  # numba reads it when it wraps a function
        return compiler(function)
    finally:
        config.CACHE_DIR = before


def inner(function: Callable[..., Any]) -> Any:
    """Mark a function called by kernels: compiled with them, without the costly entry point from Python."""
    compiler: Any = register_jitable(nogil=True)
    return compiler(function)


@cache
def cache_folder(room: Path) -> Path | None:
    """Where the machine code of a package's kernels is cached; None: nowhere, each process compiles it again."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in _sources(room))).hexdigest()[:16]
    for place in _places(room):
        folder = place / f"kernels-{room.name}-{digest}"
        if _is_writable(folder):
            _forget_old(folder)
            return folder
    return None


def _sources(room: Path) -> Iterator[Path]:
    """The files of a package, and of the packages beside it from which files with kernels import, and so on."""
    imports = re.compile(rf"^from {re.escape(room.parent.name)}\.(\w+)", re.MULTILINE)
    found, waiting = {room.name}, [room]
    for package in waiting:
        for path in sorted(package.glob("*.py")):
            yield path
            text = path.read_text("utf-8")
            names = imports.findall(text) if "system.kernels import" in text else []
            new = [name for name in names if name not in found and (room.parent / name).is_dir()]
            found.update(new)
            waiting += [room.parent / name for name in dict.fromkeys(new)]


def _places(room: Path) -> Iterator[Path]:
    """The user's choice (NUMBA_CACHE_DIR), next to the sources, the home folder, the temporary directory."""
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR)
    yield room / "__pycache__"
    with suppress(RuntimeError):  # there is no home folder
        yield Path.home() / ".cache" / "fctl-geo"
    if hasattr(os, "getuid"):
        own = Path(tempfile.gettempdir()) / f"fctl-geo-{os.getuid()}"
        if _is_own(own):
            yield own


def _is_own(folder: Path) -> bool:
    """Whether nobody else can put machine code into a folder, which is created if missing."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _is_writable(folder: Path) -> bool:
    """Find out by writing, as numba does."""
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
