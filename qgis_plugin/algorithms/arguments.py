"""Command line arguments for the values of parameters that several algorithms share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeedback,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingOutputLayerDefinition,
)

from .. import settings
from ..catalog import CATALOG, ModelCard
from ..defaults import SQUARES
from ..scenes import write_polygons
from ..words import tr
from .parameters import (
    ALLOW_EXTERNAL,
    AOI,
    APPEND,
    AS_RECOMMENDED,
    BACKEND,
    BACKGROUND,
    BANDS,
    BATCH_SIZE,
    CLASSES,
    DEVICE,
    FILL_HOLES,
    GRID,
    GSD,
    LAYER,
    MASK,
    MAX_MEMORY,
    MERGE,
    MIN_AREA,
    MODEL,
    MODEL_FILE,
    NECK,
    NO,
    PRECISION,
    REFINE,
    SEPARATE,
    SIMPLIFY,
    SMOOTH,
    SQUARE,
    THREADS,
    TTA,
    YES,
)

Parameters = dict[str, Any]

PARAMETERS = {
    "model": MODEL, "min-area": MIN_AREA, "simplify": SIMPLIFY, "square": SQUARE, "classes": CLASSES,
    "separate": SEPARATE, "neck": NECK, "layer": LAYER, "append": APPEND, "bands": BANDS, "gsd": GSD, "grid": GRID,
    "mask": MASK, "allow-external": ALLOW_EXTERNAL, "merge": MERGE, "tta": TTA, "refine": REFINE, "device": DEVICE,
    "backend": BACKEND, "fill-holes": FILL_HOLES, "smooth": SMOOTH,
    "precision": PRECISION, "batch-size": BATCH_SIZE, "batch": BATCH_SIZE, "threads": THREADS,
    "max-memory": MAX_MEMORY, "aoi": AOI, "background": BACKGROUND, "bbox": "EXTENT", "resume": "RESUME",
    "field": "FIELD", "labels": "LABELS", "image": "INPUT", "refinement": "REFINEMENT",
    "mosaic": "MOSAIC", "steps": "STEPS", "init": MODEL,
    "head-only": "HEAD_ONLY", "confidence": "OUTPUT_CONFIDENCE", "report": "OUTPUT_REPORT",
    "on-error": "STOP_AT_FAILURE",
    "out": "OUTPUT", "format": "FORMATS",
}  # fmt: skip
"""Options of the command line and the parameters that they are in QGIS."""


def in_qgis_words(algorithm: QgsProcessingAlgorithm, text: str) -> str:
    """A message of the engine with the names of parameters in place of options of the command line."""

    def label(found: re.Match[str]) -> str:
        definition = algorithm.parameterDefinition(PARAMETERS.get(found[1], ""))
        return found[0] if definition is None else f"'{definition.description()}'"

    return re.sub(r"(?<![\w-])--(?:no-)?([a-z]+(?:-[a-z]+)*)", label, text)


def device_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for the device, and for the CPU threads set in the options."""
    words = ["--device", algorithm.parameterAsString(parameters, DEVICE, context).strip() or settings.device()]
    return [*words, "--threads", str(settings.threads())] if settings.threads() else words


def background_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for the class outside the polygons."""
    name = algorithm.parameterAsString(parameters, BACKGROUND, context).strip()
    return ["--background", name] if name else []


def model_key(algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext) -> str:
    """The value of `--model`."""
    file = ""
    if algorithm.parameterDefinition(MODEL_FILE) is not None:
        file = algorithm.parameterAsFile(parameters, MODEL_FILE, context)
    return file or algorithm.parameterAsString(parameters, MODEL, context).strip()


def model_card(algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext) -> ModelCard:
    """The card of the chosen model.

    Raises:
        EngineError: the model does not exist, or there is no working engine.
    """
    return CATALOG.card(model_key(algorithm, parameters, context))


def polygon_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for the polygon parameters."""
    area = number_or_none(algorithm, parameters, MIN_AREA, context)
    words = [] if area is None else ["--min-area", f"{area:.10g}"]
    for name, option in ((SIMPLIFY, "--simplify"), (FILL_HOLES, "--fill-holes"), (NECK, "--neck")):
        value = algorithm.parameterAsDouble(parameters, name, context)
        if value > 0:
            words += [option, f"{value:.10g}"]
    if algorithm.parameterAsBoolean(parameters, SMOOTH, context):
        words += ["--smooth"]
    square = algorithm.parameterAsEnumString(parameters, SQUARE, context)
    if square != SQUARES[0]:
        words += ["--square", square]
    classes = algorithm.parameterAsString(parameters, CLASSES, context).strip()
    return [*words, "--classes", classes] if classes else words


