"""How camera, air and file format change the light of a scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.look import Look

F32 = NDArray[np.float32]
LUMA = (0.299, 0.587, 0.114)
QUANT = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float32,
)
"""JPEG's luminance table (ITU-T T.81, annex K)."""


def blur(channel: F32, sigma_px: float) -> F32:
    """Blur (H, W) by a small separable Gaussian of radius 2 px."""
    taps = np.exp(-0.5 * (np.arange(-2, 3) / max(sigma_px, 1e-3)) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        widths = [(2, 2) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(channel, widths, mode="edge")
        n = channel.shape[axis]
        out = np.zeros_like(channel)
        for k, tap in enumerate(taps):
            out += np.float32(tap) * (padded[k : k + n] if axis == 0 else padded[:, k : k + n])
        channel = out
    return channel


def quantise_blocks(channel: F32, strength: float) -> F32:
    """Quantize 8 x 8 cosine blocks of (H, W), as JPEG does."""
    h, w = channel.shape
    padded = np.pad(channel, ((0, -h % 8), (0, -w % 8)), mode="edge")
    k = np.arange(8)
    basis = (np.sqrt(2 / 8) * np.cos(np.pi * (2 * k[None] + 1) * k[:, None] / 16)).astype(np.float32)
    basis[0] /= np.float32(np.sqrt(2))
    blocks = padded.reshape(padded.shape[0] // 8, 8, -1, 8).swapaxes(1, 2)
    table = QUANT * np.float32(strength)
    coefficients = np.rint(basis @ blocks @ basis.T / table) * table
    out = (basis.T @ coefficients @ basis).swapaxes(1, 2).reshape(padded.shape)
    return np.asarray(out[:h, :w], dtype=np.float32)


def expose(light: F32, look: Look, seed: int) -> NDArray[np.uint8]:
    """Turn light (3, H, W; 1 = white in full sun) into an image (3, H, W) uint8; `light` is overwritten.

    Haze, white balance, gamma with a soft shoulder, saturation, contrast, lens blur, sensor noise, compression.
    """
    rng = np.random.default_rng([seed, 9])
    air = (0.72, 0.78, 0.86)
    for k in range(3):
        c = light[k] * np.float32((1 - look.haze) * look.cast[k]) + np.float32(look.haze * 0.45 * air[k])
        c = blur(c, look.blur_px)
        np.clip(c, 0.0, None, out=c)
        c /= 1 + np.float32(0.25) * c * c
        light[k] = np.float32(1.09) * c ** np.float32(look.gamma / 2.2)
    gray = sum(np.float32(w) * light[k] for k, w in enumerate(LUMA))
    mean = np.float32(0.48)
    out = np.empty(light.shape, dtype=np.uint8)
    strong = max(look.jpeg, 0.0)
    for k in range(3):
        chroma = blur((light[k] - gray) * np.float32(look.saturation), 1.0)
        c = (gray + chroma - mean) * np.float32(look.contrast) + mean
        c *= 255
        c += rng.standard_normal(c.shape, dtype=np.float32) * np.float32(look.noise)
        if strong > 0:
            c = quantise_blocks(c - 128, strong) + 128
        np.clip(c, 0, 255, out=c)
        out[k] = np.rint(c)
    return out
