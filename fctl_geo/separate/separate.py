"""Separate the objects of a class (houses) that touch, as the class raster streams by: each pixel gets a number.

The exact rules, for every class that is separated:

- **Cores.** A pixel is a core pixel if no pixel of another class, or of nodata, is nearer to its center than half a
  neck and half a pixel: where the class is narrower than `neck_px`, it has no core. What lies outside the raster is
  nowhere near. Core pixels that touch, also diagonally, are one core; cores are numbered in the order of their first
  pixels.
- **Growth.** Every other pixel of the class belongs to the core from which the shortest way through the class leads to
  it, if that is at most `REACH_NECKS` necks long (see `growth` for lengths and ties). Objects that touch therefore
  share a wall of pixel edges, in the middle of the neck.
- **The rest.** Pixels out of reach (long walls, fences) have no number; those of a class that touch are one region.
- **Small objects.** A region of one number, or of none, smaller than `min_area` (the user's --min-area, but at least
  `LEAST_OBJECT` squares of a neck) is joined to that of the same class with which it shares the longest border, in the
  rounds of `polygons.sieve`; where all are small, they are one region again. So a bay window or a dent in a mask makes
  no object of its own.

The classes stay as they are: the objects of a class cover exactly its pixels. That is why small *objects* are judged
here, after the sieve has merged small *regions* of a class into other classes: an object never vanishes, it only ceases
to be one of its own.

Everything but the numbers of cores depends on pixels within a few necks. A core may extend from one end of a scene to
the other, and whether two stretches are one core may be decided far below: a first pass over the raster finds that out
and keeps 4 bytes for every place where a core begins from above; the second one numbers the pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.sieve import join_small_objects
from fctl_geo.polygons.strip import Strip, check_strips, stack_strips
from fctl_geo.separate.necks import LEAST_NECK_PX, LEAST_TILE_PX, MOST_NECK_PX, ROWS_AT_ONCE, farthest, halo_rows


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of the objects in a raster."""

    width: int
    """Columns of the raster."""
    classes: frozenset[int]
    """Those whose objects are separated."""
    neck_px: float
    numbers: npt.NDArray[np.int32]
    """(labels,) number of the core that a label of `cores.CoreLabels` belongs to."""


def find_cores(strips: Iterable[Strip], *, width: int, classes: frozenset[int], neck_px: float) -> Cores:
    """The first pass: find out which stretches of core pixels belong together.

    Args:
        strips: the raster from top to bottom, in strips of any height.
        width: columns of the raster.
        classes: those whose objects are separated.
        neck_px: narrower connections separate objects; 2 to 256 pixels.
    Raises:
        SettingsError: strips that do not match `width` or each other, or a neck out of bounds.
    """
    from fctl_geo.separate.cores import CoreLabels  # load numba only when separating

    if not LEAST_NECK_PX <= neck_px <= MOST_NECK_PX:
        raise SettingsError(f"the neck is {neck_px:g} px", hint=f"give {LEAST_NECK_PX:g} to {MOST_NECK_PX:g} pixels")
    labels = CoreLabels(width, classes, neck_px)
    for _ in labels.add(check_strips(strips, width)):
        pass
    return Cores(width, classes, neck_px, labels.numbers())


def separate_strips(strips: Iterable[Strip], cores: Cores, *, min_area: float) -> Iterator[Strip]:
    """The second pass: yield the raster with the numbers of its objects.

    Args:
        strips: the same raster, in strips of any height.
        cores: its cores.
        min_area: smaller objects are joined to others; in the unit of the strips' area tables (m2), or in pixels.
    Yields:
        Strips with `objects`, whose heights may differ from those of the input.
    Law: the heights of the strips do not change a number; the classes are those of the input.
    """
    grown = _grow(check_strips(strips, cores.width), cores)
    return join_small_objects(grown, width=cores.width, classes=cores.classes, min_area=min_area)


def _grow(strips: Iterator[Strip], cores: Cores) -> Iterator[Strip]:
    """Number the pixels around the cores, each row as soon as the rows that it depends on have arrived."""
    from fctl_geo.separate.cores import CoreLabels

    halo = halo_rows(cores.neck_px)
    held: list[Strip] = []
    rows = done = 0  # rows of `held`, and those of them that were yielded already: up to `halo`
    for strip, numbered in CoreLabels(cores.width, cores.classes, cores.neck_px, cores.numbers).add(strips):
        held.append(replace(strip, objects=numbered))
        rows += strip.height
        if rows - done < 2 * halo + max(ROWS_AT_ONCE, 2 * halo):
            continue
        window = stack_strips(held)
        yield _grown(window, done, rows - halo, cores)
        held, rows, done = [window.rows(slice(rows - 2 * halo, None))], 2 * halo, halo
    if rows:
        yield _grown(stack_strips(held), done, rows, cores)


def _grown(window: Strip, begin: int, end: int, cores: Cores) -> Strip:
    from fctl_geo.separate.growth import grow_cores

    assert window.objects is not None
    halo, limit = halo_rows(cores.neck_px), farthest(cores.neck_px)
    tile, numbers = max(LEAST_TILE_PX, 6 * halo), np.zeros((end - begin, cores.width), np.int32)
    for class_id in cores.classes:
        grow_cores(window.classes, window.objects, class_id, limit, tile, halo, numbers, begin)
    return replace(window.rows(slice(begin, end)), objects=numbers)
