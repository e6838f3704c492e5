"""How the room's loops become machine code: compiled once, kept on the disk, and thrown away when they are old."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

KERNELS = ("kernel", "runs", "regions", "clearance", "state", "chains", "chords", "corners", "simplify", "wkb")
"""The modules that have kernels or parts of kernels."""


def kernel(function: Callable[..., Any]) -> Any:
    """Compile with numba, without the GIL and with a cache on the disk.

    numba looks only at the file of the function itself to see whether its cache is old, but kernels call each other
    across files: a change in `simplify` would leave `wkb` with the machine code of yesterday. So the cache's stamp is
    made of all of them.
    """
    dispatcher = njit(cache=True, nogil=True)(function)
    cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = _stamp()
    return dispatcher


def inner(function: Callable[..., Any]) -> Any:
    """A part of kernels, which Python itself never calls: without the costly way in, and cached with its callers."""
    compiler: Any = njit  # numba's own types do not know these options
    return compiler(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


@cache
def _stamp() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in KERNELS)).hexdigest()
