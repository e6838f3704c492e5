"""The boundaries that leave each corner of a class raster, and walking along them."""

from __future__ import annotations

import numpy as np

from fctl_geo.system.kernels import inner, kernel

UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
"""Bits of a corner's mask: a boundary leaves the corner in this direction."""


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


@inner
def is_junction(mask):  # type: ignore[no-untyped-def]
    return (mask & 1) + (mask >> 1 & 1) + (mask >> 2 & 1) + (mask >> 3) > 2


@inner
def walk(mask, row, col, reach):  # type: ignore[no-untyped-def]
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
