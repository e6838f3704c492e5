"""Names and styles the results when they are added to the project."""

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
    """Applies the engine's style to a layer, regardless of the default style in the Processing options."""

    _kept: ClassVar[list[Styler]] = []
    """Keeps references, because Processing holds none that Python knows of."""

    @staticmethod
    def attach(context: QgsProcessingContext, path: str, name: str) -> None:
        """Style and name the layer of a file if it will be loaded."""
        if not path or not context.willLoadLayerOnCompletion(path):
            return
        details = context.layerToLoadOnCompletionDetails(path)
        if name:
            details.name = name
            details.forceName = True  # file names such as "out" say little, and both layers may have the same one
        Styler._kept = [*Styler._kept[-20:], Styler()]
        details.setPostProcessor(Styler._kept[-1])

    def postProcessLayer(self, layer, context, feedback) -> None:
        """Called in the main thread when the layer has been added to the project."""
        style_layer(layer)


def style_layer(layer: QgsMapLayer) -> None:
    """Load the .qml next to the file, or the default style in a GeoPackage, unless the layer already has it."""
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
