"""Parameters of an algorithm as JSON values, so that a run can be repeated in another session."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsReferencedRectangle,
)

SELECTED_OF = "selected features of"
"""Key of a layer whose selected features are meant."""


def storable(parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, Any]:
    """The parameters without those that cannot be written as JSON. Call it in the main thread.

    Layers of the project become the paths of their files, which outlast the session.
    """
    found = {name: _plain(value, context) for name, value in parameters.items()}
    return {name: value for name, value in found.items() if value is not None}


def restored(stored: dict[str, Any]) -> dict[str, Any]:
    """The parameters for a dialog or a run."""
    return {
        name: QgsProcessingFeatureSourceDefinition(value[SELECTED_OF], True) if isinstance(value, dict) else value
        for name, value in stored.items()
    }


def _plain(value: Any, context: QgsProcessingContext) -> Any:
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        return value.sink.staticValue()
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        source = _path(value.source.staticValue(), context)
        return {SELECTED_OF: source} if value.selectedFeaturesOnly else source
    if isinstance(value, QgsReferencedRectangle):
        sides = (value.xMinimum(), value.xMaximum(), value.yMinimum(), value.yMaximum())
        return f"{','.join(map(repr, sides))} [{value.crs().authid()}]"
    if isinstance(value, (str, QgsMapLayer)):
        return _path(value if isinstance(value, str) else value.id(), context)
    if isinstance(value, (list, tuple)):
        return [_plain(each, context) for each in value]
    return value if isinstance(value, (bool, int, float)) else None


def _path(name: str, context: QgsProcessingContext) -> str:
    """The path of a layer with this id; other strings, and layers without a file, stay what they are."""
    layer = context.project().mapLayer(name) if context.project() is not None else None
    is_file = layer is not None and layer.dataProvider() is not None and layer.dataProvider().name() in ("gdal", "ogr")
    return layer.source() if is_file else name
