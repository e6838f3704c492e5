"""Fill small holes in what gets polygons, as the class raster streams by.

The exact rules:

- A hole is a region of 4-connected pixels that get no polygon: those of all such classes together, but not nodata.
- It is filled if its area is less than `max_area`, all pixels that border on it (by an edge) are of one class that gets
  polygons, and none of its pixels lies at the raster's edge. Its pixels then belong to that class.
- Everything else stays. An enclosed region of a class that gets polygons is not a hole, because polygons never overlap.
  Nodata never changes, and a hole that touches it stays, because what lies there is unknown.

Holes are filled after small regions were merged (`sieve`) and before objects are separated, so that a skylight does not
make a neck of the roof around it. All other pixels of classes without polygons keep their class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.settling import Borders, Runs, region_areas, settle_strips
from fctl_geo.polygons.strip import Strip, check_strips
from fctl_geo.spec import NODATA


def fill_holes(strips: Iterable[Strip], *, width: int, skip: frozenset[int], max_area: float) -> Iterator[Strip]:
    """Yield the raster with its small holes filled; confidence and area pass through.

    Args:
        strips: the raster from top to bottom, in strips of any height, without objects.
        width: columns of the raster.
        skip: classes that get no polygons.
        max_area: holes of this area or more stay; in the unit of the strips' area tables (m2), or in pixels.
    Raises:
        SettingsError: strips that do not match `width` or each other; a negative area.
    Law: the heights of the strips do not change a pixel, and no pixel of a class with polygons changes.
    """
    if not max_area >= 0:
        raise SettingsError(f"the largest hole is {max_area}", hint="give an area of 0 or more")
    checked, undrawn = check_strips(strips, width), skip - {NODATA}
    if max_area == 0 or not undrawn:
        return checked
    table = np.arange(256, dtype=np.uint8)
    table[list(undrawn)] = min(undrawn)
    return settle_strips(checked, _Rule(table, min(undrawn), max_area, width))


@dataclass(frozen=True, slots=True)
class _Rule:
    """Regions without polygons that are small, and enclosed by one class."""

    table: npt.NDArray[np.uint8]
    """(256,) makes all classes without polygons one."""
    undrawn: int
    """That one."""
    max_area: float
    width: int

    @property
    def listed(self) -> npt.NDArray[np.bool_]:
        return np.ones(256, np.bool_)

    def classes(self, strip: Strip) -> npt.NDArray[np.uint8]:
        return self.table[strip.classes]

    def first_states(self, strip: Strip, runs: Runs, *, at_top: bool, ended: bool) -> npt.NDArray[np.uint8]:
        from fctl_geo.polygons import regions

        first_run, begin, end, value, region = runs
        total, changing = region_areas(strip, runs), np.arange(256) == self.undrawn
        state: npt.NDArray[np.uint8] = regions.first_states(
            total, value, region, first_run, self.max_area, ended, changing
        )
        regions.leave_at_edges(first_run, begin, end, region, state, self.width, at_top, ended)
        return state

    def settle(self, state: npt.NDArray[np.uint8], value: npt.NDArray[np.int64], borders: Borders) -> None:
        from fctl_geo.polygons import regions

        regions.fill(state, value, borders.offset, borders.neighbor, NODATA)

    def painted(self, strip: Strip, runs: Runs) -> Strip:
        from fctl_geo.polygons import regions

        taken = self.table[strip.classes]
        regions.paint(taken, 0, *runs)
        return replace(strip, classes=np.where(taken == self.undrawn, strip.classes, taken))
