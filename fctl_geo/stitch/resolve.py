"""Blended logits on the model's grid to classes and confidence on the output's grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.system.kernels import kernel
from fctl_geo.windows.window import Window


@dataclass(frozen=True, slots=True)
class Resampling:
    """How output pixels lie on the model's grid: pixel p is centered at model coordinate (p + 0.5) / scale - 0.5."""

    scale: float
    """Output pixels per model pixel; 1.0: the same grid."""
    row_offset: int
    """Position of the output's first row in the full grid from which it is cropped."""
    col_offset: int

    def model_rows(self, row: int, row_end: int) -> tuple[int, int]:
        """First and past-the-last model row that output rows [row, row_end) depend on (not clipped to the scene)."""
        return self._span(row + self.row_offset, row_end + self.row_offset)

    def model_cols(self, col: int, col_end: int) -> tuple[int, int]:
        return self._span(col + self.col_offset, col_end + self.col_offset)

    def output_of(self, window: Window) -> Window:
        """Output pixels that depend on a window of model pixels; possibly one too many at each edge."""
        row, col = math.floor((window.row - 1) * self.scale), math.floor((window.col - 1) * self.scale)
        row_end, col_end = math.ceil((window.row_end + 1) * self.scale), math.ceil((window.col_end + 1) * self.scale)
        return Window(row - self.row_offset, col - self.col_offset, row_end - row, col_end - col)

    def _span(self, start: int, end: int) -> tuple[int, int]:
        if self.scale == 1.0:
            return start, end
        first = math.floor((start + 0.5) / self.scale - 0.5)
        last = math.floor((end - 0.5) / self.scale - 0.5) + 1
        return first, last + 1


def resolve(
    sums: NDArray[np.float32],
    weight: NDArray[np.float32],
    origin: tuple[int, int],
    model_hw: tuple[int, int],
    output: Window,
    how: Resampling,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Classes of an output window.

    Args:
        sums, weight: (K, rows, cols) and (rows, cols) of a band whose first pixel is `origin` (row, col) of the model
            grid, covering everything the window depends on (clipped to the scene).
        model_hw: size of the model grid: logits are not extrapolated beyond it.
    Returns:
        (h, w) uint8 index of the class with the largest logit (the first one if tied; 255 where there is no patch), and
        its softmax probability in percent, rounded (0 where there is no patch).
    """
    classes = np.full(output.size_hw, 255, np.uint8)
    confidence = np.zeros(output.size_hw, np.uint8)
    _resolve(
        sums,
        weight,
        origin[0],
        origin[1],
        model_hw[0],
        model_hw[1],
        output.row + how.row_offset,
        output.col + how.col_offset,
        how.scale,
        classes,
        confidence,
    )
    return classes, confidence


@kernel
def _neighbors(position, scale, size):  # type: ignore[no-untyped-def]
    """The two model pixels around an output pixel's center, and the weight of the second."""
    if scale == 1.0:
        return position, position, np.float32(0.0)
    at = (position + 0.5) / scale - 0.5
    low = math.floor(at)
    share = np.float32(at - low)
    return min(max(low, 0), size - 1), min(max(low + 1, 0), size - 1), share


@kernel
def _resolve(sums, weight, row0, col0, height, width, out_row, out_col, scale, classes, confidence):  # type: ignore[no-untyped-def]
    count = sums.shape[0]
    values = np.zeros(count, np.float32)
    for i in range(classes.shape[0]):
        r0, r1, fr = _neighbors(out_row + i, scale, height)
        for j in range(classes.shape[1]):
            c0, c1, fc = _neighbors(out_col + j, scale, width)
            total = np.float32(0.0)
            values[:] = 0
            for corner in range(4):
                down, right = corner >> 1, corner & 1
                part = (fr if down else np.float32(1.0) - fr) * (fc if right else np.float32(1.0) - fc)
                r, c = (r1 if down else r0) - row0, (c1 if right else c0) - col0
                w = weight[r, c]
                if part == 0 or w == 0:
                    continue
                total += part
                for k in range(count):
                    values[k] += part * (sums[k, r, c] / w)
            if total == 0:
                continue
            best = 0
            for k in range(1, count):
                if values[k] > values[best]:
                    best = k
            spread = np.float32(0.0)
            for k in range(count):
                spread += np.exp((values[k] - values[best]) / total)
            classes[i, j] = best
            confidence[i, j] = int(np.float32(100.0) / spread + np.float32(0.5))
