"""Small regions change as the raster streams by: rows wait only as long as a small region near them may still grow.

Which regions change, and to what, is a rule: `sieve` and `holes` have one each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.strip import Strip, stack_strips

ROWS_AT_ONCE = 256
"""Rows gathered before they are processed."""


class Runs(NamedTuple):
    """Some rows as runs of one value, see `regions.label_runs`."""

    first_run: npt.NDArray[np.int64]
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    value: npt.NDArray[np.int64]
    region: npt.NDArray[np.int64]


class Borders(NamedTuple):
    """The borders of the regions that may change, see `regions.list_borders`."""

    offset: npt.NDArray[np.int64]
    neighbor: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]


class Rule(Protocol):
    """Which regions change, and to what."""

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        """(256,) whether regions of a class count."""

    def classes(self, strip: Strip) -> npt.NDArray[np.uint8]:
        """The classes whose regions count."""

    def first_states(self, strip: Strip, runs: Runs, *, at_top: bool, ended: bool) -> npt.NDArray[np.uint8]:
        """(R,) the state of each region before any is settled, at its first run (see `regions`).

        Args:
            strip: the rows.
            runs: the same.
            at_top: whether their first row is the raster's first.
            ended: whether their last row is the raster's last.
        """

    def settle(self, state: npt.NDArray[np.uint8], value: npt.NDArray[np.int64], borders: Borders) -> None:
        """Change state and value of the regions that are pending, in place: settled, left, or open."""

    def painted(self, strip: Strip, runs: Runs) -> Strip:
        """The rows with the values of their regions; `runs` may have more rows."""


def settle_strips(strips: Iterator[Strip], rule: Rule) -> Iterator[Strip]:
    """Yield the raster with the regions changed as the rule says, in strips of other heights.

    Law: the heights of the strips do not change a pixel.
    """
    waiting: list[Strip] = []
    top: _TopRow | None = None
    held = rows = 0
    for strip in strips:
        waiting.append(strip)
        rows += strip.height
        if rows >= held + max(ROWS_AT_ONCE, held):  # so repeated work on held rows at most doubles the cost
            ready, kept, top = _process(stack_strips(waiting), top, rule, ended=False)
            waiting, held, rows = [kept], kept.height, kept.height
            if ready.height:
                yield ready
    if waiting:
        ready, _, _ = _process(stack_strips(waiting), top, rule, ended=True)
        yield ready


@dataclass(frozen=True, slots=True)
class _TopRow:
    """What is known about the first row that is held: the rows above it are gone."""

    state: npt.NDArray[np.uint8]
    """(runs,) state of each run's region, see `regions`."""
    value: npt.NDArray[np.int64]
    """(runs,) the value (object << 8 | class) that it takes."""


def _process(strip: Strip, top: _TopRow | None, rule: Rule, *, ended: bool) -> tuple[Strip, Strip, _TopRow | None]:
    """Settle what can be settled; returns rows that are ready, rows (as they came) that wait, and what is known."""
    from fctl_geo.polygons import regions  # load numba only when it is needed

    objects = np.empty((strip.height, 0), np.int32) if strip.objects is None else strip.objects
    runs = Runs(*regions.label_runs(rule.classes(strip), objects, rule.listed))
    first_run, region, value = runs.first_run, runs.region, runs.value
    state = rule.first_states(strip, runs, at_top=top is None, ended=ended)
    if top is not None:
        in_top = slice(0, first_run[1])
        state[region[in_top]], value[region[in_top]] = top.state, top.value
    rule.settle(state, value, Borders(*regions.list_borders(first_run, runs.begin, runs.end, region, state)))
    first_open = regions.first_open_row(first_run, region, state)
    # the row above an open region is held with it, because it is needed to measure the region's border
    cut = strip.height if ended else max(first_open - 1, 0)
    if first_open > 0:
        in_row = slice(*first_run[min(cut, strip.height - 1) :][:2])
        top = _TopRow(state[region[in_row]], value[region[in_row]])
    return rule.painted(strip.rows(slice(0, cut)), runs), strip.rows(slice(cut, None)), top


def region_areas(strip: Strip, runs: Runs) -> npt.NDArray[np.float64]:
    """(R,) the area of each region at its first run, in m2, or in pixels if the strip has no areas."""
    from fctl_geo.polygons import regions

    area = np.ones((strip.height, 1)) if strip.area is None else strip.area
    total: npt.NDArray[np.float64] = regions.sum_areas(area, runs.first_run, runs.begin, runs.end, runs.region)
    return total
