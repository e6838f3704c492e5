"""How far each corner of a boundary is from the nearest other boundary: the limit that simplification must respect.

A corner's clearance is the Chebyshev distance, in pixels, to the nearest boundary corner that does not belong to the
same stretch of line: one that cannot be reached by walking along the boundary without leaving the square around the
starting corner that extends as far. Corners where three or more boundaries meet count as other boundaries and have
clearance 1. Two corners of different arcs are therefore never closer to each other than the clearance of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.room import ObjectRoom, group_clearances
from fctl_geo.polygons.walls import corner_masks, is_junction, walk
from fctl_geo.system.kernels import inner, kernel


def with_clearance(
    slices: Iterator[tuple[npt.NDArray[Any], ...]], width: int, limit_px: int, around: ObjectRoom | None = None
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Append clearances to slices of rows, each row as soon as the rows it depends on have arrived.

    Args:
        slices: tuples of arrays of whole rows, classes (h, width) and objects (h, width) or (h, 0) first.
        width: columns.
        limit_px: clearances are capped at this.
        around: also measure how far groups of objects are from everything else.
    Yields:
        The same rows, sliced differently, and (h, width + 1) uint16 clearances of the corners along the top of each
        row: the clearance in the low byte and that of the group (see `room`) in the high one, 0 where there is no
        boundary. The last slice has no rows and (1, width + 1) clearances: the raster's lower edge.
    """
    most_px = limit_px if around is None else max(limit_px, around.limit_px)

    def measure(
        held: tuple[npt.NDArray[Any], ...], begin: int, end: int, at_top: bool, at_bottom: bool
    ) -> npt.NDArray[np.uint16]:
        classes, objects = held[:2]
        least: npt.NDArray[np.uint8] = clearances(classes, objects, begin, end, limit_px, at_top, at_bottom)
        clear = least.astype(np.uint16)
        if around is not None:
            room = group_clearances(around.merged[classes], begin, end, around.limit_px, at_top, at_bottom)
            clear |= room.astype(np.uint16) << 8
        return clear

    held: tuple[npt.NDArray[Any], ...] | None = None
    done = 0  # rows of `held` already yielded; up to `most_px` of them are kept
    at_top = True
    for rows in slices:
        held = rows if held is None else tuple(np.concatenate(pair) for pair in zip(held, rows, strict=True))
        ready = held[0].shape[0] - most_px + 1
        if ready <= done:
            continue
        yield (*(a[done:ready] for a in held), measure(held, done, ready, at_top, False))
        gone = max(ready - most_px, 0)
        at_top = at_top and gone == 0
        held, done = tuple(a[gone:] for a in held), ready - gone
    if held is None:
        return
    height = held[0].shape[0]
    clear = measure(held, done, height + 1, at_top, True)
    if height > done:
        yield (*(a[done:] for a in held), clear[:-1])
    yield (*(a[height:] for a in held), clear[-1:])


@kernel
def clearances(classes, objects, begin, end, limit_px, at_top, at_bottom):  # type: ignore[no-untyped-def]
    """(end - begin, width + 1) uint8 clearances of corner rows begin..end - 1 (corner row i runs along row i's top)."""
    mask = corner_masks(classes, objects, at_top, at_bottom)
    out = np.zeros((end - begin, mask.shape[1]), np.uint8)
    for i in range(begin, end):
        for col in range(mask.shape[1]):
            if mask[i, col]:
                out[i - begin, col] = _clearance(mask, i, col, limit_px)
    return out


@inner
def _clearance(mask, row, col, limit_px):  # type: ignore[no-untyped-def]
    if is_junction(mask[row, col]):
        return 1
    seen = 1
    for reach in range(1, limit_px):
        top, bottom = max(row - reach, 0), min(row + reach, mask.shape[0] - 1)
        left, right = max(col - reach, 0), min(col + reach, mask.shape[1] - 1)
        for i in range(top, bottom + 1):
            step = 1 if abs(i - row) == reach else 2 * reach  # only the perimeter of the square
            for j in range(col - reach, right + 1, step):
                if j >= left and mask[i, j]:
                    if is_junction(mask[i, j]):
                        return reach
                    seen += 1
        if walk(mask, row, col, reach) != seen:
            return reach
    return limit_px
