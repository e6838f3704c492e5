"""Class raster to polygons."""

from __future__ import annotations

import json

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
)

from ..errors import LayerError
from ..scenes import scene_of, with_crs
from ..styling import About, Styler, pick_layer, result_name
from ..words import tr
from . import parameters as p
from .arguments import layer_arguments, layer_name, number_or_none, polygon_arguments, separate_classes_arguments
from .base import EngineAlgorithm, command_line
from .refineclasses import check_classes


class PolygoniseClasses(EngineAlgorithm):
    """`fctl-geo polygonise` for a class raster layer."""

    NAME = "polygoniseclasses"
    PICTURE = "polygoniseclasses.jpg"
    INPUT, CONFIDENCE, OUTPUT = "INPUT", "CONFIDENCE", "OUTPUT"
    COUNT, SUMMARY = "COUNT", "SUMMARY"

    def displayName(self) -> str:
        return tr("Polygonize class raster")

    def tags(self) -> list[str]:
        return tr("vectorize,raster to vector,polygonise,classes,simplify").split(",")

    def shortDescription(self) -> str:
        return tr("Converts a class raster of any size to polygons with shared borders")

    def help_text(self) -> str:
        return tr(
            "<p>Converts the regions of a class raster to polygons. The raster is streamed, so that little memory is "
            "needed for any size. Polygons are not cut at tile borders, and neighbors share their borders even after "
            "simplification.</p>"
            "<p><b>Input</b>: a raster layer with one band of class numbers from 0 to 254; names and colors are taken "
            "from its palette and attribute table.</p>"
            "<p><b>Output</b>: polygons with class number, class name, true area in m², and, if a confidence raster "
            "is given, mean confidence.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Class raster")))
        p.add_polygons(self)
        p.add_separate_classes(self)
        confidence = QgsProcessingParameterRasterLayer(self.CONFIDENCE, tr("Confidence raster"), None, True)
        confidence.setHelp(tr("Percentages on the same grid. Each polygon gets their mean."))
        self.addParameter(p.advanced(confidence))
        self.addParameter(
            p.advanced(
                p.number(
                    p.GSD,
                    tr("Pixel size on the ground (m)"),
                    tr("Only needed if the raster is not georeferenced."),
                    least=0.0001,
                )
            )
        )
        p.add_layer(self)
        self.addParameter(
            QgsProcessingParameterVectorDestination(
                self.OUTPUT, tr("Polygons"), QgsProcessing.SourceType.TypeVectorPolygon
            )
        )
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, tr("Number of polygons")))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is not None:
            check_classes(layer)

    def prepare_layers(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            raise LayerError(self.invalidRasterError(parameters, self.INPUT))
        self._scene = scene_of(layer)
        confidence = self.parameterAsRasterLayer(parameters, self.CONFIDENCE, context)
        self._confidence = None if confidence is None else scene_of(confidence)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        out = self.parameterAsOutputLayer(parameters, self.OUTPUT, context)
        command = ["polygonise", with_crs(self._scene, folder), "--out", out]
        command += layer_arguments(self, parameters, context, self._scene.path)
        command += polygon_arguments(self, parameters, context)
        command += separate_classes_arguments(self, parameters, context)
        if self._confidence is not None:
            command += ["--confidence", self._confidence.path]
        gsd_m = number_or_none(self, parameters, p.GSD, context)
        command += [] if gsd_m is None else ["--gsd", f"{gsd_m:.10g}"]
        summary = self.run_engine(command, feedback, input_name=self._scene.name)
        out = pick_layer(context, out, layer_name(self, parameters, context))
        about = About(self._scene.name, command_line(command))
        Styler.attach(context, out, result_name(self._scene.name, tr("polygons")), about)
        return {
            self.OUTPUT: out,
            self.COUNT: summary.get("polygons", 0),
            self.SUMMARY: json.dumps(summary, ensure_ascii=False),
        }
