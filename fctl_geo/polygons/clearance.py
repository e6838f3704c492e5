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

from fctl_geo.system.kernels import inner, kernel

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
"""Bits of a corner's mask: a boundary leaves the corner in this direction."""


def with_clearance(
    slices: Iterator[tuple[npt.NDArray[Any], ...]], width: int, limit_px: int
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Append clearances to slices of rows, each row as soon as the rows it depends on have arrived.

    Args:
        slices: tuples of arrays of whole rows, classes (h, width) and objects (h, width) or (h, 0) first.
        width: columns.
        limit_px: clearances are capped at this.
    Yields:
        The same rows, sliced differently, and (h, width + 1) uint8 clearances of the corners along the top of each row,
        0 where there is no boundary. The last slice has no rows and (1, width + 1) clearances: the raster's lower edge.
    """
    held: tuple[npt.NDArray[Any], ...] | None = None
    done = 0  # rows of `held` already yielded; up to `limit_px` of them are kept
    at_top = True
    for rows in slices:
        held = rows if held is None else tuple(np.concatenate(pair) for pair in zip(held, rows, strict=True))
        ready = held[0].shape[0] - limit_px + 1
        if ready <= done:
            continue
        yield (*(a[done:ready] for a in held), clearances(*held[:2], done, ready, limit_px, at_top, False))
        gone = max(ready - limit_px, 0)
        at_top = at_top and gone == 0
        held, done = tuple(a[gone:] for a in held), ready - gone
    if held is None:
        return
    height = held[0].shape[0]
    clear = clearances(*held[:2], done, height + 1, limit_px, at_top, True)
    if height > done:
        yield (*(a[done:] for a in held), clear[:-1])
    yield (*(a[height:] for a in held), clear[-1:])


@kernel
def corner_masks(classes, objects, at_top, at_bottom):  # type: ignore[no-untyped-def]
    """(h + 1, width + 1) uint8: which of the four edges at each corner are boundaries.

    On the first and last row of corners, one pixel row is missing: they are right only at an end of the raster
    (`at_top`, `at_bottom`).
    """
    height, width = classes.shape
    several = objects.shape[1] > 0
    mask = np.zeros((height + 1, width + 1), np.uint8)
    for i in range(height):
        mask[i, 0] |= DOWN
        mask[i + 1, 0] |= UP
        mask[i, width] |= DOWN
        mask[i + 1, width] |= UP
        row = classes[i]
        for col in range(1, width):
            if row[col - 1] != row[col] or (several and objects[i, col - 1] != objects[i, col]):
                mask[i, col] |= DOWN
                mask[i + 1, col] |= UP
    for i in range(height + 1):
        if i in (0, height):
            if (at_top if i == 0 else at_bottom) or height == 0:
                for col in range(width):
                    mask[i, col] |= RIGHT
                    mask[i, col + 1] |= LEFT
            continue
        above, below = classes[i - 1], classes[i]
        for col in range(width):
            if above[col] != below[col] or (several and objects[i - 1, col] != objects[i, col]):
                mask[i, col] |= RIGHT
                mask[i, col + 1] |= LEFT
    return mask


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
def _is_junction(mask):  # type: ignore[no-untyped-def]
    return (mask & 1) + (mask >> 1 & 1) + (mask >> 2 & 1) + (mask >> 3) > 2


@inner
def _clearance(mask, row, col, limit_px):  # type: ignore[no-untyped-def]
    if _is_junction(mask[row, col]):
        return 1
    seen = 1
    for reach in range(1, limit_px):
        top, bottom = max(row - reach, 0), min(row + reach, mask.shape[0] - 1)
        left, right = max(col - reach, 0), min(col + reach, mask.shape[1] - 1)
        for i in range(top, bottom + 1):
            step = 1 if abs(i - row) == reach else 2 * reach  # only the perimeter of the square
            for j in range(col - reach, right + 1, step):
                if j >= left and mask[i, j]:
                    if _is_junction(mask[i, j]):
                        return reach
                    seen += 1
        if _walk(mask, row, col, reach) != seen:
            return reach
    return limit_px


@inner
def _walk(mask, row, col, reach):  # type: ignore[no-untyped-def]
    """Number of corners passed when walking along the boundary, in both directions, without leaving the square."""
    count = 1
    rest = np.int64(mask[row, col])
    while rest:
        heading = rest & ~(rest - 1)  # one of the two directions
        rest &= rest - 1
        i, j = row, col
        while True:
            i += (heading == DOWN) - (heading == UP)
            j += (heading == RIGHT) - (heading == LEFT)
            if abs(i - row) > reach or abs(j - col) > reach:
                break
            if i == row and j == col:
                return count
            count += 1
            came_from = heading << 2 if heading < DOWN else heading >> 2
            heading = np.int64(mask[i, j]) & ~came_from
    return count
