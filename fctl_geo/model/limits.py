"""Limits for model files: an untrusted header must neither exhaust the memory nor introduce invalid values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fctl_geo.model.info import ModelInfo

MOST_PATCH_PX = 4096
MOST_CONTEXT = 64
MOST_BANDS = 64
MOST_LAYERS_OR_CHANNELS = 8192
"""For any single number in a network's settings; whether the whole fits is decided by the tensors in the file."""
_MOST_ITEMS = 256


def check_limits(info: ModelInfo) -> None:
    """Refuse values that no model has.

    Raises:
        ValueError, TypeError: with a message for `ModelFileError`.
    """
    _texts("text", [info.name, info.version, info.architecture, info.licence, info.title])
    _texts("attribution", info.attribution)
    _texts("training_data", info.training_data)
    _texts("class", [c.name for c in info.legend])
    _texts("bands", info.input.bands)
    if not 1 <= len(info.input.bands) <= MOST_BANDS:
        raise ValueError(f"{len(info.input.bands)} bands")
    _one_of("layout", info.layout, ("strided", "fitted"))
    _one_of("merge", info.merge, ("montage", "average", "blend"))
    _one_of("refine", info.refine, (True, False))
    _whole("patch_px", info.patch_px, 8, MOST_PATCH_PX)
    _whole("overlap_px", info.overlap_px, 0, info.patch_px - 1)
    for context in info.contexts:
        if context != "global":
            _finite("context", context, 0.1, MOST_CONTEXT)
    _finite("min_area_m2", info.min_area_m2, 0, 1e12)
    _finite("gsd_tolerance", info.input.gsd_tolerance, 1, 1e6)
    if info.input.gsd_m is not None:
        _finite("gsd_m", info.input.gsd_m, 1e-4, 1e5)
    low, high = info.input.scaling.percentiles
    _finite("percentile", low, 0, 100)
    _finite("percentile", high, low, 100)
    for scores in info.metrics.values():
        _texts("metrics", scores)
        for score in scores.values():
            _finite("metric", score, -1e12, 1e12)
    _check_network(info.network)
    _check_network(info.refinement or {})


def _check_network(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if not isinstance(item, int | float | str) and item is not None:
                raise TypeError(f"{name} holds {type(item).__name__}")
            if isinstance(item, int | float):
                _finite(name, item, -MOST_LAYERS_OR_CHANNELS, MOST_LAYERS_OR_CHANNELS)
        if isinstance(value, list | tuple) and len(value) > _MOST_ITEMS:
            raise ValueError(f"{name} has {len(value)} items")


def _texts(name: str, values: Iterable[object]) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{name} holds {type(value).__name__}, not text")


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}")


def _whole(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}, but must be {least} to {most}")


def _finite(name: str, value: object, least: float, most: float) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}, but must be {least:g} to {most:g}")
