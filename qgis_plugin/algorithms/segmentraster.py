"""Raster layer to class raster and polygons: the main job."""

from __future__ import annotations

import json
from pathlib import Path

from qgis.core import (
    QgsCoordinateTransform,
    QgsProcessing,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterExtent,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
    QgsRectangle,
)

from ..catalogue import gsd_warning
from ..defaults import SEGMENTING_MODEL
from ..errors import LayerError
from ..export import export_scene, plan_export
from ..scenes import scene_of, with_crs
from ..styling import Styler
from ..words import tr
from . import parameters as p
from .arguments import (
    aoi_words,
    engine_words,
    is_given,
    merge_words,
    model_card,
    number_or_none,
    polygon_words,
    scene_words,
    separate_words,
)
from .base import EngineAlgorithm, Part

FETCHING = 30.0
"""Percent of the bar for fetching an online layer."""


class SegmentRaster(EngineAlgorithm):
    """`fctl-geo segment` for a raster layer."""

    NAME = "segmentraster"
    PICTURE = "segmentraster.jpg"
    INPUT, EXTENT, RESUME = "INPUT", "EXTENT", "RESUME"
    OUTPUT, OUTPUT_POLYGONS, OUTPUT_CONFIDENCE, SUMMARY = "OUTPUT", "OUTPUT_POLYGONS", "OUTPUT_CONFIDENCE", "SUMMARY"
    OUTPUTS = (OUTPUT, OUTPUT_POLYGONS, OUTPUT_CONFIDENCE)

    def displayName(self) -> str:
        return tr("Segment raster")

    def tags(self) -> list[str]:
        return tr("land cover,buildings,classify,deep learning,segmentation,polygons,neural network").split(",")

    def shortDescription(self) -> str:
        return tr("Land cover or building polygons of aerial and satellite images of any size")

    def help_text(self) -> str:
        return tr(
            "<p>Gives each pixel of an image a class (building, road, water, ...) and draws the classes' regions as "
            "polygons. The network looks at each place together with its surroundings.</p>"
            "<p><b>Takes</b> any raster layer: files of any size, VRTs, and online layers (WMS, XYZ), of which a copy "
            "of the extent is fetched first. Choose a model whose ground size is near to the layer's: the panel "
            "'FCtL Geo' shows it.</p>"
            "<p><b>Gives</b> a class raster with colours and names, and polygons with class and true area in m².</p>"
            "<p>The work is done by another process: QGIS stays responsive, its memory does not grow with the layer, "
            "and 'Cancel' leaves no half file. A run into files of yours that was stopped can be gone on with by the "
            "advanced parameter 'Go on from a stopped run'.</p>"
        )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.INPUT, tr("Image")))
        p.add_model(self, tr("Model"), SEGMENTING_MODEL)
        extent = QgsProcessingParameterExtent(self.EXTENT, tr("Extent"), None, True)
        extent.setHelp(tr("Only this part of the image; empty: all of it. Online layers need one."))
        self.addParameter(extent)
        p.add_aoi(self)
        p.add_polygons(self)
        p.add_separate(self)
        p.add_scene(self)
        p.add_trust(self)
        p.add_merge(self)
        p.add_engine(self)
        p.add_model_file(self)
        resume = QgsProcessingParameterBoolean(self.RESUME, tr("Go on from a stopped run"), False)
        resume.setHelp(
            tr("Finished parts of a stopped run with the same parameters and result files are not done again.")
        )
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
        confidence.setHelp(tr("A second raster: how sure the network is of each pixel's class, in percent."))
        self.addParameter(p.advanced(confidence))
        self.addOutput(QgsProcessingOutputString(self.SUMMARY, tr("Summary (JSON)")))

    def check(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            return
        scene = scene_of(layer)
        card = model_card(self, parameters, context)
        if not any(is_given(parameters, name) for name in self.OUTPUTS):
            raise LayerError(tr("No result is asked for."), tr("Choose a class raster, polygons, or both."))
        known = {c.name for c in card.classes}
        wanted = [c.strip() for c in self.parameterAsString(parameters, p.CLASSES, context).split(",") if c.strip()]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise LayerError(
                tr("The model '{}' has no class '{}'.").format(card.name, "', '".join(unknown)),
                tr("Its classes: {}.").format(", ".join(sorted(known))),
            )
        extent = self._extent(parameters, context, scene)
        if scene.online:
            if extent is None and self.parameterAsSource(parameters, p.AOI, context) is None:
                raise LayerError(
                    tr("'{}' is an online layer: it has no end.").format(scene.name),
                    tr("Choose an extent or an area of interest."),
                )
            if card.gsd_m is None and not is_given(parameters, p.GSD):
                raise LayerError(
                    tr("The model '{}' takes any ground size, so an online layer needs one.").format(card.name),
                    tr("Set 'Ground size of the layer's pixels' (advanced parameters)."),
                )
            if extent is not None:
                plan_export(scene, extent, self._online_gsd_m(parameters, context, card))
        elif extent is not None and not extent.intersects(scene.extent):
            raise LayerError(
                tr("The extent misses the layer '{}'.").format(scene.name),
                tr("It lies at {}, the layer at {}.").format(extent.toString(2), scene.extent.toString(2)),
            )

    def prepare_layers(self, parameters, context) -> None:
        layer = self.parameterAsRasterLayer(parameters, self.INPUT, context)
        if layer is None:
            raise LayerError(self.invalidRasterError(parameters, self.INPUT))
        self._scene = scene_of(layer)
        self._aoi = self.parameterAsSource(parameters, p.AOI, context)
        self._bounds = self._extent(parameters, context, self._scene)

    def work(self, parameters, context, feedback, folder) -> dict[str, object]:
        card = model_card(self, parameters, context)
        scene = self._scene
        self._tell_trouble(parameters, context, card, feedback)
        aoi = aoi_words(self._aoi, folder, feedback)
        start = 0.0
        if scene.online:
            path, where, start = self._fetched(parameters, context, card, folder, feedback), [], FETCHING
        else:
            path, where = with_crs(scene, folder), self._where(parameters, context)
        outs = {
            name: self.parameterAsOutputLayer(parameters, name, context)
            for name in self.OUTPUTS
            if is_given(parameters, name)
        }
        command = ["segment", path, "--model", card.key, *where, *aoi, *self._out_words(outs)]
        command += [*scene_words(self, parameters, context), *merge_words(self, parameters, context)]
        command += [*polygon_words(self, parameters, context), *separate_words(self, parameters, context)]
        command += engine_words(self, parameters, context)
        command += ["--resume"] if self.parameterAsBoolean(parameters, self.RESUME, context) else []
        summary = self.run_engine(command, feedback, told=scene.name, model=card.name, start=start)
        names = {
            self.OUTPUT: tr("{}: classes").format(scene.name),
            self.OUTPUT_POLYGONS: tr("{}: polygons").format(scene.name),
            self.OUTPUT_CONFIDENCE: tr("{}: confidence").format(scene.name),
        }
        for name, out in outs.items():
            Styler.attach(context, out, names[name])
        return {**outs, self.SUMMARY: json.dumps(summary, ensure_ascii=False)}

    def _tell_trouble(self, parameters, context, card, feedback) -> None:
        gsd_m = number_or_none(self, parameters, p.GSD, context) or self._scene.gsd_m
        warning = gsd_warning(card, gsd_m)
        if warning:
            feedback.pushWarning(warning)
        if not self._scene.crs.isValid():
            feedback.pushWarning(
                tr(
                    "The layer '{}' has no CRS: areas are counted in pixels, and its ground size is not known. Set the "
                    "layer's CRS (right click > Layer CRS), or give its ground size (advanced parameters)."
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

    def _fetched(self, parameters, context, card, folder: Path, feedback) -> str:
        bounds = self._bounds
        if bounds is None:
            bounds = self.aoi_bounds(context)
        plan = plan_export(self._scene, bounds, self._online_gsd_m(parameters, context, card))
        return export_scene(self._scene, plan, folder, Part(feedback, FETCHING))

    def aoi_bounds(self, context) -> QgsRectangle:
        """The area of interest's extent in the scene's CRS."""
        to_scene = QgsCoordinateTransform(self._aoi.sourceCrs(), self._scene.crs, context.transformContext())
        return to_scene.transformBoundingBox(self._aoi.sourceExtent())

    def _out_words(self, outs: dict[str, str]) -> list[str]:
        words = ["--overwrite"]  # QGIS has asked already
        for name, path in outs.items():
            words += ["--confidence" if name == self.OUTPUT_CONFIDENCE else "--out", path]
        return words
