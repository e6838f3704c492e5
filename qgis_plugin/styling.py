"""Names and styles the results when they are added to the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from osgeo import ogr
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsVectorLayer,
)

from .catalog import ModelCard
from .words import tr


def pick_layer(context: QgsProcessingContext, path: str, layer: str) -> str:
    """What QGIS loads as a result: the path, or the layer in a GeoPackage that has others.

    Args:
        layer: its name; empty: that of the file.
    """
    source = ogr.Open(path) if path.lower().endswith(".gpkg") else None
    names = [source.GetLayer(index).GetName() for index in range(source.GetLayerCount())] if source else []
    shown = [name for name in names if source.GetLayerByName(name).GetGeomType() != ogr.wkbNone]
    wanted = {layer or Path(path).stem, f"polygons_{Path(path).stem}"}  # the engine's name where a stem is reserved
    found = [name for name in shown if name.casefold() in {each.casefold() for each in wanted}]
    if len(shown) < 2 or not found:
        return path
    picked = f"{path}|layername={found[0]}"
    loaded = context.layersToLoadOnCompletion()
    if path in loaded:
        loaded[picked] = loaded.pop(path)
        context.setLayersToLoadOnCompletion(loaded)
    return picked


@dataclass(frozen=True)
class About:
    """Where a result comes from, for the metadata of its layer."""

    source: str
    """The name of the image."""
    command: str
    """The settings, as a command of fctl-geo."""
    card: ModelCard | None = None
    """The model; None: the result was made without one."""

    def describe(self, layer: QgsMapLayer) -> None:
        """Write it to the metadata of the layer, which QGIS shows in the properties and saves with the project."""
        metadata = layer.metadata()
        metadata.setTitle(layer.name())
        metadata.setHistory([self.command])
        words = tr("Made from '{}' with FCtL Geo.").format(self.source)
        if self.card is not None:
            words = tr("Made from '{}' with FCtL Geo and the model '{}'.").format(
                self.source, f"{self.card.name} {self.card.version}"
            )
            metadata.setLicenses([self.card.license] if self.card.license else [])
            metadata.setRights(list(self.card.attribution))
        metadata.setAbstract(words)
        layer.setMetadata(metadata)


def result_name(source: str, model: str, what: str = "") -> str:
    """'town - buildings', or 'town - buildings (classes)'."""
    return f"{source} - {model} ({what})" if what else f"{source} - {model}"


class Styler(QgsProcessingLayerPostProcessorInterface):
    """Applies the engine's style to a layer, regardless of the default style in the Processing options."""

    _kept: ClassVar[list[Styler]] = []
    """Keeps references, because Processing holds none that Python knows of."""

    def __init__(self, about: About | None = None) -> None:
        super().__init__()
        self._about = about

    @staticmethod
    def attach(context: QgsProcessingContext, path: str, name: str, about: About | None = None) -> None:
        """Style and name the layer of a file if it will be loaded."""
        if not path or not context.willLoadLayerOnCompletion(path):
            return
        details = context.layerToLoadOnCompletionDetails(path)
        if name:
            details.name = name
            details.forceName = True  # file names such as "out" say little, and both layers may have the same one
        Styler._kept = [*Styler._kept[-20:], Styler(about)]
        details.setPostProcessor(Styler._kept[-1])

    def postProcessLayer(self, layer, context, feedback) -> None:
        """Called in the main thread when the layer has been added to the project."""
        style_layer(layer)
        if self._about is not None:
            self._about.describe(layer)


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
