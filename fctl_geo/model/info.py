"""The metadata of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fctl_geo.spec import Context, InputSpec, Layout, Legend, Merge


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model file says about its model."""

    name: str
    version: str
    architecture: str
    """One of `architectures.ARCHITECTURES`."""
    legend: Legend
    input: InputSpec
    patch_px: int
    overlap_px: int
    contexts: tuple[Context, ...]
    """Context sizes in patches (1: the patch itself), or 'global': the whole scene."""
    refine: bool
    """Whether to refine by default, as the validation places suggest. Also False if there is no refinement network."""
    licence: str
    attribution: tuple[str, ...]
    training_data: tuple[str, ...]
    title: str = ""
    min_area_m2: float = 0.0
    """Smaller regions are merged into a neighbor by default."""
    layout: Layout = "strided"
    """How patches lie on a scene; `overlap_px` is the least overlap where they are fitted."""
    merge: Merge = "blend"
    """How overlapping patches are merged by default."""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Validation set -> class -> IoU."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """The segmentation network's own settings."""
    refinement: Mapping[str, Any] | None = None
    """The refinement network's settings; None: the file has none."""
