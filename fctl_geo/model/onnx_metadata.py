"""Settings of plain ONNX networks: the metadata that Deepness (a QGIS plugin) reads, and a TOML file beside the model.

Deepness: https://qgis-plugin-deepness.readthedocs.io/en/latest/creators/creators_add_metadata_to_model.html
"""

from __future__ import annotations

import ast
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from fctl_geo.settings import fits

BANDS = {1: ("gray",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "nir")}
"""Bands by their number, where they are not named."""
MOST_TOML_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PlainSettings:
    """What may be said about a plain network; each field is a key of the TOML file."""

    name: str = ""
    version: str = "1"
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the network's output."""
    colors: tuple[tuple[int, int, int], ...] = ()
    objects: tuple[str, ...] = ()
    """Classes of objects (houses): those that touch get a polygon each."""
    bands: tuple[str, ...] = ()
    """In the network's order: red, green, blue, nir, gray or custom names."""
    gsd_m: float | None = None
    """Ground meters per pixel; None: scenes are read at their own pixel size."""
    patch_px: int | None = None
    """Side of a patch, if the network takes any size."""
    overlap: float = 0.25
    """Least overlap of neighboring patches, as a share of a patch."""
    scale: float = 1.0
    """Pixels are given as 0..1, multiplied by this: 255 for a network that expects 0..255."""
    mean: tuple[float, ...] = ()
    """Subtracted from the scaled pixels, by band."""
    std: tuple[float, ...] = ()
    """The difference is divided by this, by band."""
    output: str = ""
    """logits, probabilities, or classes; empty: by the last operator of the graph."""
    threshold: float = 0.5
    """Least probability of the class, if the network has a single plane."""
    license: str = "unknown"
    attribution: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.output not in ("", "logits", "probabilities", "classes"):
            raise ValueError(f"output is {self.output!r}; allowed: logits, probabilities, classes")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}, but must be between 0 and 1")
        if not 0 <= self.overlap <= 0.75:
            raise ValueError(f"overlap is {self.overlap}, but must be between 0 and 0.75 of a patch")
        for name, values in (("scale", (self.scale,)), ("mean", self.mean), ("std", self.std)):
            if not all(map(math.isfinite, values)) or (name != "mean" and 0 in values):
                raise ValueError(f"{name} is {values}, but must be finite and not 0")


def settings_of(metadata: Mapping[str, str], toml: Path | None) -> PlainSettings:
    """The settings of a plain network.

    Raises:
        ValueError: with a message for `ModelFileError`.
    """
    found = _deepness(metadata)
    return replace(found, **_toml(toml)) if toml else found


def _deepness(metadata: Mapping[str, str]) -> PlainSettings:
    """Values are JSON, or, in older files, Python literals."""
    kind = _value(metadata, "model_type", "Segmentor")
    if str(kind).lower() not in ("segmentor", "segmentation"):
        raise ValueError(f"its metadata says that it is a {kind}, not a segmentation network (Segmentor)")
    given: dict[str, Any] = {}
    names = _value(metadata, "class_names", _value(metadata, "names", None))
    if names is not None:
        given["classes"] = _names(names)
    if (cm := _value(metadata, "resolution", None)) is not None:
        given["gsd_m"] = _number("resolution", cm) / 100
    if (px := _value(metadata, "tiles_size", _value(metadata, "tile_size", None))) is not None:
        given["patch_px"] = int(_number("tiles_size", px))
    if (percent := _value(metadata, "tiles_overlap", None)) is not None:
        given["overlap"] = _number("tiles_overlap", percent) / 100
    if (threshold := _value(metadata, "seg_thresh", None)) is not None:
        given["threshold"] = _number("seg_thresh", threshold)
    for key, name in (("standardization_mean", "mean"), ("standardization_std", "std")):
        if (values := _value(metadata, key, None)) is not None:
            given[name] = tuple(_number(key, value) for value in (values if isinstance(values, list) else [values]))
    return PlainSettings(**given)


def _value(metadata: Mapping[str, str], key: str, default: Any) -> Any:
    if key not in metadata:
        return default
    text = metadata[key]
    try:
        return json.loads(text)
    except ValueError:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text


def _names(names: Any) -> tuple[str, ...]:
    """A list, or a mapping from consecutive numbers."""
    if isinstance(names, dict):
        try:
            pairs = sorted((int(number), str(name)) for number, name in names.items())
        except (TypeError, ValueError):
            raise ValueError(f"class_names are {names!r:.80}, expected names by number") from None
        if [number for number, _ in pairs] != list(range(len(pairs))):
            raise ValueError(f"class_names have the numbers {[n for n, _ in pairs][:10]}, expected 0, 1, 2, ...")
        return tuple(name for _, name in pairs)
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise ValueError(f"class_names are {names!r:.80}, expected names by number")


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key} is {value!r:.40}, expected a number")
    return float(value)


def _toml(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_TOML_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes, at most {MOST_TOML_BYTES:,} are read")
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name} is not a TOML file ({error})") from None
    hints = get_type_hints(PlainSettings)
    values = {key: _frozen(value) for key, value in raw.items()}
    for key, value in values.items():
        if key not in hints:
            known = ", ".join(field.name for field in fields(PlainSettings))
            raise ValueError(f"{path.name} has the unknown key {key!r}; known: {known}")
        if not fits(value, hints[key]):
            raise ValueError(f"{key} in {path.name} is {value!r:.80}, expected {hints[key]}")
    return values


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
