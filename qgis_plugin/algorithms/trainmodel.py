"""Trains a model file from a raster layer, label polygons, and a class field."""

from __future__ import annotations

import json

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from .. import settings
from ..defaults import SEGMENTING_MODEL
from ..errors import LayerError
from ..scenes import scene_of, with_crs, write_polygons
from ..words import tr
from . import parameters as p
from .arguments import aoi_arguments, background_arguments, device_arguments, model_card, number_or_none
from .base import EngineAlgorithm


class TrainModel(EngineAlgorithm):
    """`fctl-geo train` for layers."""

    NAME = "trainmodel"
    PICTURE = "trainmodel.jpg"
    INPUT, LABELS, FIELD, STEPS = "INPUT", "LABELS", "FIELD", "STEPS"
    HEAD_ONLY, RESUME, REFINEMENT = "HEAD_ONLY", "RESUME", "REFINEMENT"
    OUTPUT, SUMMARY = "OUTPUT", "SUMMARY"

    def displayName(self) -> str:
        return tr("Train model")

    def tags(self) -> list[str]:
        return tr("learn,samples,deep learning,fine-tune,labels,neural network").split(",")

    def shortDescription(self) -> str:
        return tr("Trains a model of your own from an image and labeled polygons")

    def help_text(self) -> str:
        return tr(
            "<p>Trains a model on your own classes, from an image and polygons that you have drawn or checked. "
            "Training starts from an existing model, so a few hundred polygons are enough.</p>"
            "<p><b>Input</b>: a raster layer, a polygon layer, and the field that contains the class of each polygon. "
            "Everything outside the polygons is ignored, unless you specify its class.</p>"
            "<p><b>Output</b>: a model file (.safetensors) with a model card next to it. The model appears in all "
            "model lists. A part of the image is held out from training to measure the accuracy, which is written to "
            "the log.</p>"
            "<p>Adapting the last layers takes minutes, training the whole network hours without a GPU. A canceled run "
            "can be resumed: see the advanced parameters.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Image")))
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                self.LABELS, tr("Labeled polygons"), [QgsProcessing.SourceType.TypeVectorPolygon]
            )
        )
        field = QgsProcessingParameterField(
            self.FIELD, tr("Class field"), None, self.LABELS, QgsProcessingParameterField.DataType.Any
        )
        field.setHelp(tr("Class names or numbers."))
        self.addParameter(field)
        p.add_ground_truth(self)
        p.add_model(self, tr("Model to start from"), SEGMENTING_MODEL)
        head_only = QgsProcessingParameterBoolean(self.HEAD_ONLY, tr("Adapt the last layers only (minutes)"), True)
        head_only.setHelp(
            tr(
                "The encoder of the model stays as it is. Train the whole network if this is not accurate enough, and "
                "if there are many labels."
            )
        )
        self.addParameter(head_only)
        self.addParameter(
            p.number(
                self.STEPS,
                tr("Training steps"),
                tr("Empty: the default. A few hundred steps adapt a model, a few thousand teach new classes."),
                least=1,
                whole=True,
            )
        )
        p.add_model_file(self)
        p.add_device(self)
        self.addParameter(
            p.advanced(
                p.number(
                    p.BATCH_SIZE, tr("Batch size"),
                    tr("Samples per step. Empty: the default. Smaller values need less memory."),
                    least=1, whole=True,
                )
            )
        )  # fmt: skip
        second = QgsProcessingParameterBoolean(self.REFINEMENT, tr("Train the refinement network, too"), True)
        second.setHelp(
            tr("It cleans up the segmentation network's result. It is left out if only the last layers are adapted.")
        )
        self.addParameter(p.advanced(second))
        resume = QgsProcessingParameterBoolean(self.RESUME, tr("Resume a canceled run"), False)
        resume.setHelp(tr("Continues from the last checkpoint of a run with the same parameters and model file."))
        self.addParameter(p.advanced(resume))
        self.addParameter(
            QgsProcessingParameterFileDestination(self.OUTPUT, tr("Model file"), tr("Model files") + " (*.safetensors)")
        )
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        model_card(self, parameters, context)
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            return
        scene = scene_of(layer)
        if scene.online:
            raise LayerError(
                tr("'{}' is an online layer.").format(scene.name),
                tr("First export the part that you want to train on to a file: right-click > Export > Save As."),
            )

    def prepare_layers(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            raise LayerError(self.invalidRasterError(parameters, self.INPUT))
        self._scene = scene_of(layer)
        self._labels = self.parameterAsSource(parameters, self.LABELS, context)
        if self._labels is None:
            raise LayerError(self.invalidSourceError(parameters, self.LABELS))
        self._aoi = self.parameterAsSource(parameters, p.AOI, context)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        card = model_card(self, parameters, context)
        out = self.parameterAsFileOutput(parameters, self.OUTPUT, context)
        field = self.parameterAsString(parameters, self.FIELD, context)
        labels = write_polygons(self._labels, folder / "labels", tr("The label layer"), feedback, field)
        command = ["train", "--image", with_crs(self._scene, folder), "--labels", labels, "--field", field]
        command += [*background_arguments(self, parameters, context), *aoi_arguments(self._aoi, folder, feedback)]
        command += ["--init", card.key]
        command += ["--head-only"] if self.parameterAsBoolean(parameters, self.HEAD_ONLY, context) else []
        steps = number_or_none(self, parameters, self.STEPS, context)
        command += [] if steps is None else ["--steps", str(int(steps))]
        command += ["--out", out, *device_arguments(self, parameters, context)]
        samples = number_or_none(self, parameters, p.BATCH_SIZE, context)
        command += [] if samples is None else ["--batch", str(int(samples))]
        command += [] if self.parameterAsBoolean(parameters, self.REFINEMENT, context) else ["--no-refinement"]
        command += ["--resume" if self.parameterAsBoolean(parameters, self.RESUME, context) else "--overwrite"]
        summary = self.run_engine(command, feedback, input_name=self._scene.name, model=card.name)
        feedback.pushInfo(str(summary.get("gain", "")))
        settings.remember_model_file(out)
        return {self.OUTPUT: out, self.SUMMARY: json.dumps(summary, ensure_ascii=False)}
