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
from ..styling import Styler
from ..words import tr
from . import parameters as p
from .arguments import number_or_none, polygon_words, separate_classes_words
from .base import EngineAlgorithm
from .refineclasses import check_classes


class PolygoniseClasses(EngineAlgorithm):
    """`fctl-geo polygonise` for a class raster layer."""

    NAME = "polygoniseclasses"
    PICTURE = "polygoniseclasses.jpg"
    INPUT, CONFIDENCE, OUTPUT = "INPUT", "CONFIDENCE", "OUTPUT"
    COUNT, SUMMARY = "COUNT", "SUMMARY"

    def displayName(self) -> str:
        return tr("Polygonise class raster")

    def tags(self) -> list[str]:
        return tr("vectorise,raster to vector,polygonize,classes,simplify").split(",")

    def shortDescription(self) -> str:
        return tr("Polygons of anybody's class raster, of any size, with shared borders")

    def help_text(self) -> str:
        return tr(
            "<p>Draws the regions of a class raster as polygons, while the raster streams by: it takes the same little "
            "memory for any size. No polygon is cut at a tile's border; neighbours share their borders also when they "
            "are straightened.</p>"
            "<p><b>Takes</b> a raster layer with one band of class numbers from 0 to 254; names and colours come from "
            "its palette and attribute table.</p>"
            "<p><b>Gives</b> polygons with class number, class name, true area in m² and, with a confidence raster, "
            "its mean.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Class raster")))
        p.add_polygons(self)
        p.add_separate_classes(self)
        confidence = QgsProcessingParameterRasterLayer(self.CONFIDENCE, tr("Confidence raster"), None, True)
        confidence.setHelp(tr("Percentages on the same grid; each polygon gets its mean."))
        self.addParameter(p.advanced(confidence))
        self.addParameter(
            p.advanced(
                p.number(
                    p.GSD, tr("Ground size of a pixel (m)"), tr("Only for a raster that does not say it."), least=0.0001
                )
            )
        )
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
        command = ["polygonise", with_crs(self._scene, folder), "--out", out, "--overwrite"]
        command += polygon_words(self, parameters, context) + separate_classes_words(self, parameters, context)
        if self._confidence is not None:
            command += ["--confidence", self._confidence.path]
        gsd_m = number_or_none(self, parameters, p.GSD, context)
        command += [] if gsd_m is None else ["--gsd", f"{gsd_m:.10g}"]
        summary = self.run_engine(command, feedback, told=self._scene.name)
        Styler.attach(context, out, tr("{}: polygons").format(self._scene.name))
        return {
            self.OUTPUT: out,
            self.COUNT: summary.get("polygons", 0),
            self.SUMMARY: json.dumps(summary, ensure_ascii=False),
        }
