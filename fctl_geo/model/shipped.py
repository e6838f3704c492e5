"""The models that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def _folder() -> Path:
    return Path(str(files("fctl_geo"))) / "weights"


def list_models() -> list[str]:
    """Names of the shipped models."""
    return sorted(p.stem for p in _folder().glob("*.safetensors"))


def shipped_path(name: str) -> Path | None:
    """The file of a shipped model; None: no such name."""
    path = _folder() / f"{name}.safetensors"
    return path if name in list_models() else None
