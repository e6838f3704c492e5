"""A folder of images to a folder of results."""

from __future__ import annotations

import json
from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
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
from ..styling import About, Styler, result_name
from ..words import tr
from . import parameters as p
from .arguments import (
    aoi_arguments,
    engine_arguments,
    in_qgis_words,
    merge_arguments,
    model_card,
    number_or_none,
    polygon_arguments,
    scene_arguments,
    separate_arguments,
)
from .base import EngineAlgorithm, command_line

SOME_FAILED = 3
"""Exit code of the engine if the batch was completed, but some scenes failed."""


class SegmentFolder(EngineAlgorithm):
    """`fctl-geo batch` for a folder."""

    NAME = "segmentfolder"
    PICTURE = "segmentfolder.jpg"
    INPUT, FORMATS, MOSAIC, STOP = "INPUT", "FORMATS", "MOSAIC", "STOP_AT_FAILURE"
    LOAD = "LOAD"
    OUTPUT, OUTPUT_LAYERS = "OUTPUT", "OUTPUT_LAYERS"
    DONE, FAILED, SUMMARY = "DONE", "FAILED", "SUMMARY"

    def displayName(self) -> str:
        return tr("Segment folder")

    def tags(self) -> list[str]:
        return tr("batch,many,directory,tiles,orthophotos,land cover,buildings").split(",")

    def shortDescription(self) -> str:
        return tr("Segments all images of a folder; later runs process only what is missing or has changed")

    def help_text(self) -> str:
        return tr(
            "<p>Segments all images of a folder and its subfolders, one after the other, with the same model.</p>"
            "<p><b>Input</b>: a folder; every raster in it that GDAL can read is an image.</p>"
            "<p><b>Output</b>: a folder with the results of each image under its name, and a record of all images "
            "(batch.sqlite). If an image fails, the log says why, and the others are still processed. Run the "
            "algorithm again with the same folders to process only what is missing, has changed, or failed.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(
            QgsProcessingParameterFile(self.INPUT, tr("Image folder"), QgsProcessingParameterFile.Behavior.Folder)
        )
        p.add_model(self, tr("Model"), SEGMENTING_MODEL)
        formats = QgsProcessingParameterEnum(
            self.FORMATS, tr("Results"), list(FORMATS), True, [FORMATS[0]], False, True
        )
        formats.setHelp(tr("tif: class raster. mbtiles, pmtiles: vector tiles for web maps. All others: polygons."))
        self.addParameter(formats)
        mosaic = QgsProcessingParameterBoolean(self.MOSAIC, tr("Treat adjacent images as one"), False)
        mosaic.setHelp(tr("The network sees across the borders of the images, and polygons are not cut there."))
        self.addParameter(mosaic)
        p.add_aoi(self)
        p.add_polygons(self)
        p.add_separate(self)
        p.add_scene(self)
        p.add_trust(self)
        p.add_merge(self)
        p.add_engine(self)
        p.add_model_file(self)
        stop = QgsProcessingParameterBoolean(self.STOP, tr("Stop at the first failure"), False)
        self.addParameter(p.advanced(stop))
        load = QgsProcessingParameterBoolean(self.LOAD, tr("Add the results to the project"), True)
        self.addParameter(load)
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Output folder")))
        self.addOutput(QgsProcessingOutputMultipleLayers(self.OUTPUT_LAYERS, tr("Results")))
        self.addOutput(QgsProcessingOutputNumber(self.DONE, tr("Images processed")))
        self.addOutput(QgsProcessingOutputNumber(self.FAILED, tr("Images failed")))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        model_card(self, parameters, context)
        if not self.parameterAsEnumStrings(parameters, self.FORMATS, context):
            raise LayerError(tr("No output is selected."), tr("Select at least one output format."))

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
        command += aoi_arguments(self._aoi, folder, feedback)
        command += [*scene_arguments(self, parameters, context), *merge_arguments(self, parameters, context)]
        command += [*polygon_arguments(self, parameters, context), *separate_arguments(self, parameters, context)]
        command += engine_arguments(self, parameters, context)
        summary = self.run_engine(command, feedback, input_name=source, model=card.name, fine=(0, SOME_FAILED))
        self._report(summary, feedback)
        if self.parameterAsBoolean(parameters, self.LOAD, context):
            self._load(summary, context, card, command)
        return {
            self.OUTPUT: out,
            self.OUTPUT_LAYERS: list(summary.get("files", [])),
            self.DONE: summary.get("done", 0),
            self.FAILED: len(summary.get("failed", [])),
            self.SUMMARY: json.dumps(summary, ensure_ascii=False),
        }

    def _load(self, summary, context, card, command) -> None:
        """Let QGIS add the results to its project, if there is one (in qgis_process there is not)."""
        if context.project() is None:
            return
        for path in summary.get("files", []):
            details = QgsProcessingContext.LayerDetails(Path(path).stem, context.project(), self.OUTPUT_LAYERS)
            context.addLayerToLoadOnCompletion(path, details)
            what = tr("classes") if path.endswith(".tif") else ""
            name = result_name(Path(path).stem, card.name, what)
            Styler.attach(context, path, name, About(Path(path).stem, command_line(command), card))

    def _report(self, summary, feedback) -> None:
        failed = summary.get("failed", [])
        feedback.pushInfo(
            tr("{} images processed, {} unchanged since an earlier run, {} failed, {} not started").format(
                summary.get("done", 0), summary.get("unchanged", 0), len(failed), summary.get("left", 0)
            )
        )
        for each in failed:
            words = ": ".join(str(each[key]) for key in ("name", "error") if each.get(key))
            feedback.reportError(in_qgis_words(self, f"{words}\n{each.get('hint') or ''}".strip()))
