"""Options that several commands share, and the parsing of their values into settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

import click

from fctl_geo.settings import (
    MOST_VERTICES,
    EngineSettings,
    OutputSettings,
    PolygonSettings,
    SceneSettings,
    is_mask_rule,
)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FILE = click.Path(dir_okay=True, path_type=Path)
"""Whether a file exists is checked by the core, whose messages are more helpful."""


class ByteSize(click.ParamType):  # type: ignore[type-arg]
    """'800M', '1.5G', '2GiB', or plain bytes."""

    name = "size"
    _UNITS: ClassVar = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip().lower().removesuffix("ib").removesuffix("b")
        number, unit = (text[:-1], text[-1]) if text and not text[-1].isdigit() else (text, "")
        try:
            size_bytes = round(float(number) * self._UNITS[unit.strip()])
        except (KeyError, ValueError):
            self.fail(f"{value!r} is not a size; write, for example, 800M or 1.5G", param, ctx)
        if size_bytes <= 0:
            self.fail(f"{value!r} is not a size greater than zero", param, ctx)
        return size_bytes


class BandList(click.ParamType):  # type: ignore[type-arg]
    """'4,3,2' or 'red,green,blue' as a tuple."""

    name = "bands"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(part.strip() for part in str(value).split(","))
        if not all(names):
            self.fail(f"{value!r} has an empty entry; separate entries with one comma, e.g. red,green,blue", param, ctx)
        return names


class NameList(BandList):
    """'building,water' as a tuple."""

    name = "names"


class ClassChoice(NameList):
    """'building,tank' as a tuple; 'none' as an empty one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return () if value == "none" else super().convert(value, param, ctx)


class FiniteFloat(click.ParamType):  # type: ignore[type-arg]
    """A number that is neither NaN nor infinite."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class MaskRule(click.ParamType):  # type: ignore[type-arg]
    """auto, none, alpha, or nodata=VALUE."""

    name = "mask"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_mask_rule(value):
            self.fail(f"{value!r} is not one of auto, none, alpha, nodata=VALUE (e.g. nodata=-9999)", param, ctx)
        return str(value)


def combine(*options: Decorator) -> Decorator:
    """Combine several options into one decorator, in the order in which they are shown."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def default_of(settings: type, name: str) -> Any:
    """The default value of a setting."""
    (found,) = (field.default for field in fields(settings) if field.name == name)
    return found


def choices_of(settings: type, name: str) -> tuple[str, ...]:
    """The words that a setting accepts; empty if it is not a choice of words."""
    return tuple(_words_in(get_type_hints(settings)[name]))


def _words_in(hint: Any) -> Iterator[str]:
    for part in get_args(hint):
        if isinstance(part, str):
            yield part
        else:
            yield from _words_in(part)


def option_of(settings: type, name: str, *flags: str, **more: Any) -> Decorator:
    """Create the option for a setting. Name, default, and choices come from the setting, as in Python and QGIS."""
    default, choices = default_of(settings, name), choices_of(settings, name)
    if choices:
        more["type"] = click.Choice(choices)
    return click.option(*flags, name, default=default, show_default=bool(default), **more)


def model_option(default: str) -> Decorator:
    """Create `--model`, with the default that suits the command best."""
    return click.option(
        "--model",
        default=default,
        show_default=True,
        help="Name of a shipped model (see `fctl-geo models`) or a .safetensors or .onnx model file.",
    )


allow_external_option = option_of(
    SceneSettings,
    "allow_external",
    "--allow-external",
    is_flag=True,
    help="Trust a scene that refers to files outside its folder or to servers (a VRT, a tile index, WMS).",
)
overwrite_option = option_of(OutputSettings, "overwrite", "--overwrite", is_flag=True, help="Replace existing outputs.")
styles_option = option_of(
    OutputSettings,
    "styles",
    "--style",
    multiple=True,
    help="Also write a style beside the polygons: sld (.sld, for GeoServer), or maplibre (.style.json, for web maps of "
    "the .geojson). May be given more than once. The style for QGIS is always written.",
)
layer_options = combine(
    option_of(
        OutputSettings,
        "append",
        "--append",
        is_flag=True,
        help="Add the polygons to the layer of a .gpkg, or to a table, that may exist; those that the same scene has "
        "put there are replaced.",
    ),
    option_of(
        OutputSettings,
        "layer",
        "--layer",
        metavar="NAME",
        help="Name of the layer in a .gpkg. [default: the name of the file]",
    ),
    option_of(
        OutputSettings,
        "scene_name",
        "--scene-name",
        metavar="NAME",
        help="What --append recognizes the scene by. [default: its path]",
    ),
)
outs_option = click.option(
    "--out",
    "outs",
    type=FILE,
    multiple=True,
    required=True,
    help="File to write; its extension selects the product. Or a table in PostGIS: "
    "postgresql://user@host/database?table=schema.name. May be given more than once.",
)

