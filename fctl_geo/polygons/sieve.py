"""Remove speckle from the class raster as it streams by: small regions take the class of their neighbors.

The exact rules:

- Regions are 4-connected pixels of one class in the input raster. A region is small if its area is less than
  `min_area`. Nodata (255) never changes, and no pixel becomes nodata.
- Round 1: every small region that touches large ones takes the class with which it shares the longest border
  (in pixel edges, all large neighbors of a class counted together; ties go to the smaller class number).
- Rounds 2 to 8: the same for the small regions that remain, which now also count the neighbors settled in earlier
  rounds, with their new classes. A patch of speckle is thus filled from its edge inward.
- Regions that remain after 8 rounds, or touch nothing but nodata and other remaining regions, keep their class.

Borders are summed by class, not by neighbor, because whether two pieces of a class are one region may be decided far
away. The number of rounds is limited, so that a decision never depends on more than eight small regions in a row. Both
keep the memory bounded: rows wait only as long as a small region near them may still grow.

Small objects are joined to others by the same rules (`join_small_objects`), with these differences: regions are
4-connected pixels of one object; neighbors of another class do not count; ties go to the smaller number; and regions
that remain lose their number, so that those of a class that touch are one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.settling import Borders, Runs, region_areas, settle_strips
from fctl_geo.polygons.strip import CLASS_BITS, Strip, check_strips
from fctl_geo.progress import Progress, Silent
from fctl_geo.spec import NODATA

ROUNDS = 8
"""Small regions in a row, counted from the nearest large one, that can be settled."""


def sieve_strips(
    strips: Iterable[Strip],
    *,
    width: int,
    min_area: float,
    progress: Progress = Silent(),  # noqa: B008
) -> Iterator[Strip]:
    """Yield the raster without regions smaller than `min_area`; confidence and area pass through.

    Args:
        strips: the raster from top to bottom, in strips of any height.
        width: columns of the raster.
        min_area: in the unit of the strips' area tables (m2), or in pixels if they have none.
        progress: receives a warning if every region is smaller than that, so that there is none to merge into.
    Yields:
        Strips, whose heights may differ from those of the input.
    Raises:
        SettingsError: strips that do not match `width` or each other; a negative area.
    Law: the heights of the strips do not change a pixel.
    """
    if not min_area >= 0:
        raise SettingsError(f"the smallest area is {min_area}", hint="give an area of 0 or more")
    checked = check_strips(strips, width)
    if min_area == 0:
        return checked
    return _sieve(checked, _Rule(min_area, range(NODATA), objects=False), progress)


def join_small_objects(
    strips: Iterable[Strip], *, width: int, classes: frozenset[int], min_area: float
) -> Iterator[Strip]:
    """Yield the raster with every object smaller than `min_area` joined to another one of its class that it touches.

    Args:
        strips: the raster from top to bottom, in strips of any height, with objects, which are changed in place.
        width: columns of the raster.
        classes: those with objects.
        min_area: in the unit of the strips' area tables (m2), or in pixels if they have none.
    Law: classes do not change; the heights of the strips do not change a pixel.
    """
    return _sieve(check_strips(strips, width), _Rule(min_area, classes, objects=True), Silent())


@dataclass(slots=True)
class _Largest:
    """The area of the largest region so far, counting only the part of it that has been seen."""

    area: float = 0.0
    unit: str = ""

    def note(self, areas: npt.NDArray[np.float64], strip: Strip) -> None:
        """Take note of the areas of the regions in these rows; the pass that settles a region sees all of it."""
        self.unit = "px" if strip.area is None else "m2"
        self.area = max(self.area, float(np.fmax.reduce(areas, initial=0.0)))

    def warn(self, min_area: float, progress: Progress) -> None:
        if 0 < self.area < min_area:
            progress.warn(
                f"no region is as large as --min-area {_number(min_area)} {self.unit}; the largest has "
                f"{_number(self.area)} {self.unit}: there is nothing to merge small regions into, so all of them stay"
            )


@dataclass(frozen=True, slots=True)
class _Rule:
    """Regions that are small, and take the value of their neighbors."""

    min_area: float
    """Smaller ones do."""
    changing_classes: Iterable[int]
    """Of these classes."""
    objects: bool
    """Whether regions are objects, which are joined to others of their class."""
    largest: _Largest = field(default_factory=_Largest)

    @property
    def changing(self) -> npt.NDArray[np.bool_]:
        """(256,) whether regions of a class may change."""
        return np.isin(np.arange(256), list(self.changing_classes))

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """(256,) whether regions of a class count: others give no object away."""
        return self.changing if self.objects else np.ones(256, np.bool_)

    def classes(self, strip: Strip) -> npt.NDArray[np.uint8]:
        return strip.classes

    def first_states(self, strip: Strip, runs: Runs, *, at_top: bool, ended: bool) -> npt.NDArray[np.uint8]:
        from fctl_geo.polygons import regions

        total = region_areas(strip, runs)
        self.largest.note(total[(runs.value & CLASS_BITS) != NODATA], strip)
        state: npt.NDArray[np.uint8] = regions.first_states(
            total, runs.value, runs.region, runs.first_run, self.min_area, ended, self.changing
        )
        return state

    def settle(self, state: npt.NDArray[np.uint8], value: npt.NDArray[np.int64], borders: Borders) -> None:
        from fctl_geo.polygons import regions

        regions.settle(state, value, *borders, ROUNDS, self.objects)

    def painted(self, strip: Strip, runs: Runs) -> Strip:
        from fctl_geo.polygons import regions

        if strip.objects is None:
            strip = replace(strip, classes=strip.classes.copy())
            regions.paint(strip.classes, 0, *runs)
        else:
            regions.paint(strip.objects, 8, *runs)
        return strip


def _sieve(strips: Iterator[Strip], rule: _Rule, progress: Progress) -> Iterator[Strip]:
    yield from settle_strips(strips, rule)
    rule.largest.warn(rule.min_area, progress)


def _number(area: float) -> str:
    return f"{area:,.1f}" if area >= 100 else f"{area:.3g}"
