"""A recipe: a TOML file that says what is learned from what. The whole of a training is recipe + seed + data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fctl_geo.errors import TrainingError
from fctl_geo.spec import ClassInfo, Legend


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One set of labelled images."""

    name: str
    kind: str
    """'rasters' (images and masks on the same grid) or 'synthetic' (procedural scenes)."""
    gsd_m: float
    """Ground metres a pixel of the images."""
    labels: dict[str, tuple[str, ...]]
    """Mask value ("1", or "3C1098" for RGB masks) to the classes it allows; values not named are ignored."""
    weight: float = 1.0
    """Share of the samples, relative to the other sources."""
    images: tuple[str, ...] = ()
    """Paths or glob patterns below the data folder."""
    masks: str = ""
    """Path pattern of an image's mask: {parent}, {grandparent} and {stem} of the image are filled in."""
    window: tuple[int, int, int, int] | None = None
    """Row, column, height, width of the part to use."""
    nodata_white: bool = False
    """Plain white is a hole of the mosaic, not imagery."""
    mosaic: int = 0
    """The images of a folder are the parts of an N x N grid, row by row: join them."""
    scenes: int = 0
    """Synthetic: how many scenes."""
    size_px: int = 0
    """Synthetic: side of a scene."""
    seed: int = 0
    styles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is learned from what, and how."""

    name: str
    version: str
    title: str
    legend: Legend
    gsd_m: float
    zoom: tuple[float, float]
    """Samples are taken at gsd_m times a factor in this range (log-uniform)."""
    licence: str
    attribution: tuple[str, ...]
    sources: tuple[SourceSpec, ...]
    validation: tuple[SourceSpec, ...]
    notes: tuple[str, ...] = ()
    """What else its card should say of the training."""
    fails: tuple[str, ...] = ()
    """Where the model is known to fail, for its card."""
    gsd_tolerance: float = 1.15
    """Scenes within this factor of gsd_m are read on their own grid."""
    patch_px: int = 640
    """Of the model in use; samples to learn from may be smaller."""
    overlap_px: int = 64
    sample_px: int = 256
    batch: int = 8
    steps: int = 2600
    learning_rate: float = 2e-3
    weight_decay: float = 0.03
    hole: str = ""
    """Class of unmarked white or black holes that are cut into samples; empty: ignored by the loss."""
    network: dict[str, Any] = field(default_factory=dict)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises:
        TrainingError: not there, no TOML, or a key that no part knows.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise TrainingError(f"there is no recipe {path}", hint="give a .toml recipe or a shipped one's name") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is no recipe: {error}", hint="see docs/training.md") from None
    classes = [
        ClassInfo(i, c["name"], (c["color"][0], c["color"][1], c["color"][2]), bool(c.get("background", False)))
        for i, c in enumerate(raw.pop("classes", []))
    ]
    sources = tuple(_source(s, path) for s in raw.pop("sources", []))
    validation = tuple(_source(s, path) for s in raw.pop("validation", []))
    try:
        return Recipe(
            legend=Legend(tuple(classes)),
            sources=sources,
            validation=validation,
            **{k: _frozen(v) for k, v in raw.items()},
        )
    except TypeError as error:
        raise TrainingError(f"{path}: {error}", hint="see docs/training.md for the keys of a recipe") from None


def find_recipe(name_or_path: str) -> Path:
    """The file of a shipped recipe's name, or the path itself."""
    shipped = Path(__file__).parent / "recipes" / f"{name_or_path}.toml"
    return shipped if shipped.exists() else Path(name_or_path)


def _source(raw: dict[str, Any], path: Path) -> SourceSpec:
    labels = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in raw.pop("labels", {}).items()}
    try:
        return SourceSpec(labels=labels, **{k: _frozen(v) for k, v in raw.items()})
    except TypeError as error:
        raise TrainingError(f"{path}, source {raw.get('name', '?')!r}: {error}", hint="see docs/training.md") from None


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
