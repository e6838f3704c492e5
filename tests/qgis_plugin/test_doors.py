"""Each parameter of each algorithm, as QGIS itself knows it, against the option of the command line that it becomes."""

from __future__ import annotations

from typing import Any

import click
import pytest
from fctl_geo_cli.main import cli
from real_qgis import Qgis

pytestmark = pytest.mark.qgis

RECOMMENDED = "as the model recommends"
SHARED = {
    "MODEL": "model",
    "DEVICE": "device",
    "BACKEND": "backend",
    "PRECISION": "precision",
    "BATCH_SIZE": "batch_size",
    "THREADS": "threads",
    "MAX_MEMORY": "max_memory_bytes",
}
SCENE = {
    "AOI": "aoi",
    "BANDS": "bands",
    "GSD": "gsd_m",
    "GRID": "grid",
    "MASK": "mask",
    "ALLOW_EXTERNAL": "allow_external",
}
MERGING = {"MERGE": "merge", "TTA": "tta", "REFINE": "refine"}
POLYGONS = {
    "MIN_AREA": "min_area_m2",
    "SIMPLIFY": "simplify_m",
    "SMOOTH": "smooth",
    "FILL_HOLES": "fill_holes_m2",
    "SQUARE": "square",
    "CLASSES": "classes",
    "SEPARATE": "separate",
    "NECK": "neck_m",
}
LAYERS = {"LAYER": "layer", "APPEND": "append"}
TRUTH = {"INPUT": "images", "LABELS": "labels", "FIELD": "field", "BACKGROUND": "background", "AOI": "aoi"}
OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "segmentraster": (
        "segment",
        {
            **SHARED, **SCENE, **MERGING, **POLYGONS, **LAYERS, "INPUT": "scene", "EXTENT": "bbox", "RESUME": "resume",
            "OUTPUT": "outs", "OUTPUT_POLYGONS": "outs", "OUTPUT_CONFIDENCE": "confidence",
            "OUTPUT_REPORT": "report",
        },
    ),
    "segmentfolder": (
        "batch",
        {
            **SHARED, **SCENE, **MERGING, **POLYGONS, "INPUT": "inputs", "FORMATS": "formats", "MOSAIC": "mosaic",
            "STOP_AT_FAILURE": "on_error", "OUTPUT": "out",
        },
    ),
    "refineclasses": ("refine", {**SHARED, "INPUT": "classes", "OUTPUT": "out"}),
    "polygoniseclasses": (
        "polygonise",
        {
            **POLYGONS, **LAYERS, "INPUT": "classes_raster", "GSD": "gsd_m", "CONFIDENCE": "confidence",
            "OUTPUT": "outs",
        },
    ),
    "trainmodel": (
        "train",
        {
            **TRUTH, "MODEL": "init", "HEAD_ONLY": "head_only", "DEVICE": "device", "STEPS": "steps",
            "BATCH_SIZE": "batch", "REFINEMENT": "refinement", "RESUME": "resume", "OUTPUT": "out",
        },
    ),
    "evaluatemodel": (
        "evaluate",
        {
            **TRUTH, "MODEL": "subject", "DEVICE": "device", "LABELS_RASTER": "labels", "OUTPUT": "out",
            "OUTPUT_JSON": "json_path",
        },
    ),
}  # fmt: skip
"""Algorithm: (command, its parameters and the options that they become)."""
INSTEAD = {"MODEL_FILE", "LOAD"}
"""MODEL_FILE stands for MODEL where it is given; LOAD adds layers to the project of QGIS."""
OTHERWISE = {
    ("trainmodel", "MODEL"): "buildings",  # QGIS adapts a model; from nothing one begins in the terminal
    ("trainmodel", "HEAD_ONLY"): True,  # most have few labels and no GPU
    ("evaluatemodel", "MODEL"): "buildings",  # must be named in the terminal
}
"""What QGIS begins with where the command line does not, and why."""
LEFT_OUT = {
    "segment": {"workers", "scheduler", "max_vertices", "styles", "stac", "scene_name"},
    # QGIS names the scene by its layer's file
    "batch": {
        "max_vertices", "bbox", "record", "confidence", "report", "template", "time_limit_s", "split", "stac", "asset",
        "workers", "scheduler",
    },
    "refine": set(),
    "polygonise": {"max_vertices", "styles", "scene_name"},
    "train": {
        "recipe", "data", "preset", "classes", "gsd_m", "bands", "imagenet", "run", "epochs", "patience", "seed",
        "devices", "precision", "threads", "checkpoint_every", "validate_every", "tensorboard", "plan_only",
    },
    "evaluate": {
        "polygons", "truth", "data", "classes", "gsd_m", "convention", "objects", "tolerance_px", "merge", "tta",
        "refine", "backend", "precision", "batch_size", "threads", "max_memory_bytes",
    },
}  # fmt: skip
"""Options for the terminal alone; a new one must be added here, or become a parameter."""
EVERYWHERE = {"overwrite", "verbose", "quiet", "progress_kind", "stop_with_stdin", "progress"}


@pytest.fixture(scope="module")
def parameters(qgis: Qgis, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """Algorithm -> parameter -> default, choices and whether it may be left empty."""
    found: dict[str, dict[str, dict[str, Any]]] = qgis.without_engine().script(
        """
answer = {}
for algorithm in QgsApplication.processingRegistry().providerById("fctl").algorithms():
    answer[algorithm.name()] = {
        each.name(): {
            "default": each.defaultValue(),
            "choices": each.options() if isinstance(each, QgsProcessingParameterEnum) else None,
            "optional": bool(each.flags() & each.Flag.FlagOptional),
        }
        for each in algorithm.parameterDefinitions()
    }
""",
        tmp=tmp_path_factory.mktemp("parameters"),
    )
    return found


def options_of(command: str) -> dict[str, click.Parameter]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {parameter.name or "": parameter for parameter in found.params}


def in_engines_words(name: str, default: Any) -> Any:
    """A parameter's default as the option's; None for false, 0 and nothing."""
    if name == "STOP_AT_FAILURE":
        return "stop" if default else "skip"
    if name == "FORMATS":
        return tuple(default)
    return None if default == RECOMMENDED else default or None


@pytest.mark.parametrize("algorithm", OPTIONS)
def test_parameters_have_the_options_defaults_and_choices(
    algorithm: str, parameters: dict[str, dict[str, dict[str, Any]]]
) -> None:
    command, becomes = OPTIONS[algorithm]
    options, found = options_of(command), parameters[algorithm]
    assert set(found) - INSTEAD == set(becomes), "a parameter without an option"
    assert set(options) - EVERYWHERE - LEFT_OUT[command] == set(becomes.values()), "an option without a parameter"
    for name, of in becomes.items():
        option, parameter = options[of], found[name]
        if not name.startswith("OUTPUT"):
            begins = None if option.required else option.to_info_dict()["default"]
            begins = OTHERWISE.get((algorithm, name), begins)
            assert in_engines_words(name, parameter["default"]) == (begins or None), f"{algorithm} {name}"
        if parameter["choices"] and isinstance(option.type, click.Choice):
            assert set(parameter["choices"]) - {RECOMMENDED} == set(option.type.choices), f"{algorithm} {name}"
