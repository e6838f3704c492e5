"""Crude masks that the refinement network is trained on: montages of patches side by side (paper, 4.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.training.augment import Looks, augment
from fctl_geo.training.samples import SampleSource, View, cut_sample
from fctl_geo.training.sources import IGNORE

Predict = Callable[[SegmentationNetwork, Tensor], Tensor]

TILES = 3
"""Patches along each side of a montage, so that it has seams and many patches with context can be cut from it."""
_CHUNK = 16
"""Montages per file: at most this many are lost if a run is killed."""


@dataclass(frozen=True, slots=True)
class CrudeSample:
    """A montage of crude classes and the truth."""

    crude: NDArray[np.uint8]
    """(M, M) class index; 255: no imagery."""
    label: NDArray[np.uint8]
    """(M, M) row of the allowed table, or IGNORE."""


def make_crude_samples(
    network: SegmentationNetwork,
    samples: SampleSource,
    count: int,
    patch_px: int,
    predict: Predict,
    progress: Progress,
    *,
    keep: Path | None = None,
    looks: Looks = "varied",
    seed: int = 7,
) -> list[CrudeSample]:
    """Segment random places, several patches side by side without overlap.

    Args:
        keep: a folder in which montages are kept, so that a resumed run does not have to recompute them.
    """
    network.eval()
    progress.stage("crude masks", count)
    made: list[CrudeSample] = []
    for begin in range(0, count, _CHUNK):
        numbers = range(begin, min(count, begin + _CHUNK))
        path = keep / f"crude-{begin:06d}.npz" if keep else None
        if path is not None and path.exists():
            made += _read(path)
            progress.advance(len(numbers))
            continue
        chunk = []
        for i in numbers:
            check_cancelled(progress)
            rng = np.random.default_rng((seed, i))
            chunk.append(_crude_sample(network, samples, patch_px, predict, looks, rng))
            progress.advance()
        if path is not None:
            _write(path, chunk)
        made += chunk
    return made


def _read(path: Path) -> list[CrudeSample]:
    with np.load(path) as kept:
        return [CrudeSample(c, t) for c, t in zip(kept["crude"], kept["label"], strict=True)]


def _write(path: Path, chunk: Sequence[CrudeSample]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.partial.npz")
    np.savez_compressed(aside, crude=np.stack([s.crude for s in chunk]), label=np.stack([s.label for s in chunk]))
    aside.replace(path)


def _crude_sample(
    network: SegmentationNetwork,
    samples: SampleSource,
    size_px: int,
    predict: Predict,
    looks: Looks,
    rng: np.random.Generator,
) -> CrudeSample:
    ground, view = samples.place(rng)
    step = view.gsd_m * size_px / ground.gsd_m
    look = int(rng.integers(1 << 31))  # the same augmentation for all patches of a montage: it is one scene
    side = size_px * TILES
    crude = np.empty((side, side), np.uint8)
    label = cut_sample(ground, view, side, (1,)).label
    for i in range(TILES):
        for j in range(TILES):
            away = (i - (TILES - 1) / 2) * step, (j - (TILES - 1) / 2) * step
            cut = cut_sample(ground, _shifted(view, *away), size_px, samples.scales)
            image = augment(cut, samples.scales, IGNORE, np.random.default_rng(look), looks)[0]
            with torch.inference_mode():
                classes = predict(network, image[None]).argmax(1)[0].cpu().numpy().astype(np.uint8)
            classes[np.isnan(image[0, 0].numpy())] = IGNORE
            crude[i * size_px : (i + 1) * size_px, j * size_px : (j + 1) * size_px] = classes
    return CrudeSample(crude, label)


def _shifted(view: View, down: float, right: float) -> View:
    """A view moved along its own (rotated, mirrored) axes."""
    cos, sin = math.cos(view.angle_rad), math.sin(view.angle_rad)
    right = -right if view.mirror else right
    return View(
        view.row + cos * down - sin * right,
        view.col + sin * down + cos * right,
        view.gsd_m,
        view.angle_rad,
        view.mirror,
    )
