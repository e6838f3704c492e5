"""The preview: its size limit, its parameters, and the semitransparent layer that shows it."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsProcessing, QgsProject, QgsRasterTransparency, QgsReferencedRectangle

from ..catalog import ModelCard
from ..ground import size_m
from ..words import count, tr
from .run_form import destination

MOST_PIXELS = 1_000_000
"""Pixels of the model's size that a CPU processes within seconds."""
OPACITY = 0.6
"""Lets the image show through, so that borders can be checked."""


def too_large(card: ModelCard | None, visible: QgsReferencedRectangle) -> str:
    """A message if the visible part is too large for a preview; empty: it is not."""
    size = size_m(visible, visible.crs())
    if card is None or card.gsd_m is None or size is None:
        return ""
    pixels = size[0] * size[1] / card.gsd_m**2
    if pixels <= MOST_PIXELS:
        return ""
    side_m = (MOST_PIXELS * card.gsd_m**2) ** 0.5
    return tr("Zoom in: with this model, a preview is limited to {0} x {0} m, and {1} x {2} m are visible.").format(
        *(count(each) for each in (side_m, *size))
    )


def preview_parameters(given: dict[str, Any], visible: QgsReferencedRectangle) -> dict[str, Any]:
    """Change the parameters of a run for a quick preview of the visible part, as a temporary raster."""
    kept = {name: value for name, value in given.items() if name != "AOI"}
    return {
        **kept,
        "EXTENT": visible,
        "OUTPUT": destination(QgsProcessing.TEMPORARY_OUTPUT),
        "OUTPUT_POLYGONS": None,
        "GRID": "model",
    }


class Preview:
    """The layer of the last preview: the next one replaces it."""

    def __init__(self) -> None:
        self._layer_id = ""

    def show(self, layer: QgsMapLayer, name: str, card: ModelCard | None) -> None:
        """Name the new layer and make it semitransparent, with a fully transparent background class."""
        self.remove()
        layer.setName(tr("Preview: {}").format(name))
        layer.setOpacity(OPACITY)
        layer.renderer().setRasterTransparency(_clear_background(card))
        layer.triggerRepaint()
        self._layer_id = layer.id()

    def remove(self) -> None:
        """Remove the layer from the project, unless the user has."""
        if self._layer_id and QgsProject.instance().mapLayer(self._layer_id) is not None:
            QgsProject.instance().removeMapLayer(self._layer_id)
        self._layer_id = ""


def _clear_background(card: ModelCard | None) -> QgsRasterTransparency:
    transparency, pixels = QgsRasterTransparency(), []
    for background in (each for each in (card.classes if card else ()) if each.background):
        pixel = QgsRasterTransparency.TransparentSingleValuePixel()
        pixel.min = pixel.max = background.id
        pixel.percentTransparent = 100
        pixels.append(pixel)
    transparency.setTransparentSingleValuePixelList(pixels)
    return transparency
