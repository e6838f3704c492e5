"""Which libraries and drivers there are; finding out imports none of them."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec

INSTALL_ONNX = "pip install 'fctl-geo[onnx]'"
INSTALL_TORCH = "pip install torch"


def has_torch() -> bool:
    """Whether torch can be imported; does not import it."""
    return _is_installed("torch")


def has_onnx() -> bool:
    """Whether ONNX Runtime, and the package that reads .onnx files, can be imported."""
    return _is_installed("onnxruntime") and _is_installed("onnx")


@cache
def has_cuda_driver() -> bool:
    """Whether NVIDIA's driver is installed: milliseconds, where importing torch to ask it takes seconds."""
    with suppress(OSError):
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        return True
    return False


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # an import hook that refuses it, or a half-initialized module
        return False
