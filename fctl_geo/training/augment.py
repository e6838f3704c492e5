"""Augmentation: colors, optics, holes and scene borders, the same for a patch and its contexts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fctl_geo.spec import Context
from fctl_geo.training.colors import recolor
from fctl_geo.training.optics import photograph
from fctl_geo.training.samples import Sample
from fctl_geo.training.sources import IGNORE

Looks = Literal["varied", "plain"]
"""varied: another season, sensor, or weather; plain: the pixels are unchanged."""


def augment(
    sample: Sample, scales: Sequence[Context], hole_label: int, rng: np.random.Generator, looks: Looks = "varied"
) -> tuple[Tensor, Tensor]:
    """Augment a sample.

    Args:
        hole_label: label of the unmarked white or black holes that are cut into samples (IGNORE: not scored).
    Returns:
        (T, bands, P, P) float pixels in 0..1, NaN where there is no imagery; (P, P) uint8 label.
    """
    if looks == "plain":
        return to_tensors(sample)
    label, valid = sample.label, sample.valid
    if rng.random() < 0.1:
        valid = valid & ~_half_plane(valid.shape[1], scales, rng, outside_patch=True)
    pixels = recolor(sample.levels, scales, rng)
    if rng.random() < 0.08:
        hole = _half_plane(valid.shape[1], scales, rng, outside_patch=False)
        value = 1.0 if rng.random() < 0.7 else 0.0
        pixels[hole] = value
        label = np.where(hole[0], hole_label, label)
    pixels[0] = photograph(pixels[0], rng)
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
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
    """(T, P, P) True beyond a random line, the same in the patch and its contexts; always False in a global context."""
    angle = rng.uniform(0, 2 * math.pi)
    reach = rng.uniform(1.0, 2.0) if outside_patch else rng.uniform(0.2, 0.9)
    axis = (np.arange(size, dtype=np.float32) - (size - 1) / 2) / (size / 2)
    line = math.cos(angle) * axis[:, None] + math.sin(angle) * axis[None, :]
    planes = [np.zeros_like(line, np.bool_) if s == "global" else s * line > reach for s in scales]
    return np.stack(planes)