engine_options = combine(
    option_of(EngineSettings, "device", "--device", help="auto, cpu, cuda, or cuda:N."),
    option_of(
        EngineSettings,
        "backend",
        "--backend",
        help="Library that computes; auto: torch on a CUDA GPU and for models without an ONNX graph, otherwise ONNX "
        "Runtime if it is installed.",
    ),
    option_of(
        EngineSettings,
        "precision",
        "--precision",
        help="Arithmetic precision of the network; auto: fp32 on a CPU, bf16 on a GPU that supports it.",
    ),
    option_of(
        EngineSettings,
        "batch_size",
        "--batch-size",
        type=click.IntRange(1),
        metavar="N",
        help="Patches per GPU step. [default: chosen by available memory]",
    ),
    option_of(
        EngineSettings,
        "threads",
        "--threads",
        type=click.IntRange(1),
        metavar="N",
        help="CPU threads. [default: all cores available to the process]",
    ),
    option_of(
        EngineSettings, "max_memory_bytes", "--max-memory", type=ByteSize(), help="Maximum memory to use, e.g. 1.5G."
    ),
)
merge_options = combine(
    option_of(
        EngineSettings,
        "merge",
        "--merge",
        help="How to merge overlapping patches: place their centers side by side, average, or blend them smoothly. "
        "[default: as the model recommends, usually blend]",
    ),
    option_of(
        EngineSettings,
        "tta",
        "--tta",
        help="Test-time augmentation: average over flips (4 times the work) or over flips and rotations (8 times).",
    ),
    option_of(
        EngineSettings,
        "refine",
        "--refine/--no-refine",
        help="Apply the refinement network. [default: as the model recommends]",
    ),
)
polygon_options = combine(
    option_of(
        PolygonSettings,
        "min_area_m2",
        "--min-area",
        type=click.FloatRange(0),
        metavar="M2",
        help="Merge smaller regions (m2) into the neighbor with which they share the longest border. [default: as the "
        "model recommends; 0 for class rasters]",
    ),
    option_of(
        PolygonSettings,
        "simplify_m",
        "--simplify",
        type=click.FloatRange(0),
        metavar="M",
        help="Simplify borders within this tolerance (m); neighbors keep sharing them. 0: pixel edges.",
    ),
    option_of(
        PolygonSettings,
        "square",
        "--square",
        is_flag=False,
        flag_value="90",
        help="Square the outlines of objects such as buildings. 45 also allows half angles; any keeps long walls at "
        "other angles.",
    ),
    option_of(
        PolygonSettings,
        "classes",
        "--classes",
        type=NameList(),
        help="Write polygons of these classes only, e.g. building,water. [default: all but the background]",
    ),
    option_of(
        PolygonSettings,
        "max_vertices",
        "--max-vertices",
        type=click.IntRange(1, MOST_VERTICES),
        metavar="N",
        help="Cut larger regions along rows into parts that share an object_id; limits memory.",
    ),
    option_of(
        PolygonSettings,
        "neck_m",
        "--neck",
        type=click.FloatRange(0, min_open=True),
        metavar="M",
        help="Separate touching objects where they are connected by less than this width (m).",
    ),
)
separate_option = option_of(
    PolygonSettings,
    "separate",
    "--separate/--no-separate",
    help="Write one polygon per object, such as a house, even where objects touch; they share walls. [default: as the "
    "model recommends]",
)
separate_classes_option = option_of(
    PolygonSettings,
    "separate",
    "--separate",
    type=ClassChoice(),
    help="Write one polygon per object of these classes, e.g. building, even where objects touch; none: no class. "
    "[default: the classes that the raster's legend marks as objects]",
)


def engine_settings(values: dict[str, Any]) -> EngineSettings:
    """Remove the engine's settings from a command's options and return them."""
    return EngineSettings(**{name: values.pop(name) for name in list(values) if name in EngineSettings.__slots__})


def polygon_settings(values: dict[str, Any]) -> PolygonSettings:
    """Remove the polygon settings from a command's options and return them."""
    return PolygonSettings(**{name: values.pop(name) for name in list(values) if name in PolygonSettings.__slots__})
