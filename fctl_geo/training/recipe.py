"""A recipe: a TOML file that defines classes, data, and method. Recipe + seed + data determine a training."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fctl_geo.errors import TrainingError
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.training.method import METHOD_KEYS, PRESETS, Method, frozen, method_of


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One set of labeled images."""

    name: str
    kind: str
    """'rasters' (images and masks on the same grid, held in memory), 'scenes' (images of any size with masks, class
    rasters, or polygons, read by window), or 'synthetic' (procedural scenes)."""
    labels: Mapping[str, tuple[str, ...]]
    """Mask value ("1", or "3C1098" for RGB masks) to the classes it allows; other values are ignored."""
    gsd_m: float = 0.0
    """Pixel size of the images in meters on the ground; 0 (scenes only): from the files."""
    weight: float = 1.0
    """Share of the samples, relative to the other sources."""
    images: tuple[str, ...] = ()
    """Paths or glob patterns below the data folder."""
    masks: str = ""
    """Path pattern of an image's mask or vector labels, with {parent}, {grandparent}, {stem}, and {base} (the stem
    without "_sat") of the image."""
    window: tuple[int, int, int, int] | None = None
    """Row, column, height, width of the part to use."""
    field: str = ""
    """Scenes with polygons: the column that contains the class."""
    background: str = ""
    """Scenes with polygons: the class of everything outside them; empty: unlabeled."""
    aoi: str = ""
    """Scenes: polygons of the labeled area; empty: the whole image."""
    hold_out: float = 0.0
    """Scenes: share that is held out for validation: whole images, or windows if there are few images."""
    outlines: str = ""
    """Path pattern of the polygons (with a column `building`) that the masks were rasterized from: pixels where two of
    them meet get the label of value 0, so that touching objects stay separate."""
    rough_m: float = 0.0
    """Contours of the labels may be off by this many meters; pixels closer to one are ignored."""
    nodata_white: bool = False
    """Pure white is a hole in the mosaic, not imagery."""
    mosaic: int = 0
    """The images of a folder are the parts of an N x N grid, row by row: join them."""
    scenes: int = 0
    """Synthetic: number of scenes."""
    size_px: int = 0
    """Synthetic: side of a scene."""
    seed: int = 0
    styles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Classes, data, and method of a training."""

    name: str
    version: str
    title: str
    legend: Legend
    gsd_m: float
    licence: str
    attribution: tuple[str, ...]
    sources: tuple[SourceSpec, ...]
    validation: tuple[SourceSpec, ...]
    method: Method = Method()  # noqa: RUF009 - frozen
    notes: tuple[str, ...] = ()
    """Further sentences on the training, for the model card."""
    fails: tuple[str, ...] = ()
    """Known weaknesses, for the model card."""
    gsd_why: str = "as the recipe says"
    """Why gsd_m was chosen, for the plan."""
    gsd_tolerance: float = 1.15
    """Scenes whose pixel size is within this factor of gsd_m are not resampled."""
    gsd_known: bool = True
    """False: the pixel size of the images is unknown, and the model takes scenes at their own."""
    bands: tuple[str, ...] = ("red", "green", "blue")
    min_area_m2: float = 0.0
    """Smaller regions are merged into a neighbor by default."""
    hole: str = ""
    """Class of the unmarked white or black holes that are cut into samples; empty: ignored by the loss."""


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises:
        TrainingError: no such file, not TOML, or an unknown key.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        shipped = ", ".join([*_shipped(), *PRESETS])
        raise TrainingError(
            f"the recipe {path} does not exist", hint=f"use a .toml file, or one of the included recipes: {shipped}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not a valid recipe: {error}", hint="see docs/training.md") from None
    classes = [
        ClassInfo(i, c["name"], (c["color"][0], c["color"][1], c["color"][2]), bool(c.get("background", False)))
        for i, c in enumerate(raw.pop("classes", []))
    ]
    sources = tuple(_source(s, path) for s in raw.pop("sources", []))
    validation = tuple(_source(s, path) for s in raw.pop("validation", []))
    method = method_of({k: raw.pop(k) for k in list(raw) if k in METHOD_KEYS}, path.name)
    try:
        return Recipe(
            legend=Legend(tuple(classes)),
            sources=sources,
            validation=validation,
            method=method,
            **{k: frozen(v) for k, v in raw.items()},
        )
    except TypeError as error:
        raise TrainingError(f"{path}: {error}", hint="see docs/training.md for the keys of a recipe") from None


def find_recipe(name_or_path: str) -> Path:
    """The file of an included recipe, or the path itself."""
    shipped = Path(__file__).parent / "recipes" / f"{name_or_path}.toml"
    return shipped if shipped.exists() else Path(name_or_path)


def _shipped() -> list[str]:
    return sorted(p.stem for p in (Path(__file__).parent / "recipes").glob("*.toml") if p.stem not in PRESETS)


def _source(raw: dict[str, Any], path: Path) -> SourceSpec:
    labels = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in raw.pop("labels", {}).items()}
    try:
        return SourceSpec(labels=labels, **{k: frozen(v) for k, v in raw.items()})
    except TypeError as error:
        raise TrainingError(f"{path}, source {raw.get('name', '?')!r}: {error}", hint="see docs/training.md") from None
