"""The scene reader: open once, read by window. Its modules are imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fctl_geo.scene.info import SceneInfo, describe_scene
    from fctl_geo.scene.open import open_scene
    from fctl_geo.scene.scene import Scene
    from fctl_geo.scene.tiles import Tile

__all__ = ["Scene", "SceneInfo", "Tile", "describe_scene", "open_scene"]

_HOME = {"Scene": "scene", "open_scene": "open", "SceneInfo": "info", "describe_scene": "info", "Tile": "tiles"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
