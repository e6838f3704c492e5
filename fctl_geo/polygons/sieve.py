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
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.strip import CLASS_BITS, Strip, check_strips, stack_strips
from fctl_geo.progress import Progress, Silent
from fctl_geo.spec import NODATA

ROUNDS = 8
"""Small regions in a row, counted from the nearest large one, that can be settled."""
ROWS_AT_ONCE = 256
"""Rows gathered before the sieve processes them."""


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


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which regions may change."""

    min_area: float
    """Smaller ones do."""
    classes: Iterable[int]
    """Of these classes."""
    objects: bool
    """Whether regions are objects, which are joined to others of their class."""

    @property
    def changing(self) -> npt.NDArray[np.bool_]:
        """(256,) whether regions of a class may change."""
        return np.isin(np.arange(256), list(self.classes))

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """(256,) whether regions of a class count: others give no object away."""
        return self.changing if self.objects else np.ones(256, np.bool_)


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


def _sieve(strips: Iterator[Strip], rule: _Rule, progress: Progress) -> Iterator[Strip]:
    waiting: list[Strip] = []
    largest = _Largest()
    top: _TopRow | None = None
    held = rows = 0
    for strip in strips:
        waiting.append(strip)
        rows += strip.height
        if rows >= held + max(ROWS_AT_ONCE, held):  # so repeated work on held rows at most doubles the cost
            ready, kept, top = _process(stack_strips(waiting), top, rule, largest, ended=False)
            waiting, held, rows = [kept], kept.height, kept.height
            if ready.height:
                yield ready
    if waiting:
        ready, _, _ = _process(stack_strips(waiting), top, rule, largest, ended=True)
        yield ready
    largest.warn(rule.min_area, progress)


@dataclass(frozen=True, slots=True)
class _TopRow:
    """What is known about the first row that is held: the rows above it are gone."""

    state: npt.NDArray[np.uint8]
    """(runs,) state of each run's region, see `regions`."""
    value: npt.NDArray[np.int64]
    """(runs,) the value (object << 8 | class) that it takes."""


def _process(
    strip: Strip, top: _TopRow | None, rule: _Rule, largest: _Largest, *, ended: bool
) -> tuple[Strip, Strip, _TopRow | None]:
    """Settle what can be settled; returns rows that are ready, rows (as they came) that wait, and what is known."""
    from fctl_geo.polygons import regions  # numba is loaded by those who sieve

    area = np.ones((strip.height, 1)) if strip.area is None else strip.area
    objects = np.empty((strip.height, 0), np.int32) if strip.objects is None else strip.objects
    first_run, begin, end, value, region = regions.label_runs(strip.classes, objects, rule.listed)
    total = regions.sum_areas(area, first_run, begin, end, region)
    largest.note(total[(value & CLASS_BITS) != NODATA], strip)
    state = regions.first_states(total, value, region, first_run, rule.min_area, ended, rule.changing)
    if top is not None:
        in_top = slice(0, first_run[1])
        state[region[in_top]], value[region[in_top]] = top.state, top.value
    offset, neighbor, length = regions.list_borders(first_run, begin, end, region, state)
    regions.settle(state, value, offset, neighbor, length, ROUNDS, rule.objects)
    first_open = regions.first_open_row(first_run, region, state)
    # the row above an open region is held with it, because it is needed to measure the region's border
    cut = strip.height if ended else max(first_open - 1, 0)
    if first_open > 0:
        in_row = slice(*first_run[min(cut, strip.height - 1) :][:2])
        top = _TopRow(state[region[in_row]], value[region[in_row]])
    ready = strip.rows(slice(0, cut))
    if ready.objects is not None:
        regions.paint(ready.objects, 8, first_run, begin, end, region, value)
    else:
        ready = replace(ready, classes=ready.classes.copy())
        regions.paint(ready.classes, 0, first_run, begin, end, region, value)
    return ready, strip.rows(slice(cut, None)), top


def _number(area: float) -> str:
    return f"{area:,.1f}" if area >= 100 else f"{area:.3g}"