def separate_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for whether objects are separated."""
    separate = {YES: ["--separate"], NO: ["--no-separate"]}
    return separate.get(algorithm.parameterAsEnumString(parameters, SEPARATE, context), [])


def separate_classes_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for the classes whose objects are separated."""
    classes = algorithm.parameterAsString(parameters, SEPARATE, context).replace(" ", "")
    return ["--separate", classes] if classes else []


def layer_name(algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext) -> str:
    """The chosen name of the layer in a GeoPackage; empty: that of the file."""
    return algorithm.parameterAsString(parameters, LAYER, context).strip()


def layer_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext, source: str
) -> list[str]:
    """Arguments for outputs that exist.

    Args:
        source: what identifies the image, whatever copy of it the engine reads.
    """
    name = layer_name(algorithm, parameters, context)
    words = ["--layer", name] if name else []
    if algorithm.parameterAsBoolean(parameters, APPEND, context):
        return [*words, "--append", "--scene-name", source]
    return [*words, "--overwrite"]  # QGIS has already asked


def scene_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for the scene parameters except `GSD`, which has another meaning for online layers."""
    words = ["--grid", algorithm.parameterAsEnumString(parameters, GRID, context)]
    words += ["--mask", algorithm.parameterAsString(parameters, MASK, context).strip() or "auto"]
    if algorithm.parameterAsBoolean(parameters, ALLOW_EXTERNAL, context):
        words.append("--allow-external")
    bands = algorithm.parameterAsString(parameters, BANDS, context).replace(" ", "")
    return [*words, "--bands", bands] if bands else words


def merge_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for the merging parameters."""
    merge = algorithm.parameterAsEnumString(parameters, MERGE, context)
    words = [] if merge == AS_RECOMMENDED else ["--merge", merge]
    words += ["--tta", algorithm.parameterAsEnumString(parameters, TTA, context)]
    refine = {YES: ["--refine"], NO: ["--no-refine"]}
    return words + refine.get(algorithm.parameterAsEnumString(parameters, REFINE, context), [])


def engine_arguments(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, context: QgsProcessingContext
) -> list[str]:
    """Arguments for what the networks run on; empty parameters are taken from the options."""
    words = ["--device", algorithm.parameterAsString(parameters, DEVICE, context).strip() or settings.device()]
    words += ["--backend", algorithm.parameterAsEnumString(parameters, BACKEND, context)]
    words += ["--precision", algorithm.parameterAsEnumString(parameters, PRECISION, context)]
    for name, option, unit, preset in (
        (BATCH_SIZE, "--batch-size", "", 0),
        (THREADS, "--threads", "", settings.threads()),
        (MAX_MEMORY, "--max-memory", "M", settings.max_memory_mb()),
    ):
        value = algorithm.parameterAsInt(parameters, name, context) if is_given(parameters, name) else preset
        if value:
            words += [option, f"{value}{unit}"]
    return words


def aoi_arguments(source: QgsProcessingFeatureSource | None, folder: Path, feedback: QgsFeedback) -> list[str]:
    """Arguments for an area of interest.

    Raises:
        LayerError: the layer has no polygons.
    """
    if source is None:
        return []
    return ["--aoi", write_polygons(source, folder / "area", tr("The area of interest"), feedback)]


def output_path(parameters: Parameters, name: str) -> str:
    """The path given for an output; empty: none."""
    value = parameters.get(name)
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink.staticValue()
    return "" if value is None or str(value) == "NULL" else str(value)


def is_given(parameters: Parameters, name: str) -> bool:
    """Whether a parameter has a value; dialogs pass None, empty strings, Qt's NULL, and outputs without destination."""
    return bool(output_path(parameters, name))


def number_or_none(
    algorithm: QgsProcessingAlgorithm, parameters: Parameters, name: str, context: QgsProcessingContext
) -> float | None:
    """The value of an optional number."""
    return None if not is_given(parameters, name) else algorithm.parameterAsDouble(parameters, name, context)
