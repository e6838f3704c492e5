"""Results that arrive in the project named and colored."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsVectorLayer,
)


class Styler(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer the engine's style, whatever default style the user has set for all other results."""

    _kept: ClassVar[list[Styler]] = []
    """Processing holds no reference that Python knows of."""

    @staticmethod
    def attach(context: QgsProcessingContext, path: str, name: str) -> None:
        """Style and name the layer of a file, if it is going to be loaded."""
        if not path or not context.willLoadLayerOnCompletion(path):
            return
        details = context.layerToLoadOnCompletionDetails(path)
        if name:
            details.name = name
            details.forceName = True  # "out" would tell nobody what it is, and both layers may have the same file name
        Styler._kept = [*Styler._kept[-20:], Styler()]
        details.setPostProcessor(Styler._kept[-1])

    def postProcessLayer(self, layer, context, feedback) -> None:
        """Called in the main thread when the layer is in the project."""
        style_layer(layer)


def style_layer(layer: QgsMapLayer) -> None:
    """Load the .qml beside the file, or the default style in a GeoPackage, unless it has it already."""
    if isinstance(layer, QgsVectorLayer) and isinstance(layer.renderer(), QgsCategorizedSymbolRenderer):
        return
    qml = Path(layer.source().split("|")[0]).with_suffix(".qml")
    if qml.exists():
        layer.loadNamedStyle(str(qml))
    elif isinstance(layer, QgsVectorLayer):
        layer.loadDefaultStyle()
    elif isinstance(layer, QgsRasterLayer) and layer.renderer() is not None:
        return
    layer.triggerRepaint()
