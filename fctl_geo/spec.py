"""What a model asks of a scene (`InputSpec`) and what its numbers mean (`Legend`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fctl_geo.errors import SettingsError

NODATA = 255
"""Class id of pixels without a class, in every class raster."""

LONG_LEGEND = 40
"""Of a legend with more classes (a raster without names lists all it might have) only those found count."""

Context = int | float | Literal["global"]
"""Size of a context in patches (1: the patch itself), or the whole scene."""

Layout = Literal["strided", "fitted"]
"""strided: patches at a fixed stride, the outer ones stick out of the scene. fitted: evenly spaced within the scene, as
the released evaluator places them."""
Merge = Literal["montage", "average", "blend"]
"""How overlapping patches become one: cores side by side, their mean, or a smooth blend."""


def widest(contexts: tuple[Context, ...]) -> float:
    """Size of the widest context in patches, the whole scene not counted; 1 without any."""
    return max((float(c) for c in contexts if c != "global"), default=1.0)


def context_words(contexts: tuple[Context, ...]) -> str:
    """For people. Example: 'x1, x1.5, the whole scene'."""
    return ", ".join("the whole scene" if isinstance(c, str) else f"x{c:g}" for c in contexts) or "none"


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

    def __post_init__(self) -> None:
        if not 0 <= self.id < NODATA:
            raise SettingsError(f"class {self.name!r} has id {self.id}, allowed are 0..254")
        if len(self.color) != 3 or not all(0 <= c <= 255 for c in self.color):
            raise SettingsError(f"class {self.name!r} has colour {self.color}, wanted three of 0..255")

    @property
    def hex(self) -> str:
        """The colour as '#rrggbb'."""
        return "#{:02x}{:02x}{:02x}".format(*self.color)


@dataclass(frozen=True, slots=True)
class Legend:
    """The classes of a class raster, ascending by id, each id once."""

    classes: tuple[ClassInfo, ...]

    def __post_init__(self) -> None:
        ids = [c.id for c in self.classes]
        if ids != sorted(set(ids)):
            raise SettingsError(f"class ids must ascend and be unique, got {ids}")

    def __iter__(self) -> Iterator[ClassInfo]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def name_of(self, class_id: int) -> str:
        """The class's name, or 'class 7' where the legend has none."""
        return next((c.name for c in self.classes if c.id == class_id), f"class {class_id}")

    def ids_of(self, names: Iterable[str]) -> frozenset[int]:
        """Ids of classes.

        Raises:
            SettingsError: a name that the legend does not have.
        """
        ids = {c.name: c.id for c in self.classes}
        unknown = [name for name in names if name not in ids]
        if unknown:
            raise SettingsError(f"there is no class {unknown[0]!r}", hint="there are: " + ", ".join(ids))
        return frozenset(ids[name] for name in names)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How raw pixel values become the 8-bit values that the network was trained on.

    8-bit values are used as they are; other types are stretched to 0..255, once per scene, never per patch.
    """

    percentiles: tuple[float, float] = (2.0, 98.0)
    """Of the whole scene's values: what becomes 0 and 255."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the model asks of a scene."""

    bands: tuple[str, ...] = ("red", "green", "blue")
    """In the network's order; of red, green, blue, nir, gray or free names."""
    gsd_m: float | None = None
    """Ground metres a pixel the model was trained at; None: any."""
    gsd_tolerance: float = 1.25
    """A scene within this factor of gsd_m is read on its own grid, without resampling."""
    scaling: Scaling = Scaling()
