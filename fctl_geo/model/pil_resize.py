"""Resize images exactly like PIL's bilinear filter, bit for bit: the released networks were trained on its output."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_FRACTION_BITS = 22
"""PIL's fixed-point weights of 8-bit pixels."""


def resize_bilinear(image: NDArray[np.generic], size_hw: tuple[int, int]) -> NDArray[np.uint8] | NDArray[np.float32]:
    """(C, h, w) uint8 or float32 to (C, *size_hw) of the same type.

    A triangle filter, scaled to the shrink factor, truncated and renormalized at the border; applied along the rows
    first, then down the columns, rounding 8-bit pixels after each pass. Law: equal to `PIL.Image.resize(..., BILINEAR)`
    of each band. (Recent versions of Pillow begin with the side that shrinks more; this can change single bits.)
    """
    return _along_last(_along_last(image, size_hw[1]).swapaxes(1, 2), size_hw[0]).swapaxes(1, 2)


def _along_last(image: NDArray[np.generic], size_px: int) -> NDArray[np.uint8] | NDArray[np.float32]:
    if image.shape[-1] == size_px:
        return image  # type: ignore[return-value]  # PIL skips such a side, too
    index, weights = _taps(image.shape[-1], size_px)
    if image.dtype == np.uint8:
        fixed = np.floor(weights * (1 << _FRACTION_BITS) + 0.5).astype(np.int32)
        total = np.full((*image.shape[:-1], size_px), 1 << (_FRACTION_BITS - 1), np.int32)
        for k in range(index.shape[1]):
            total += np.multiply(image[..., index[:, k]], fixed[:, k], dtype=np.int32)
        return (total >> _FRACTION_BITS).clip(0, 255).astype(np.uint8)
    mean = np.zeros((*image.shape[:-1], size_px), np.float32)
    for k in range(index.shape[1]):
        mean += np.multiply(image[..., index[:, k]], weights[:, k], dtype=np.float32)
    return mean


@lru_cache(maxsize=16)
def _taps(source_px: int, size_px: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(size, t) source indices and weights of each output pixel. Example: 4 -> 2: 4/7 of 0, 3/7, ... (1 3 3 1, cut)."""
    scale = source_px / size_px
    reach = max(scale, 1.0)
    center = (np.arange(size_px) + 0.5) * scale
    first = np.maximum(0, (center - reach + 0.5).astype(np.int64))
    last = np.minimum(source_px, (center + reach + 0.5).astype(np.int64))
    index = first[:, None] + np.arange(int((last - first).max()))
    weights = np.maximum(0.0, 1 - np.abs(index + 0.5 - center[:, None]) / reach) * (index < last[:, None])
    weights /= np.cumsum(weights, axis=1)[:, -1:]  # summed sequentially, as in PIL
    return np.minimum(index, source_px - 1), weights
