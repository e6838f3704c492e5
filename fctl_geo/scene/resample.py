"""Resample from one grid to another in numba kernels: area-weighted means downward, bilinear interpolation upward.

Every output pixel is computed from its own absolute index alone, with the same operations in the same order, so a pixel
has the same value in whatever window it is requested. Invalid pixels have no weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.system.kernels import kernel

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
_HALF = np.float32(0.5 * (1 - 1e-5))
"""At least half of the area must be valid; slightly less, to allow for rounding in the sums."""


@dataclass(frozen=True, slots=True)
class Taps:
    """Along one axis: which source pixels contribute to each output pixel, and with what weight."""

    first: NDArray[np.int64]
    """(n,) first source index, absolute."""
    weights: Float32
    """(n, t) weights of first, first + 1, ...; 0 beyond the last."""
    nearest: NDArray[np.int64]
    """(n,) source index under the output pixel's center."""

    @property
    def begin(self) -> int:
        return int(self.first[0])

    @property
    def end(self) -> int:
        """One past the last source index with a nonzero weight."""
        reach = self.weights.shape[1] - np.argmax(self.weights[:, ::-1] > 0, axis=1)
        return int((self.first + reach).max())


def area_taps(start: int, count: int, step: float, source_px: int) -> Taps:
    """Taps for the mean over [i * step, (i + 1) * step) for i = start ... start + count - 1, inside the source.

    Example: step 1.5, pixel 1 covers [1.5, 3): half of source pixel 1 and all of pixel 2.
    """
    index = np.arange(start, start + count, dtype=np.float64)
    low = index * step
    high = np.minimum((index + 1) * step, source_px)
    first = np.floor(low).astype(np.int64)
    taps = max(1, int((np.ceil(high) - first).max()))
    cell = first[:, None] + np.arange(taps)
    weights = np.minimum(cell + 1.0, high[:, None]) - np.maximum(cell, low[:, None])
    nearest = np.clip(np.floor((low + high) / 2).astype(np.int64), 0, source_px - 1)
    return Taps(first, np.maximum(weights, 0).astype(np.float32), nearest)


def bilinear_taps(start: int, count: int, step: float, source_px: int) -> Taps:
    """Taps for the value at the center (i + 0.5) * step, between the two nearest source pixels' centers."""
    center = np.minimum((np.arange(start, start + count, dtype=np.float64) + 0.5) * step, source_px)
    left = np.floor(center - 0.5)
    share = center - 0.5 - left
    first = np.clip(left, 0, max(0, source_px - 2)).astype(np.int64)
    share = np.where(
        left < 0, 0.0, np.where(left > first, 1.0, share)
    )  # beyond the center of the edge pixel its value is used
    weights = np.ones((count, 1)) if source_px == 1 else np.stack([1 - share, share], axis=1)
    nearest = np.clip(np.floor(center).astype(np.int64), 0, source_px - 1)
    return Taps(first, weights.astype(np.float32), nearest)


def resample(
    pixels: NDArray[np.uint8], valid: Bool | None, rows: Taps, cols: Taps, *, nearest_validity: bool
) -> tuple[NDArray[np.uint8], Bool | None]:
    """Output pixels from the source pixels [rows.begin, rows.end) x [cols.begin, cols.end).

    Args:
        pixels: (C, h, w), 0 where invalid.
        valid: (h, w), or None if every pixel is valid.
        nearest_validity: an output pixel is valid if the source pixel under its center is (bilinear); otherwise if
            source pixels covering at least half of its area are.
    Returns:
        (C, n, m), rounded half up, 0 where invalid; (n, m) validity or None if all are.
    """
    first_row, first_col = rows.first - rows.begin, cols.first - cols.begin
    weight = np.empty((len(first_row), len(first_col)), np.float32)
    if valid is None:
        _full_weights(first_row, rows.weights, first_col, cols.weights, pixels.shape[2], weight)
    else:
        _valid_weights(valid.view(np.uint8), first_row, rows.weights, first_col, cols.weights, weight)
    out = np.empty((pixels.shape[0], *weight.shape), np.uint8)
    _means(pixels, weight, first_row, rows.weights, first_col, cols.weights, out)
    if valid is None:
        return out, None
    if nearest_validity:
        keep = valid[np.ix_(rows.nearest - rows.begin, cols.nearest - cols.begin)]
    else:
        keep = weight >= _HALF * np.outer(rows.weights.sum(axis=1), cols.weights.sum(axis=1)).astype(np.float32)
    if keep.all():
        return out, None
    out[:, ~keep] = 0
    return out, keep


@kernel
def _column_sums(band: np.ndarray, row: int, weights: np.ndarray, line: np.ndarray) -> None:
    """Weighted sums down the source columns; `line` keeps zeros beyond the source, for taps that reach there."""
    line[:] = 0
    for a in range(weights.size):
        if weights[a] > 0:  # there may be no row beyond the last tap
            for x in range(band.shape[1]):
                line[x] += weights[a] * np.float32(band[row + a, x])


@kernel
def _row_sums(line: np.ndarray, cols: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Weighted sums along one line, one per output column."""
    for j in range(cols.size):
        total = np.float32(0)
        for b in range(weights.shape[1]):
            total += weights[j, b] * line[cols[j] + b]
        out[j] = total


@kernel
def _full_weights(
    rows: np.ndarray, row_weights: np.ndarray, cols: np.ndarray, col_weights: np.ndarray, width: int, out: np.ndarray
) -> None:
    """What `_valid_weights` gives if every pixel is valid: the same sums in the same order, without reading."""
    line = np.zeros(width + col_weights.shape[1], np.float32)
    for i in range(rows.size):
        height = np.float32(0)
        for a in range(row_weights.shape[1]):
            height += row_weights[i, a]
        line[:width] = height
        _row_sums(line, cols, col_weights, out[i])


@kernel
def _valid_weights(
    valid: np.ndarray, rows: np.ndarray, row_weights: np.ndarray, cols: np.ndarray, col_weights: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Sum of the weights of the valid source pixels of each output pixel."""
    line = np.empty(valid.shape[1] + col_weights.shape[1], np.float32)
    for i in range(rows.size):
        _column_sums(valid, rows[i], row_weights[i], line)
        _row_sums(line, cols, col_weights, out[i])


@kernel
def _means(
    pixels: np.ndarray, weight: np.ndarray, rows: np.ndarray, row_weights: np.ndarray, cols: np.ndarray,
    col_weights: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    line = np.empty(pixels.shape[2] + col_weights.shape[1], np.float32)
    means = np.empty(cols.size, np.float32)
    for c in range(pixels.shape[0]):
        for i in range(rows.size):
            _column_sums(pixels[c], rows[i], row_weights[i], line)
            _row_means(line, cols, col_weights, weight[i], means)
            for j in range(cols.size):
                out[c, i, j] = np.uint8(min(means[j] + np.float32(0.5), np.float32(255)))


@kernel
def _row_means(line: np.ndarray, cols: np.ndarray, weights: np.ndarray, valid: np.ndarray, out: np.ndarray) -> None:
    """Weighted means along one line, given the weight of each output column's valid pixels; 0 if there are none."""
    _row_sums(line, cols, weights, out)
    for j in range(cols.size):
        out[j] = out[j] / valid[j] if valid[j] > 0 else np.float32(0)
