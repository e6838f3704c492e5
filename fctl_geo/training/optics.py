"""Effects of lens, sensor, and codec: blur, sharpening, noise, JPEG artifacts."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

BLUR_SHARE, COARSE_SHARE, SHARPEN_SHARE = 0.12, 0.12, 0.1
NOISE_SHARE = 0.25
JPEG_SHARE = 0.25

Picture = NDArray[np.float32]
"""(P, P, bands) in 0..1."""


def photograph(picture: Picture, rng: np.random.Generator) -> Picture:
    """The image as a worse camera would have taken and stored it."""
    kind = rng.random()
    if kind < BLUR_SHARE:
        picture = blur(picture, rng.uniform(0.4, 1.4))
    elif kind < BLUR_SHARE + COARSE_SHARE:
        picture = _coarser(picture, rng.uniform(1.2, 2.5))
    elif kind < BLUR_SHARE + COARSE_SHARE + SHARPEN_SHARE:
        picture = picture + np.float32(rng.uniform(0.3, 1.0)) * (picture - blur(picture, 1.2))
    if rng.random() < NOISE_SHARE:
        picture = picture + _noise(picture, rng)
    picture = np.clip(picture, 0, 1)
    return jpeg(picture, int(rng.integers(25, 91))) if rng.random() < JPEG_SHARE else picture


def blur(picture: Picture, sigma_px: float) -> Picture:
    """Gaussian blur; border pixels are repeated outside."""
    reach = max(1, math.ceil(2.5 * sigma_px))
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma_px**2))
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        size = picture.shape[axis]
        padded = np.pad(picture, [(reach, reach) if a == axis else (0, 0) for a in range(3)], mode="edge")
        at = [slice(None)] * 3
        total = np.zeros_like(picture)
        for i, tap in enumerate(taps):
            at[axis] = slice(i, i + size)
            total += tap * padded[tuple(at)]
        picture = total
    return picture


def _coarser(picture: Picture, factor: float) -> Picture:
    """As if the pixels had been `factor` times larger."""
    image = torch.from_numpy(picture.transpose(2, 0, 1))[None]
    size = image.shape[-2:]
    small = [max(8, round(n / factor)) for n in size]
    image = F.interpolate(F.interpolate(image, small, mode="bilinear", antialias=True), size, mode="bilinear")
    return image[0].numpy().transpose(1, 2, 0)


def _noise(picture: Picture, rng: np.random.Generator) -> Picture:
    """Sensor noise: the same in all bands or different in each; stronger in bright parts."""
    bands = picture.shape[-1] if rng.random() < 0.5 else 1
    noise = rng.standard_normal((*picture.shape[:2], bands), np.float32)
    shot = np.float32(rng.uniform(0, 1))
    amount = np.float32(rng.uniform(0.005, 0.04))
    return noise * (amount * (1 - shot + shot * np.sqrt(np.maximum(picture, 0))))


_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)  # fmt: skip
_CHROMA = np.full((8, 8), 99, np.float32)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_TO_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)


def jpeg(picture: Picture, quality: int) -> Picture:
    """Simulate JPEG compression (tables of ITU T.81, Annex K): quantized blocks of 8 px, chroma at half size.

    If there are not three bands, each is stored as a gray image.
    """
    height, width, bands = picture.shape
    padded = np.pad(picture * 255 - 128, [(0, -height % 16), (0, -width % 16), (0, 0)], mode="edge")
    if bands != 3:
        planes = [_quantized(np.ascontiguousarray(padded[..., b]), _table(_LUMA, quality)) for b in range(bands)]
        out = np.stack(planes, axis=-1)
    else:
        ycc = padded @ _TO_YCC.T
        luma = _quantized(np.ascontiguousarray(ycc[..., 0]), _table(_LUMA, quality))
        colors = ycc[..., 1:].reshape(ycc.shape[0] // 2, 2, ycc.shape[1] // 2, 2, 2).mean(axis=(1, 3))
        halves = [_quantized(np.ascontiguousarray(colors[..., k]), _table(_CHROMA, quality)) for k in (0, 1)]
        out = np.stack([luma, *(np.kron(half, np.ones((2, 2), np.float32)) for half in halves)], axis=-1) @ _TO_RGB.T
    stored: Picture = np.clip((out[:height, :width] + 128) / 255, 0, 1).astype(np.float32)
    return stored


def _table(base: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    """Quantization steps for a quality of 1 to 100, scaled as in libjpeg."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    table: NDArray[np.float32] = np.clip(np.floor((base * scale + 50) / 100), 1, 255).astype(np.float32)
    return table


def _quantized(plane: NDArray[np.float32], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """A plane (its sides are multiples of 8) with its cosine coefficients rounded to the steps of a table."""
    rows, cols = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane.reshape(rows, 8, cols, 8).transpose(0, 2, 1, 3).reshape(-1, 64)
    steps = table.ravel()
    coefficients = np.rint((blocks @ _cosines()) / steps) * steps
    blocks = coefficients @ _cosines().T
    out: NDArray[np.float32] = blocks.reshape(rows, cols, 8, 8).transpose(0, 2, 1, 3).reshape(plane.shape)
    return out


@cache
def _cosines() -> NDArray[np.float32]:
    """(64, 64) orthonormal matrix from the pixels of a block to its cosine coefficients."""
    k = np.arange(8)
    one = np.cos((2 * k[:, None] + 1) * k[None] * math.pi / 16) * np.where(k == 0, math.sqrt(1 / 8), 0.5)
    return np.kron(one, one).astype(np.float32)
