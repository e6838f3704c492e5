"""How far the outline of a group of touching objects is from everything else: the room in which it may be squared.

Here, all objects count as one class, so that the walls between them do not limit the outline around them. A corner's
clearance is the largest of a few distances within which all boundaries are the corner's own stretch of line, walked
without leaving the square that extends as far: no other group, and no border of another class, is nearer. Unlike the
clearances of `clearance`, these are not exact but may be smaller; they are larger by an order of magnitude, and only a
handful of squares are counted for each corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.walls import corner_masks, is_junction, walk
from fctl_geo.system.kernels import inner, kernel


@dataclass(frozen=True, slots=True)
class ObjectRoom:
    """What is measured around groups of objects."""

    merged: npt.NDArray[np.uint8]
    """(256,) one value for all classes of objects; every other class is its own."""
    limit_px: int
    """Clearances are capped at this; at most 63."""


@kernel
def group_clearances(merged, begin, end, limit_px, at_top, at_bottom):  # type: ignore[no-untyped-def]
    """(end - begin, width + 1) uint8 clearances of corner rows begin..end - 1; see `clearance.clearances`."""
    mask = corner_masks(merged, np.empty((merged.shape[0], 0), np.int32), at_top, at_bottom)
    counts = _count_up(mask)
    out = np.zeros((end - begin, mask.shape[1]), np.uint8)
    for i in range(begin, end):
        for col in range(mask.shape[1]):
            if mask[i, col]:
                out[i - begin, col] = _room(mask, counts, i, col, limit_px)
    return out


@inner
def _count_up(mask):  # type: ignore[no-untyped-def]
    """(h + 1, w + 1) boundary corners above and to the left; a junction counts as more than any square can hold."""
    height, width = mask.shape
    counts = np.zeros((height + 1, width + 1), np.int64)
    for i in range(height):
        row = np.int64(0)
        for j in range(width):
            if mask[i, j]:
                row += 1 << 20 if is_junction(mask[i, j]) else 1
            counts[i + 1, j + 1] = counts[i, j + 1] + row
    return counts


@inner
def _room(mask, counts, row, col, limit_px):  # type: ignore[no-untyped-def]
    if is_junction(mask[row, col]):
        return 1
    reach = limit_px
    while reach > 1:
        reach = max(min(reach - 1, reach * 7 // 8), 1) if reach < limit_px else limit_px - 1
        top, bottom = max(row - reach, 0), min(row + reach, mask.shape[0] - 1) + 1
        left, right = max(col - reach, 0), min(col + reach, mask.shape[1] - 1) + 1
        seen = counts[bottom, right] - counts[top, right] - counts[bottom, left] + counts[top, left]
        if seen < 1 << 20 and walk(mask, row, col, reach) == seen:
            return reach + 1
    return 1
