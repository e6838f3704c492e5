"""A folder of images to a folder of results."""

from __future__ import annotations

import json

from qgis.core import (
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
)

from ..defaults import FORMATS, SEGMENTING_MODEL
from ..errors import LayerError
from ..words import tr
from . import parameters as p
from .arguments import (
    aoi_words,
    engine_words,
    merge_words,
    model_card,
    number_or_none,
    polygon_words,
    scene_words,
    separate_words,
)
from .base import EngineAlgorithm

SOME_FAILED = 3
"""The engine's exit code where the batch went through, but not every scene did."""


class SegmentFolder(EngineAlgorithm):
    """`fctl-geo batch` for a folder."""

    NAME = "segmentfolder"
    PICTURE = "segmentfolder.jpg"
    INPUT, FORMATS, MOSAIC, STOP = "INPUT", "FORMATS", "MOSAIC", "STOP_AT_FAILURE"
    OUTPUT, OUTPUT_LAYERS = "OUTPUT", "OUTPUT_LAYERS"
    DONE, FAILED, SUMMARY = "DONE", "FAILED", "SUMMARY"

    def displayName(self) -> str:
        return tr("Segment folder")

    def tags(self) -> list[str]:
        return tr("batch,many,directory,tiles,orthophotos,land cover,buildings").split(",")

    def shortDescription(self) -> str:
        return tr("All images of a folder; run it again to do only what is missing or has changed")

    def help_text(self) -> str:
        return tr(
            "<p>Segments all images below a folder, one after the other, with one model.</p>"
            "<p><b>Takes</b> a folder; every raster in it that GDAL reads is a scene.</p>"
            "<p><b>Gives</b> a folder with the results of each scene under the scene's name, and a record of all "
            "(batch.sqlite). A scene that fails is named in the log with its reason and does not stop the others. Run "
            "it again with the same folders to do only what is missing, has changed or had failed.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(
            QgsProcessingParameterFile(self.INPUT, tr("Folder of images"), QgsProcessingParameterFile.Behavior.Folder)
        )
        p.add_model(self, tr("Model"), SEGMENTING_MODEL)
        formats = QgsProcessingParameterEnum(
            self.FORMATS, tr("Results"), list(FORMATS), True, [FORMATS[0]], False, True
        )
        formats.setHelp(tr("gpkg, fgb, parquet, geojson: polygons. tif: class raster."))
        self.addParameter(formats)
        mosaic = QgsProcessingParameterBoolean(self.MOSAIC, tr("Images that touch are one"), False)
        mosaic.setHelp(tr("The network looks across their borders, and polygons go across them."))
        self.addParameter(mosaic)
        p.add_aoi(self)
        p.add_polygons(self)
        p.add_separate(self)
        p.add_scene(self)
        p.add_trust(self)
        p.add_merge(self)
        p.add_engine(self)
        p.add_model_file(self)
        stop = QgsProcessingParameterBoolean(self.STOP, tr("Stop at the first image that fails"), False)
        self.addParameter(p.advanced(stop))
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder of results")))
        self.addOutput(QgsProcessingOutputMultipleLayers(self.OUTPUT_LAYERS, tr("Results")))
        self.addOutput(QgsProcessingOutputNumber(self.DONE, tr("Images done")))
        self.addOutput(QgsProcessingOutputNumber(self.FAILED, tr("Images that failed")))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        model_card(self, parameters, context)
        if not self.parameterAsEnumStrings(parameters, self.FORMATS, context):
            raise LayerError(tr("No result is asked for."), tr("Choose at least one kind of result."))

    def prepare_layers(self, parameters, context) -> None:
        self._aoi = self.parameterAsSource(parameters, p.AOI, context)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        card = model_card(self, parameters, context)
        source = self.parameterAsFile(parameters, self.INPUT, context)
        out = self.parameterAsString(parameters, self.OUTPUT, context)
        command = ["batch", source, "--out", out, "--model", card.key]
        for name in self.parameterAsEnumStrings(parameters, self.FORMATS, context):
            command += ["--format", name]
        command += ["--on-error", "stop" if self.parameterAsBoolean(parameters, self.STOP, context) else "skip"]
        command += ["--mosaic"] if self.parameterAsBoolean(parameters, self.MOSAIC, context) else []
        gsd_m = number_or_none(self, parameters, p.GSD, context)
        command += [] if gsd_m is None else ["--gsd", f"{gsd_m:.10g}"]
        command += aoi_words(self._aoi, folder, feedback)
        command += [*scene_words(self, parameters, context), *merge_words(self, parameters, context)]
        command += [*polygon_words(self, parameters, context), *separate_words(self, parameters, context)]
        command += engine_words(self, parameters, context)
        summary = self.run_engine(command, feedback, told=source, model=card.name, fine=(0, SOME_FAILED))
        self._tell(summary, feedback)
        return {
            self.OUTPUT: out,
            self.OUTPUT_LAYERS: list(summary.get("files", [])),
            self.DONE: summary.get("done", 0),
            self.FAILED: len(summary.get("failed", [])),
            self.SUMMARY: json.dumps(summary, ensure_ascii=False),
        }

    def _tell(self, summary, feedback) -> None:
        failed = summary.get("failed", [])
        feedback.pushInfo(
            tr("{} images done, {} done before and unchanged, {} failed, {} not begun").format(
                summary.get("done", 0), summary.get("unchanged", 0), len(failed), summary.get("left", 0)
            )
        )
        for each in failed:
            feedback.reportError(": ".join(str(value) for value in each.values() if value))
