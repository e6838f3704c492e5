"""Raster layer, label polygons and a class field to a model file."""

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
from .arguments import aoi_words, background_words, check_ending, device_words, model_card, number_or_none
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
        return tr("A model of your own from an image and labelled polygons")

    def help_text(self) -> str:
        return tr(
            "<p>Teaches a model your classes, from an image and polygons that you have drawn or checked. It begins "
            "with a model that knows imagery already, so that some hundred polygons are enough.</p>"
            "<p><b>Takes</b> a raster layer, a polygon layer and the field that names each polygon's class. What no "
            "polygon covers teaches nothing, unless you name the class that it has.</p>"
            "<p><b>Gives</b> a model file (.safetensors) with a card beside it, and offers it in all lists of models. "
            "A part of the image is kept out of training to measure the quality, which the log tells.</p>"
            "<p>Adapting the last layers takes minutes; training all of it takes hours without a graphics card. "
            "A stopped run can be resumed: see the advanced parameters.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Image")))
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                self.LABELS, tr("Labelled polygons"), [QgsProcessing.SourceType.TypeVectorPolygon]
            )
        )
        field = QgsProcessingParameterField(
            self.FIELD, tr("Field of the class"), None, self.LABELS, QgsProcessingParameterField.DataType.Any
        )
        field.setHelp(tr("Names or numbers of the classes."))
        self.addParameter(field)
        p.add_ground_truth(self)
        p.add_model(self, tr("Model to begin with"), SEGMENTING_MODEL)
        head_only = QgsProcessingParameterBoolean(self.HEAD_ONLY, tr("Adapt the last layers only (minutes)"), True)
        head_only.setHelp(
            tr(
                "What the model knows of imagery stays as it is. Train the whole network if this is not enough, and if "
                "you have many labels."
            )
        )
        self.addParameter(head_only)
        self.addParameter(
            p.number(
                self.STEPS,
                tr("Training steps"),
                tr("Empty: as the recipe says. Some hundred adapt a model, some thousand teach new classes."),
                least=1,
                whole=True,
            )
        )
        p.add_model_file(self)
        p.add_device(self)
        self.addParameter(
            p.advanced(
                p.number(
                    p.BATCH_SIZE, tr("Samples a step"), tr("Empty: as the recipe says; fewer need less memory."),
                    least=1, whole=True,
                )
            )
        )  # fmt: skip
        second = QgsProcessingParameterBoolean(self.REFINEMENT, tr("Train the second network too"), True)
        second.setHelp(tr("It cleans what the first one makes. It is left out if only the last layers are adapted."))
        self.addParameter(p.advanced(second))
        resume = QgsProcessingParameterBoolean(self.RESUME, tr("Go on from a stopped run"), False)
        resume.setHelp(tr("From the last checkpoint of a training with the same parameters and model file."))
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
                tr("Export the part you want to train on to a file first: right click > Export > Save As."),
            )
        words = check_ending(self.parameterAsFileOutput(parameters, self.OUTPUT, context), (".safetensors",))
        if words:
            raise LayerError(words)

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
        labels = write_polygons(self._labels, folder / "labels.gpkg", tr("The layer of labels"), feedback, field)
        command = ["train", "--image", with_crs(self._scene, folder), "--labels", labels, "--field", field]
        command += [*background_words(self, parameters, context), *aoi_words(self._aoi, folder, feedback)]
        command += ["--init", card.key]
        command += ["--head-only"] if self.parameterAsBoolean(parameters, self.HEAD_ONLY, context) else []
        steps = number_or_none(self, parameters, self.STEPS, context)
        command += [] if steps is None else ["--steps", str(int(steps))]
        command += ["--out", out, *device_words(self, parameters, context)]
        samples = number_or_none(self, parameters, p.BATCH_SIZE, context)
        command += [] if samples is None else ["--batch", str(int(samples))]
        command += [] if self.parameterAsBoolean(parameters, self.REFINEMENT, context) else ["--no-refinement"]
        command += ["--resume" if self.parameterAsBoolean(parameters, self.RESUME, context) else "--overwrite"]
        summary = self.run_engine(command, feedback, told=self._scene.name, model=card.name)
        feedback.pushInfo(str(summary.get("gain", "")))
        settings.remember_model_file(out)
        return {self.OUTPUT: out, self.SUMMARY: json.dumps(summary, ensure_ascii=False)}
