"""Class raster to a cleaner class raster: only the refinement network."""

from __future__ import annotations

import json

from qgis.core import (
    QgsProcessingOutputString,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..defaults import REFINING_MODEL
from ..errors import LayerError
from ..scenes import scene_of, with_crs
from ..styling import About, Styler, result_name
from ..words import tr
from . import parameters as p
from .arguments import engine_arguments, model_card
from .base import EngineAlgorithm, command_line


class RefineClasses(EngineAlgorithm):
    """`fctl-geo refine` for a class raster layer."""

    NAME = "refineclasses"
    PICTURE = "refineclasses.jpg"
    INPUT, OUTPUT, SUMMARY = "INPUT", "OUTPUT", "SUMMARY"

    def displayName(self) -> str:
        return tr("Refine class raster")

    def tags(self) -> list[str]:
        return tr("clean,smooth,classification,sieve,majority,deep learning").split(",")

    def shortDescription(self) -> str:
        return tr("Cleans up borders and small errors of any class raster")

    def help_text(self) -> str:
        return tr(
            "<p>Applies only the refinement network of a model. It reads classes instead of images, and assigns each "
            "pixel the class that fits its surroundings. Seams and small errors disappear, and borders follow their "
            "neighborhood.</p>"
            "<p><b>Input</b>: a raster layer with one band of class numbers, from any source.</p>"
            "<p><b>Output</b>: a class raster on the same grid with the same classes; nodata stays nodata.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Class raster")))
        p.add_model(self, tr("Model with a refinement network"), REFINING_MODEL)
        p.add_engine(self)
        p.add_model_file(self)
        self.addParameter(QgsProcessingParameterRasterDestination(self.OUTPUT, tr("Refined classes")))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is not None:
            check_classes(layer)
        card = model_card(self, parameters, context)
        if not card.refines:
            raise LayerError(
                tr("The model '{}' has no refinement network.").format(card.name), tr("Choose another model.")
            )

    def prepare_layers(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            raise LayerError(self.invalidRasterError(parameters, self.INPUT))
        self._scene = scene_of(layer)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        card = model_card(self, parameters, context)
        out = self.parameterAsOutputLayer(parameters, self.OUTPUT, context)
        command = ["refine", with_crs(self._scene, folder), "--model", card.key, "--out", out, "--overwrite"]
        command += engine_arguments(self, parameters, context)
        summary = self.run_engine(command, feedback, input_name=self._scene.name, model=card.name)
        about = About(self._scene.name, command_line(command), card)
        Styler.attach(context, out, result_name(self._scene.name, card.name, tr("refined")), about)
        return {self.OUTPUT: out, self.SUMMARY: json.dumps(summary, ensure_ascii=False)}


def check_classes(layer) -> None:
    """Refuse layers that are not class rasters.

    Raises:
        LayerError: an online layer, or several bands.
    """
    scene = scene_of(layer)
    if scene.online:
        raise LayerError(
            tr("'{}' is an online layer, which contains colors instead of class numbers.").format(scene.name),
            tr("Choose a raster file with one band of class numbers."),
        )
    if layer.bandCount() != 1:
        raise LayerError(
            tr("'{}' has {} bands; a class raster has one.").format(scene.name, layer.bandCount()),
            tr("Segment it first, or extract the band with the class numbers."),
        )
