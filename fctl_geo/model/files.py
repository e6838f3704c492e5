"""Names in and of model files."""

from __future__ import annotations

from pathlib import Path

HEADER_KEY = "fctl"
"""Where the header is in a file's metadata."""
ONNX_ENDING = ".onnx"


def graph_path(model: Path) -> Path:
    """Where the ONNX graph of a .safetensors model is, if it has one: beside it, without weights."""
    return model.with_suffix(f".graph{ONNX_ENDING}")


def settings_path(onnx: Path) -> Path:
    """Where the settings of an ONNX file may be: a TOML file beside it."""
    return onnx.with_suffix(".toml")
