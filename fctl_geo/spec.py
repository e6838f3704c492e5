"""What a model requires of a scene (`InputSpec`) and what its class ids mean (`Legend`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fctl_geo.errors import SettingsError

NODATA = 255
"""Class id of pixels without a class, in every class raster."""

LONG_LEGEND = 40
"""In a legend with more classes (a raster without names lists every class it might have), only those found count."""

Context = int | float | Literal["global"]
"""Size of a context in patches (1: the patch itself), or 'global' for the whole scene."""

Layout = Literal["strided", "fitted"]
"""strided: patches at a fixed stride; the outer ones extend beyond the scene. fitted: evenly spaced within the scene,
as in the released evaluator."""
Merge = Literal["montage", "average", "blend"]
"""How overlapping patches are merged: their cores side by side, their mean, or a smooth blend."""


def widest(contexts: tuple[Context, ...]) -> float:
    """Size of the widest context in patches, not counting the whole scene; 1 if there are none."""
    return max((float(c) for c in contexts if c != "global"), default=1.0)


def context_words(contexts: tuple[Context, ...]) -> str:
    """Human-readable contexts. Example: 'x1, x1.5, the whole scene'."""
    return ", ".join("the whole scene" if isinstance(c, str) else f"x{c:g}" for c in contexts) or "none"


def distinct_color(class_id: int) -> tuple[int, int, int]:
    """A color for a class without one: hues a golden angle apart, so that consecutive class ids differ clearly."""
    import colorsys

    hue = (0.08 + class_id * 0.6180339887) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.55 if class_id % 2 else 0.75, 0.9 if class_id % 3 else 0.7)
    return round(red * 255), round(green * 255), round(blue * 255)


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class of a legend."""

    id: int
    """0..254, the value in the class raster."""
    name: str
    color: tuple[int, int, int]
    """Red, green, blue, 0..255."""
    background: bool = False
    """True for a class that gets no polygons ("everything else")."""
    objects: bool = False
    """True for a class of objects (houses): those that touch get a polygon each."""

    def __post_init__(self) -> None:
        if not 0 <= self.id < NODATA:
            raise SettingsError(f"class {self.name!r} has id {self.id}, but ids range from 0 to 254")
        if len(self.color) != 3 or not all(0 <= c <= 255 for c in self.color):
            raise SettingsError(f"class {self.name!r} has color {self.color}, expected three values from 0 to 255")

    @property
    def hex(self) -> str:
        """The color as '#rrggbb'."""
        return "#{:02x}{:02x}{:02x}".format(*self.color)


@dataclass(frozen=True, slots=True)
class Legend:
    """The classes of a class raster, in ascending order of unique ids."""

    classes: tuple[ClassInfo, ...]

    def __post_init__(self) -> None:
        ids = [c.id for c in self.classes]
        if ids != sorted(set(ids)):
            raise SettingsError(f"class ids must be unique and in ascending order, got {ids}")

    def __iter__(self) -> Iterator[ClassInfo]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def name_of(self, class_id: int) -> str:
        """The name of a class, or e.g. 'class 7' if it is not in the legend."""
        return next((c.name for c in self.classes if c.id == class_id), f"class {class_id}")

    def ids_of(self, names: Iterable[str]) -> frozenset[int]:
        """The ids of classes by name.

        Raises:
            SettingsError: the legend has no class of that name.
        """
        ids = {c.name: c.id for c in self.classes}
        unknown = [name for name in names if name not in ids]
        if unknown:
            raise SettingsError(f"there is no class {unknown[0]!r}", hint="available classes: " + ", ".join(ids))
        return frozenset(ids[name] for name in names)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How raw pixel values become the 8-bit values that the network was trained on.

    8-bit values are used unchanged; other types are stretched to 0..255, once per scene, never per patch.
    """

    percentiles: tuple[float, float] = (2.0, 98.0)
    """Percentiles of the whole scene's values that become 0 and 255."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the model requires of a scene."""

    bands: tuple[str, ...] = ("red", "green", "blue")
    """In the network's order: red, green, blue, nir, gray or custom names."""
    gsd_m: float | None = None
    """Ground meters per pixel that the model was trained at; None: any."""
    gsd_tolerance: float = 1.25
    """Scenes within this factor of gsd_m are read on their own grid, without resampling."""
    scaling: Scaling = Scaling()
