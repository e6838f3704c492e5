"""Kernels shared by the sieve and the tracer: runs of equal class, and union-find."""

from __future__ import annotations

import numpy as np

from fctl_geo.system.kernels import inner

OUTSIDE = -1
"""The class of everything outside the raster."""


@inner
def find_runs(row, objects, words, start, value):  # type: ignore[no-untyped-def]
    """Split a row into runs of equal class and object, comparing eight pixels at a time where there are no objects.

    Args:
        row: (width,) uint8.
        objects: (width,) int32, or (0,).
        words: (width // 8 + 1,) uint64, scratch space for the padded row.
        start: (width + 2,) integers or more; filled with the first column of each run k >= 1, then with `width`.
        value: int64, like `start`; filled with object << 8 | class of each run, then with OUTSIDE.
    Returns:
        The number of runs + 1. Example: 7 7 3 gives start 0 2 3 and value 7 3 OUTSIDE, from entry 1 on, and returns 3.
    """
    if objects.shape[0]:
        return _find_object_runs(row, objects, start, value)
    width = row.shape[0]
    padded = words.view(np.uint8)
    padded[:width] = row
    padded[width:] = row[width - 1]
    n = 1
    start[1], value[1] = 0, row[0]
    carry = np.uint64(row[0])
    for w in range(words.shape[0]):
        word = words[w]
        changes = word ^ ((word << np.uint64(8)) | carry)  # each pixel compared with the one to its left
        carry = word >> np.uint64(56)
        if changes == np.uint64(0):
            continue
        for byte in range(8):
            if (changes >> np.uint64(8 * byte)) & np.uint64(255):
                n += 1
                col = 8 * w + byte
                start[n], value[n] = col, padded[col]
    start[n + 1], value[n + 1] = width, OUTSIDE
    return n + 1


@inner
def _find_object_runs(row, objects, start, value):  # type: ignore[no-untyped-def]
    """`find_runs`, pixel by pixel."""
    n = 0
    for col in range(row.shape[0]):
        if col == 0 or row[col] != row[col - 1] or objects[col] != objects[col - 1]:
            n += 1
            start[n], value[n] = col, np.int64(objects[col]) << 8 | row[col]
    start[n + 1], value[n + 1] = row.shape[0], OUTSIDE
    return n + 1


@inner
def root_of(parent, k):  # type: ignore[no-untyped-def]
    """The representative of k's set; halves the path along the way."""
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@inner
def run_area(area, begin, end):  # type: ignore[no-untyped-def]
    """Area of the pixels begin..end - 1 of a row, from its area table: one value, or one per 64 columns."""
    if area.shape[0] == 1:
        return area[0] * (end - begin)
    total = 0.0
    block = begin >> 6
    while begin < end:
        stop = min(end, (block + 1) << 6)
        total += area[block] * (stop - begin)
        begin = stop
        block += 1
    return total
