"""Color augmentation: another sensor, season, sun, or processing, the same for a patch and its contexts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fctl_geo.spec import Context

UNCHANGED_SHARE = 0.15
GRAY_SHARE = 0.04
STRETCH_SHARE = 0.25
"""Stretched by percentiles, as 16-bit images are when they are scaled to 8 bits."""
HAZE_SHARE = 0.2
SEASON_SHARE = 0.25
SHADOW_SHARE = 0.12

Pixels = NDArray[np.float32]


def recolor(levels: NDArray[np.uint8], scales: Sequence[Context], rng: np.random.Generator) -> Pixels:
    """Change the colors at random.

    Args:
        levels: (T, P, P, bands).
    Returns:
        The same shape, float in 0..1.
    """
    if rng.random() < UNCHANGED_SHARE:
        return np.multiply(levels, np.float32(1 / 255), dtype=np.float32)
    strength = rng.uniform(0.0, 1.0)
    pixels = _band_by_band(levels, strength, rng)
    if levels.shape[-1] >= 3 and rng.random() < SEASON_SHARE:
        _another_season(pixels, rng)
    _saturate(pixels, strength, rng)
    if rng.random() < SHADOW_SHARE:
        pixels *= _shadow(levels.shape[1], scales, rng)[..., None]
    return np.clip(pixels, 0, 1, out=pixels)


def _band_by_band(levels: NDArray[np.uint8], strength: float, rng: np.random.Generator) -> Pixels:
    """White balance, contrast, brightness, gamma, haze and scaling: a curve of 256 values for each band."""
    bands = levels.shape[-1]
    seen = levels[:, ::8, ::8].reshape(-1, bands)
    curves = np.repeat(np.linspace(0, 1, 256)[:, None], bands, axis=1)
    if rng.random() < STRETCH_SHARE:
        curves = _stretched(curves, seen, rng)
    mean = float(curves[seen, np.arange(bands)].mean())
    gain = np.exp(strength * rng.normal(0, 0.08, bands))
    contrast = 1 + strength * rng.uniform(-0.4, 0.45)
    curves = (curves * gain - mean) * contrast + mean + strength * rng.normal(0, 0.08)
    curves = np.clip(curves, 0, 1) ** math.exp(strength * rng.normal(0, 0.35))
    if rng.random() < HAZE_SHARE:
        airlight = rng.uniform(0.55, 0.95) + rng.normal(0, 0.04, bands)
        thickness = rng.uniform(0.05, 0.45)
        curves = curves * (1 - thickness) + airlight * thickness
    tint = strength * rng.normal(0, 0.05, bands)  # of the dark parts: scattered light and black level
    curves = curves + tint * (1 - curves)
    values = np.clip(curves, 0, 1).astype(np.float32)
    out = np.empty(levels.shape, np.float32)
    for band in range(bands):
        np.take(values[:, band], levels[..., band], out=out[..., band], mode="clip")
    return out


def _stretched(curves: NDArray[np.float64], seen: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float64]:
    """Stretch between two percentiles, of all bands together or of each; values beyond are clipped."""
    cut = rng.uniform(0.1, 3.0)
    low, high = np.percentile(seen, (cut, 100 - cut), axis=None if rng.random() < 0.5 else 0) / 255
    stretched: NDArray[np.float64] = np.clip((curves - low) / np.maximum(high - low, 0.08), 0, 1)
    return stretched


def _another_season(pixels: Pixels, rng: np.random.Generator) -> None:
    """Turn green to brown, yellow, or a stronger green."""
    greenness = pixels[..., 1] - np.maximum(pixels[..., 0], pixels[..., 2])
    np.clip(4 * greenness + 0.3, 0, 1, out=greenness)
    turn = np.array([rng.uniform(-0.08, 0.25), rng.uniform(-0.1, 0.08), rng.uniform(-0.12, 0.04)], np.float32)
    pixels[..., :3] += greenness[..., None] * turn


def _saturate(pixels: Pixels, strength: float, rng: np.random.Generator) -> None:
    keep = 0.0 if rng.random() < GRAY_SHARE else math.exp(strength * rng.uniform(-0.9, 0.4))
    gray = pixels.mean(axis=-1, keepdims=True)
    pixels -= gray
    pixels *= np.float32(keep)
    pixels += gray


def _shadow(size: int, scales: Sequence[Context], rng: np.random.Generator) -> Pixels:
    """(T, P, P) brightness factor of a soft cloud shadow, at the same ground in the patch and its contexts."""
    waves = rng.normal(0, 2.5, (4, 2))
    phases, level = rng.uniform(0, 2 * math.pi, 4), rng.uniform(0.0, 1.2)
    dark, edge = rng.uniform(0.4, 0.85), rng.uniform(1.0, 8.0)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    light = []
    for scale in scales:
        at = axis * (8.0 if scale == "global" else scale)
        rows, cols = (np.outer(waves[:, k], at) for k in (0, 1))
        field = sum(
            np.outer(np.cos(r + p), np.cos(c)) - np.outer(np.sin(r + p), np.sin(c))
            for r, c, p in zip(rows, cols, phases, strict=True)
        )
        light.append(1 - (1 - dark) * np.clip(edge * (field - level), 0, 1))
    return np.stack(light).astype(np.float32)
