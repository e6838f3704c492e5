"""Raster layer to class raster and polygons: the main algorithm."""

from __future__ import annotations

import json
from pathlib import Path

from qgis.core import (
    QgsCoordinateTransform,
    QgsProcessing,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
    QgsRectangle,
)

from ..catalog import gsd_warning
from ..defaults import SEGMENTING_MODEL
from ..errors import LayerError
from ..export import export_scene, plan_export
from ..scenes import scene_of, with_crs
from ..styling import About, Styler, pick_layer, result_name
from ..words import tr
from . import parameters as p
from .arguments import (
    aoi_arguments,
    engine_arguments,
    is_given,
    layer_arguments,
    layer_name,
    merge_arguments,
    model_card,
    number_or_none,
    polygon_arguments,
    scene_arguments,
    separate_arguments,
)
from .base import EngineAlgorithm, Part, command_line

DOWNLOADING = 30.0
"""Percent of the progress bar for downloading an online layer."""


class SegmentRaster(EngineAlgorithm):
    """`fctl-geo segment` for a raster layer."""

    NAME = "segmentraster"
    PICTURE = "segmentraster.jpg"
    INPUT, EXTENT, RESUME = "INPUT", "EXTENT", "RESUME"
    OUTPUT, OUTPUT_POLYGONS, OUTPUT_CONFIDENCE, SUMMARY = "OUTPUT", "OUTPUT_POLYGONS", "OUTPUT_CONFIDENCE", "SUMMARY"
    OUTPUTS = (OUTPUT, OUTPUT_POLYGONS, OUTPUT_CONFIDENCE)
    OUTPUT_REPORT = "OUTPUT_REPORT"

    def displayName(self) -> str:
        return tr("Segment raster")

    def tags(self) -> list[str]:
        return tr("land cover,buildings,classify,deep learning,segmentation,polygons,neural network").split(",")

    def shortDescription(self) -> str:
        return tr("Extracts land cover or building polygons from aerial and satellite images of any size")

    def help_text(self) -> str:
        return tr(
            "<p>Assigns a class (building, road, water, ...) to each pixel of an image and converts the regions to "
            "polygons. The network sees each place together with its surroundings.</p>"
            "<p><b>Input</b>: any raster layer: files of any size, VRTs, and online layers (WMS, XYZ), of which the "
            "extent is downloaded first. Choose a model that was trained at about the pixel size of the layer; the "
            "FCtL Geo panel shows it.</p>"
            "<p><b>Output</b>: a class raster with colors and names, and polygons with class and true area in m².</p>"
            "<p>The work is done by another process: QGIS stays responsive, its memory does not grow with the layer, "
            "and 'Cancel' leaves no incomplete file. A canceled run that writes to files of your own can be continued "
            "with the advanced parameter 'Resume a canceled run'.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Image")))
        p.add_model(self, tr("Model"), SEGMENTING_MODEL)
        extent = QgsProcessingParameterExtent(self.EXTENT, tr("Extent"), None, True)
        extent.setHelp(tr("The part of the image to segment. Empty: the whole image. Required for online layers."))
        self.addParameter(extent)
        p.add_aoi(self)
        p.add_polygons(self)
        p.add_separate(self)
        p.add_scene(self)
        p.add_trust(self)
        p.add_merge(self)
        p.add_engine(self)
        p.add_model_file(self)
        p.add_layer(self)
        resume = QgsProcessingParameterBoolean(self.RESUME, tr("Resume a canceled run"), False)
        resume.setHelp(tr("Reuses the finished parts of a canceled run with the same parameters and output files."))
        self.addParameter(p.advanced(resume))
        self.addParameter(QgsProcessingParameterRasterDestination(self.OUTPUT, tr("Classes"), None, True, True))
        self.addParameter(
            QgsProcessingParameterVectorDestination(
                self.OUTPUT_POLYGONS, tr("Polygons"), QgsProcessing.SourceType.TypeVectorPolygon, None, True, True
            )
        )
        confidence = QgsProcessingParameterRasterDestination(
            self.OUTPUT_CONFIDENCE, tr("Confidence (%)"), None, True, False
        )
        confidence.setHelp(tr("An additional raster with the confidence of each pixel's class, in percent."))
        self.addParameter(p.advanced(confidence))
        report = QgsProcessingParameterFileDestination(
            self.OUTPUT_REPORT, tr("Report"), "HTML (*.html)", None, True, False
        )
        report.setHelp(tr("A page with a map, areas, confidence, sizes, warnings, and facts of the run."))
        self.addParameter(p.advanced(report))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            return
        scene = scene_of(layer)
        card = model_card(self, parameters, context)
        if not any(is_given(parameters, name) for name in self.OUTPUTS):
            raise LayerError(tr("No output is selected."), tr("Select a class raster, polygons, or both."))
        known = {c.name for c in card.classes}
        wanted = [c.strip() for c in self.parameterAsString(parameters, p.CLASSES, context).split(",") if c.strip()]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise LayerError(
                tr("The model '{}' has no class '{}'.").format(card.name, "', '".join(unknown)),
                tr("Classes of the model: {}.").format(", ".join(sorted(known))),
            )
        extent = self._extent(parameters, context, scene)
        if scene.online:
            if extent is None and self.parameterAsSource(parameters, p.AOI, context) is None:
                raise LayerError(
                    tr("'{}' is an online layer, so it needs an extent.").format(scene.name),
                    tr("Choose an extent or an area of interest."),
                )
            if card.gsd_m is None and not is_given(parameters, p.GSD):
                raise LayerError(
                    tr("The model '{}' accepts any pixel size, so one must be set for online layers.").format(
                        card.name
                    ),
                    tr("Set 'Pixel size on the ground' (advanced parameters)."),
                )
            if extent is not None:
                plan_export(scene, extent, self._online_gsd_m(parameters, context, card))
        elif extent is not None and not extent.intersects(scene.extent):
            raise LayerError(
                tr("The extent does not intersect the layer '{}'.").format(scene.name),
                tr("The extent is {}, that of the layer {}.").format(extent.toString(2), scene.extent.toString(2)),
            )

    def prepare_layers(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            raise LayerError(self.invalidRasterError(parameters, self.INPUT))
        self._scene = scene_of(layer)
        self._identity = self._scene.path or layer.name()
        self._aoi = self.parameterAsSource(parameters, p.AOI, context)
        self._bounds = self._extent(parameters, context, self._scene)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        card = model_card(self, parameters, context)
        scene = self._scene
        self._warn(parameters, context, card, feedback)
        aoi = aoi_arguments(self._aoi, folder, feedback)
        start = 0.0
        if scene.online:
            path, where, start = self._download(parameters, context, card, folder, feedback), [], DOWNLOADING
        else:
            trusted = self.parameterAsBoolean(parameters, p.ALLOW_EXTERNAL, context)
            path, where = with_crs(scene, folder, trusted=trusted), self._where(parameters, context)
            where += ["--allow-external"] if scene.crs_changed and not trusted else []  # the VRT made here
        outs = {
            name: self.parameterAsOutputLayer(parameters, name, context)
            for name in self.OUTPUTS
            if is_given(parameters, name)
        }
        report = self.parameterAsFileOutput(parameters, self.OUTPUT_REPORT, context)
        command = ["segment", path, "--model", card.key, *where, *aoi, *self._out_words(outs)]
        command += ["--report", report] if report else []
        command += [*scene_arguments(self, parameters, context), *merge_arguments(self, parameters, context)]
        command += [*polygon_arguments(self, parameters, context), *separate_arguments(self, parameters, context)]
        command += engine_arguments(self, parameters, context)
        command += layer_arguments(self, parameters, context, self._identity)
        command += ["--resume"] if self.parameterAsBoolean(parameters, self.RESUME, context) else []
        summary = self.run_engine(command, feedback, input_name=scene.name, model=card.name, start=start)
        names = {
            self.OUTPUT: result_name(scene.name, card.name, tr("classes")),
            self.OUTPUT_POLYGONS: result_name(scene.name, card.name),
            self.OUTPUT_CONFIDENCE: result_name(scene.name, card.name, tr("confidence")),
        }
        if self.OUTPUT_POLYGONS in outs:
            name = layer_name(self, parameters, context)
            outs[self.OUTPUT_POLYGONS] = pick_layer(context, outs[self.OUTPUT_POLYGONS], name)
        for name, out in outs.items():
            Styler.attach(context, out, names[name], About(scene.name, command_line(command), card))
        pages = {self.OUTPUT_REPORT: report} if report else {}
        return {**outs, **pages, self.SUMMARY: json.dumps(summary, ensure_ascii=False)}

    def _warn(self, parameters, context, card, feedback) -> None:
        gsd_m = number_or_none(self, parameters, p.GSD, context) or self._scene.gsd_m
        warning = gsd_warning(card, gsd_m)
        if warning:
            feedback.pushWarning(warning)
        if not self._scene.crs.isValid():
            feedback.pushWarning(
                tr(
                    "The layer '{}' has no CRS: areas are in pixels, and the pixel size is unknown. Set the CRS of "
                    "the layer (right-click > Layer CRS), or its pixel size (advanced parameters)."
                ).format(self._scene.name)
            )

    def _extent(self, parameters, context, scene) -> QgsRectangle | None:
        if not is_given(parameters, self.EXTENT):
            return None
        found = self.parameterAsExtent(parameters, self.EXTENT, context, scene.crs)
        return None if found.isNull() else found

    def _where(self, parameters, context) -> list[str]:
        gsd_m = number_or_none(self, parameters, p.GSD, context)
        words = [] if gsd_m is None else ["--gsd", f"{gsd_m:.10g}"]
        box = self._bounds
        if box is not None:
            corners = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
            words += ["--bbox", *(repr(corner) for corner in corners)]
        return words

    def _online_gsd_m(self, parameters, context, card) -> float:
        return number_or_none(self, parameters, p.GSD, context) or card.gsd_m

    def _download(self, parameters, context, card, folder: Path, feedback) -> str:
        bounds = self._bounds
        if bounds is None:
            bounds = self.aoi_bounds(context)
        plan = plan_export(self._scene, bounds, self._online_gsd_m(parameters, context, card))
        return export_scene(self._scene, plan, folder, Part(feedback, DOWNLOADING))

    def aoi_bounds(self, context) -> QgsRectangle:
        """The area of interest's extent in the scene's CRS."""
        to_scene = QgsCoordinateTransform(self._aoi.sourceCrs(), self._scene.crs, context.transformContext())
        return to_scene.transformBoundingBox(self._aoi.sourceExtent())

    def _out_words(self, outs: dict[str, str]) -> list[str]:
        words = []
        for name, path in outs.items():
            words += ["--confidence" if name == self.OUTPUT_CONFIDENCE else "--out", path]
        return words
