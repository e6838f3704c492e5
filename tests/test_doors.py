"""The command line, Python and the QGIS plugin begin a job with the same names, defaults and choices.

`tests/qgis_plugin/test_doors.py` holds QGIS's own parameters against the command line's.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from fctl_geo_cli.main import cli
from fctl_geo_cli.options import choices_of, default_of

import fctl_geo
from fctl_geo.assess.settings import ComparisonSettings
from fctl_geo.batch.settings import FORMATS, BatchSettings
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.settings import (
    REFINING_MODEL,
    SEGMENTING_MODEL,
    EngineSettings,
    OutputSettings,
    PolygonSettings,
    SceneSettings,
    Settings,
)
from fctl_geo.training.settings import EvaluationSettings, TrainingSettings

ROOMS: dict[str, tuple[type, ...]] = {
    "segment": (Settings, SceneSettings, EngineSettings, PolygonSettings, OutputSettings),
    "batch": (Settings, SceneSettings, EngineSettings, PolygonSettings, BatchSettings),
    "refine": (EngineSettings,),
    "polygonise": (PolygonSettings,),
    "train": (TrainingSettings,),
    "evaluate": (EvaluationSettings, ComparisonSettings, EngineSettings),
}
"""The settings that a command's options stand for."""
CALLS: dict[str, Callable[..., Any]] = {"refine": fctl_geo.refine_raster, "polygonise": fctl_geo.polygonise}
"""Functions with arguments of their own beside the settings."""
NAMES = {"confidence_path": "confidence", "classes_path": "classes_raster"}
"""An argument's name in the command line, where it is another one."""
PYTHON_ALONE = {
    "segment": {"staging"},  # the batch's, for products on their way to S3
    "refine": {"merge", "tta", "refine", "settings"},  # refining is one look, merged as the model advises
    "polygonise": {"legend", "metadata"},  # of rasters that a run has made itself
    "train": {"workers"},  # never changes what is learned
    "evaluate": {"pictures"},  # drawn if --out wants them
}
COMPOSED = {"scene", "engine", "polygons", "output", "settings", "progress"}
"""Fields and arguments that hold the settings of other rooms, or the door's own progress."""


def options_of(command: str) -> dict[str, click.Parameter]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {parameter.name or "": parameter for parameter in found.params}


def given_by(option: click.Parameter) -> Any:
    """What a command gets where the option is left out."""
    default = option.to_info_dict()["default"]
    return () if option.multiple and default is None else default


def required(room: type) -> set[str]:
    return {f.name for f in fields(room) if f.default is MISSING and f.default_factory is MISSING}


@pytest.mark.parametrize("command", ROOMS)
def test_every_setting_is_an_option_with_the_same_default_and_choices(command: str) -> None:
    options = options_of(command)
    for room in ROOMS[command]:
        for name in {f.name for f in fields(room)} - COMPOSED - PYTHON_ALONE.get(command, set()):
            option = options[name]
            if name in required(room) or option.required:
                continue
            assert given_by(option) == default_of(room, name), f"{command} {option.opts[-1]}"
            if choices_of(room, name):
                assert isinstance(option.type, click.Choice)
                assert tuple(option.type.choices) == choices_of(room, name), f"{command} {option.opts[-1]}"


@pytest.mark.parametrize("command", CALLS)
def test_every_argument_of_a_function_is_an_option_with_the_same_default(command: str) -> None:
    options = options_of(command)
    for name, argument in inspect.signature(CALLS[command]).parameters.items():
        if name in COMPOSED | PYTHON_ALONE[command]:
            continue
        option = options[NAMES.get(name, name)]
        assert option.required == (argument.default is inspect.Parameter.empty), f"{command} {name}"
        if not option.required:
            assert given_by(option) == argument.default, f"{command} {option.opts[-1]}"


def plugin_defaults() -> ModuleType:
    """The plugin's table, which imports nothing."""
    spec = importlib.util.spec_from_file_location("defaults", Path(__file__).parents[1] / "qgis_plugin" / "defaults.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_plugins_table_is_the_engines() -> None:
    table = plugin_defaults()
    assert (table.SEGMENTING_MODEL, table.REFINING_MODEL) == (SEGMENTING_MODEL, REFINING_MODEL)
    assert default_of(EngineSettings, "device") == table.DEVICE
    assert choices_of(EngineSettings, "merge") == table.MERGES and default_of(EngineSettings, "merge") is None
    assert choices_of(EngineSettings, "tta") == table.TTAS and default_of(EngineSettings, "tta") == table.TTAS[0]
    for room, name, words in (
        (EngineSettings, "backend", table.BACKENDS),
        (EngineSettings, "precision", table.PRECISIONS),
        (SceneSettings, "grid", table.GRIDS),
        (PolygonSettings, "square", table.SQUARES),
    ):
        assert choices_of(room, name) == words and default_of(room, name) == words[0]
    assert table.FORMATS == FORMATS and default_of(BatchSettings, "formats") == table.FORMATS[:1]
    assert default_of(PolygonSettings, "min_area_m2") is None
    assert default_of(PolygonSettings, "simplify_m") == table.SIMPLIFY_M
    assert default_of(PolygonSettings, "neck_m") == table.NECK_M


def test_the_model_that_refines_by_default_has_a_refinement_network() -> None:
    info = read_model_info(REFINING_MODEL)
    assert info.refinement is not None
