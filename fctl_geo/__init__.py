"""fctl-geo: land cover and building polygons from huge aerial and satellite images, with context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "1.0.0rc1"

if TYPE_CHECKING:
    from fctl_geo.assess.evaluate_polygons import evaluate_polygons
    from fctl_geo.assess.settings import ComparisonSettings
    from fctl_geo.pipeline import plan_run, refine_raster, segment_array, segment_scene
    from fctl_geo.products.polygonise import polygonise
    from fctl_geo.products.read_polygons import read_polygons
    from fctl_geo.products.result import SceneResult
    from fctl_geo.settings import EngineSettings, OutputSettings, PolygonSettings, SceneSettings, Settings

_MODULES = {
    "plan_run": "fctl_geo.pipeline",
    "refine_raster": "fctl_geo.pipeline",
    "segment_array": "fctl_geo.pipeline",
    "segment_scene": "fctl_geo.pipeline",
    "polygonise": "fctl_geo.products.polygonise",
    "read_polygons": "fctl_geo.products.read_polygons",
    "evaluate_polygons": "fctl_geo.assess.evaluate_polygons",
    "ComparisonSettings": "fctl_geo.assess.settings",
    "SceneResult": "fctl_geo.products.result",
    "EngineSettings": "fctl_geo.settings",
    "OutputSettings": "fctl_geo.settings",
    "PolygonSettings": "fctl_geo.settings",
    "SceneSettings": "fctl_geo.settings",
    "Settings": "fctl_geo.settings",
}
__all__ = [  # noqa: RUF022 - in the order of use
    "segment_scene",
    "segment_array",
    "SceneResult",
    "plan_run",
    "refine_raster",
    "polygonise",
    "read_polygons",
    "evaluate_polygons",
    "Settings",
    "SceneSettings",
    "EngineSettings",
    "PolygonSettings",
    "OutputSettings",
    "ComparisonSettings",
]


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that importing fctl_geo imports neither torch nor GDAL."""
    if name not in _MODULES:
        raise AttributeError(f"module 'fctl_geo' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULES[name]), name)
