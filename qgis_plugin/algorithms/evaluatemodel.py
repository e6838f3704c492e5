"""Evaluates a model against ground truth: IoU per class, as an HTML page."""

from __future__ import annotations

import json

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from ..defaults import SEGMENTING_MODEL
from ..errors import LayerError
from ..scenes import scene_of, with_crs, write_polygons
from ..words import tr
from . import parameters as p
from .arguments import aoi_arguments, background_arguments, device_arguments, is_given, model_card
from .base import EngineAlgorithm


class EvaluateModel(EngineAlgorithm):
    """`fctl-geo evaluate` for layers."""

    NAME = "evaluatemodel"
    PICTURE = "evaluatemodel.jpg"
    INPUT, LABELS, LABELS_RASTER, FIELD = "INPUT", "LABELS", "LABELS_RASTER", "FIELD"
    OUTPUT, OUTPUT_JSON, MIOU, SUMMARY = "OUTPUT", "OUTPUT_JSON", "MIOU", "SUMMARY"

    def displayName(self) -> str:
        return tr("Evaluate model")

    def tags(self) -> list[str]:
        return tr("accuracy,quality,IoU,confusion matrix,validation,ground truth").split(",")

    def shortDescription(self) -> str:
        return tr("Measures the accuracy of a model against your own ground truth")

    def help_text(self) -> str:
        return tr(
            "<p>Segments an image and compares the result with ground truth: intersection over union (IoU), "
            "precision, and recall of each class, and which classes are confused with each other.</p>"
            "<p><b>Input</b>: a raster layer, and the ground truth: polygons with a class field, or a class "
            "raster.</p>"
            "<p><b>Output</b>: a report to read (HTML), and optionally one for programs (JSON).</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Image")))
        p.add_model(self, tr("Model"), SEGMENTING_MODEL)
        labels = QgsProcessingParameterFeatureSource(
            self.LABELS, tr("Ground truth polygons"), [QgsProcessing.SourceType.TypeVectorPolygon], None, True
        )
        labels.setHelp(tr("Select either polygons or a class raster as ground truth."))
        self.addParameter(labels)
        self.addParameter(
            QgsProcessingParameterField(
                self.FIELD,
                tr("Class field"),
                None,
                self.LABELS,
                QgsProcessingParameterField.DataType.Any,
                False,
                True,
            )
        )
        p.add_ground_truth(self)
        raster = QgsProcessingParameterRasterLayer(self.LABELS_RASTER, tr("Ground truth raster"), None, True)
        self.addParameter(raster)
        p.add_model_file(self)
        p.add_device(self)
        self.addParameter(QgsProcessingParameterFileDestination(self.OUTPUT, tr("Report"), "HTML (*.html)"))
        numbers = QgsProcessingParameterFileDestination(
            self.OUTPUT_JSON, tr("Report for programs"), "JSON (*.json)", None, True, False
        )
        self.addParameter(p.advanced(numbers))
        self.addOutput(QgsProcessingOutputNumber(self.MIOU, tr("Mean IoU")))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        model_card(self, parameters, context)
        polygons, raster = (is_given(parameters, name) for name in (self.LABELS, self.LABELS_RASTER))
        if polygons == raster:
            raise LayerError(
                tr("Ground truth is missing, or both polygons and a raster are selected."),
                tr("Select either ground truth polygons or a ground truth raster."),
            )
        if polygons and not self.parameterAsString(parameters, self.FIELD, context):
            raise LayerError(tr("No class field is selected."), tr("Select the field that contains the classes."))

    def prepare_layers(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            raise LayerError(self.invalidRasterError(parameters, self.INPUT))
        self._scene = scene_of(layer)
        if self._scene.online:
            raise LayerError(
                tr("'{}' is an online layer.").format(self._scene.name),
                tr("First export the part that you want to evaluate to a file: right-click > Export > Save As."),
            )
        self._labels = self.parameterAsSource(parameters, self.LABELS, context)
        self._aoi = self.parameterAsSource(parameters, p.AOI, context)
        raster = self.parameterAsRasterLayer(parameters, self.LABELS_RASTER, context)
        self._raster = None if raster is None else scene_of(raster)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        card = model_card(self, parameters, context)
        report = self.parameterAsFileOutput(parameters, self.OUTPUT, context)
        numbers = self.parameterAsFileOutput(parameters, self.OUTPUT_JSON, context)
        command = ["evaluate", card.key, "--image", with_crs(self._scene, folder)]
        if self._labels is not None:
            field = self.parameterAsString(parameters, self.FIELD, context)
            truth = write_polygons(self._labels, folder / "labels", tr("The label layer"), feedback, field)
            command += ["--labels", truth, "--field", field]
        else:
            command += ["--labels", self._raster.path]
        command += [*background_arguments(self, parameters, context), *aoi_arguments(self._aoi, folder, feedback)]
        command += ["--out", report, "--overwrite", *device_arguments(self, parameters, context)]
        command += ["--json", numbers] if is_given(parameters, self.OUTPUT_JSON) else []
        summary = self.run_engine(command, feedback, input_name=self._scene.name, model=card.name)
        results = {
            self.OUTPUT: report,
            self.MIOU: summary.get("mIoU"),
            self.SUMMARY: json.dumps(summary, ensure_ascii=False),
        }
        if is_given(parameters, self.OUTPUT_JSON):
            results[self.OUTPUT_JSON] = numbers
        return results
