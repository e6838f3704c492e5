"""A rolling band of blended logits: patches go in row by row, finished rows come out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fctl_geo.system.kernels import kernel
from fctl_geo.windows.patch_logits import PatchLogits
from fctl_geo.windows.window import Window


@lru_cache(maxsize=256)
def profile(merge: str, patch_px: int, before: int, after: int) -> NDArray[np.float32]:
    """Weights of a patch's pixels along one side, (patch_px,); it shares `before` and `after` with its neighbors.

    montage: only the core counts. average: all pixels have equal weight (the paper). blend: a linear ramp over the
    overlap; the ramps of two neighbors sum to 1. Example: patch 8, overlap 2: 1/4 3/4 1 1 1 1 3/4 1/4.
    """
    weights = np.ones(patch_px, np.float32)
    if merge == "montage":
        weights[: before // 2] = 0
        weights[patch_px - after + after // 2 :] = 0
    elif merge == "blend":
        weights[:before] *= _ramp(before)
        weights[patch_px - after :] *= _ramp(after)[::-1]
    return weights


def _ramp(overlap: int) -> NDArray[np.float32]:
    return ((np.arange(overlap) + 0.5) / max(1, overlap)).astype(np.float32)


class RowAccumulator:
    """Weighted sums of logits over a band of rows of one shard's columns.

    Laws: constant logits in, the same constant out (law 4). A pixel's logits are summed in the raster order of the
    patches, wherever the band starts: sharding does not affect the result (law 1).
    """

    def __init__(self, classes: int, cols: tuple[int, int], capacity_rows: int, merge: str) -> None:
        self.col, self.col_end = cols
        self.merge = merge
        self.row = 0
        """First row of the band."""
        self.sums = np.zeros((classes, capacity_rows, self.col_end - self.col), np.float32)
        self.weight = np.zeros(self.sums.shape[1:], np.float32)

    @property
    def capacity_rows(self) -> int:
        return self.sums.shape[1]

    def begin(self, row: int) -> None:
        """Clear the band and start it at `row`."""
        self.sums[:] = 0
        self.weight[:] = 0
        self.row = row

    def add(self, patch: tuple[int, int], logits: PatchLogits) -> None:
        """Add the logits of a patch; pixels outside the band's rows or columns are ignored."""
        (i, j), grid = patch, logits.grid
        band = Window(self.row, self.col, self.capacity_rows, self.col_end - self.col)
        window = grid.patch(i, j)
        part = window.clip(band)
        if part.empty:
            return
        _add(
            self.sums,
            self.weight,
            logits.values,
            profile(self.merge, grid.patch_px, *grid.rows.overlaps(i)) * np.float32(logits.share),
            profile(self.merge, grid.patch_px, *grid.cols.overlaps(j)),
            part.row - band.row,
            part.col - band.col,
            part.row - window.row,
            part.col - window.col,
            part.height,
            part.width,
        )

    def rows(self, row: int, row_end: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Sums (classes, rows, cols) and weights (rows, cols) of finished rows, as views."""
        part = slice(row - self.row, row_end - self.row)
        return self.sums[:, part], self.weight[part]

    def drop_above(self, row: int) -> None:
        """Move the start of the band down to `row`: rows above are dropped, empty ones are appended below."""
        shift = row - self.row
        if shift <= 0:
            return
        keep = max(0, self.capacity_rows - shift)
        for plane in (*self.sums, self.weight):
            plane[:keep] = plane[shift : shift + keep]
            plane[keep:] = 0
        self.row = row


@kernel
def _add(sums, weight, logits, rows, cols, row, col, patch_row, patch_col, height, width):  # type: ignore[no-untyped-def]
    for i in range(height):
        down = rows[patch_row + i]
        if down == 0:
            continue
        for j in range(width):
            weight[row + i, col + j] += down * cols[patch_col + j]
        for k in range(sums.shape[0]):
            for j in range(width):
                sums[k, row + i, col + j] += down * cols[patch_col + j] * logits[k, patch_row + i, patch_col + j]
