"""Looks: colour, blur, noise, holes and scene borders, the same for a patch and its contexts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fctl_geo.spec import Context
from fctl_geo.training.samples import Sample
from fctl_geo.training.sources import IGNORE

Looks = Literal["varied", "plain"]
"""varied: another season, sensor, weather; plain: the pixels as they are."""


def augment(
    sample: Sample, scales: Sequence[Context], hole_label: int, rng: np.random.Generator, looks: Looks = "varied"
) -> tuple[Tensor, Tensor]:
    """A sample made to look otherwise.

    Args:
        hole_label: label of unmarked white or black holes that are cut in (IGNORE: not judged).
    Returns:
        (T, bands, P, P) float pixels in 0..1, NaN where there is no imagery; (P, P) uint8 label.
    """
    if looks == "plain":
        return to_tensors(sample)
    pixels = sample.levels.astype(np.float32) / 255.0
    label, valid = sample.label, sample.valid
    if rng.random() < 0.1:
        valid = valid & ~_half_plane(valid.shape[1], scales, rng, outside_patch=True)
    pixels = _colours(pixels, rng)
    if rng.random() < 0.08:
        hole = _half_plane(valid.shape[1], scales, rng, outside_patch=False)
        value = 1.0 if rng.random() < 0.7 else 0.0
        pixels[hole] = value
        label = np.where(hole[0], hole_label, label)
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    images[0] = _optics(images[0], rng)
    images = images.clamp(0, 1)
    images.masked_fill_(torch.from_numpy(~valid).unsqueeze(1), math.nan)
    label = np.where(valid[0], label, IGNORE)
    return images, torch.from_numpy(np.ascontiguousarray(label))


def to_tensors(sample: Sample) -> tuple[Tensor, Tensor]:
    """(T, bands, P, P) float pixels in 0..1, NaN where there is no imagery, and (P, P) label, unchanged."""
    images = torch.from_numpy(np.ascontiguousarray(sample.levels.transpose(0, 3, 1, 2))).float().div_(255)
    images.masked_fill_(torch.from_numpy(~sample.valid).unsqueeze(1), math.nan)
    label = np.where(sample.valid[0], sample.label, IGNORE)
    return images, torch.from_numpy(np.ascontiguousarray(label))


def _half_plane(
    size: int, scales: Sequence[Context], rng: np.random.Generator, *, outside_patch: bool
) -> NDArray[np.bool_]:
    """(T, P, P): beyond a random line, the same line in the patch and its contexts; a global context knows no line."""
    angle = rng.uniform(0, 2 * math.pi)
    reach = rng.uniform(1.0, 2.0) if outside_patch else rng.uniform(0.2, 0.9)
    axis = (np.arange(size, dtype=np.float32) - (size - 1) / 2) / (size / 2)
    line = math.cos(angle) * axis[:, None] + math.sin(angle) * axis[None, :]
    planes = [np.zeros_like(line, np.bool_) if s == "global" else s * line > reach for s in scales]
    return np.stack(planes)


def _colours(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Another season, sensor or sun. Most changes are small: strong ones were measured to slow learning threefold."""
    if rng.random() < 0.25:
        return pixels.copy()
    strength, bands = rng.uniform(0, 1), pixels.shape[-1]
    gray = pixels.mean(axis=-1, keepdims=True)
    saturation = 0.0 if rng.random() < 0.02 else math.exp(strength * rng.uniform(-0.6, 0.6))
    pixels = gray + saturation * (pixels - gray)
    # Haze and sensors tint the dark parts, white balance the bright ones: what is vegetation beside asphalt is told by
    # the difference of their hues, not by the hue.
    tint = np.asarray(rng.normal(0, 0.05, bands), np.float32)
    pixels = pixels + strength * tint * np.clip(1 - gray, 0, 1)
    gain = np.exp(strength * rng.normal(0, 0.06, bands)).astype(np.float32)
    mean = float(pixels[0].mean())
    contrast = 1 + strength * rng.uniform(-0.3, 0.35)
    brightness = strength * rng.normal(0, 0.05)
    pixels = (pixels * gain - mean) * contrast + mean + brightness
    gamma = math.exp(strength * rng.normal(0, 0.25))
    return np.clip(pixels, 0, 1).astype(np.float32) ** np.float32(gamma)


def _optics(image: Tensor, rng: np.random.Generator) -> Tensor:
    kind = rng.random()
    if kind < 0.1:
        image = _blur(image, rng.uniform(0.4, 1.2))
    elif kind < 0.2:
        size = image.shape[-1]
        small = max(16, round(size / rng.uniform(1.2, 2.0)))
        smaller = F.interpolate(image[None], (small, small), mode="bilinear", antialias=True)
        image = F.interpolate(smaller, (size, size), mode="bilinear")[0]
    elif kind < 0.27:
        image = image + 0.6 * (image - _blur(image, 1.2))
    if rng.random() < 0.25:
        noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), np.float32))
        image = image + float(rng.uniform(0.005, 0.03)) * noise
    return image


def _blur(image: Tensor, sigma_px: float) -> Tensor:
    taps = torch.exp(-(torch.arange(-4, 5, dtype=torch.float32) ** 2) / (2 * sigma_px**2))
    bands = len(image)
    taps = (taps / taps.sum()).expand(bands, 1, 1, 9)
    padded = F.pad(image[None], (4, 4, 4, 4), mode="replicate")
    return F.conv2d(F.conv2d(padded, taps, groups=bands), taps.transpose(2, 3), groups=bands)[0]
