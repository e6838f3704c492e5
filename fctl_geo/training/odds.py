"""Fits the odds of the classes at the end of a training, because the loss leaves them biased.

Rare classes are sampled and weighted more than they occur, so the network predicts them too often. One number per
class, added to its logits in the last layer, corrects this. The numbers maximize the mean IoU over classes and
sources on the training data, without augmentation and with the true class frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.training.augment import to_tensors
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.samples import Ground, SampleSource
from fctl_geo.training.sources import AllowedTable

SHIFTS = (-0.8, -0.4, -0.2, -0.1, 0.1, 0.2, 0.4, 0.8)
"""Shifts to try for each class in turn, in log odds."""
ROUNDS = 4
_EVERY_PX = 3
"""Every third pixel of a sample is used, along rows and along columns."""
_SEEN_PX = 100
"""A class with fewer pixels in a source is not scored there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Samples of one source."""

    weight: float
    logits: NDArray[np.float32]
    """(n, K)."""
    label: NDArray[np.uint8]
    """(n,) rows of the allowed table."""


def fit_odds(
    network: SegmentationNetwork,
    groups: Sequence[tuple[float, Sequence[Ground]]],
    table: AllowedTable,
    like: SampleSource,
    count: int,
    progress: Progress,
) -> NDArray[np.float32]:
    """What to add to the logits of each class, from `count` samples of each group; the mean is 0.

    Args:
        like: source of the zoom, size and contexts of the samples.
    """
    progress.stage("odds of the classes", count * len(groups))
    judged = [_judge(network, w, grounds, like, count, seed, progress) for seed, (w, grounds) in enumerate(groups)]
    shifts = best_shifts(judged, table)
    words = ", ".join(f"{n} {np.exp(s):.2f}" for n, s in zip(table.names, shifts, strict=True))
    progress.say(f"odds multiplied by: {words}")
    return shifts


@torch.inference_mode()
def _judge(
    network: SegmentationNetwork, weight: float, grounds: Sequence[Ground], like: SampleSource, count: int, seed: int,
    progress: Progress,
) -> Judged:  # fmt: skip
    network.eval()
    source = SampleSource(
        [(1.0, grounds)], gsd_m=like.gsd_m, zoom=like.zoom, size_px=like.size_px, scales=like.scales, balanced_share=0.0
    )
    logits, labels = [], []
    for i in range(count):
        check_cancelled(progress)
        levels, label = to_tensors(source.draw(np.random.default_rng((seed, i))))
        prepared = [network.prepare(level[None]) for level in levels]
        planes = network.of_classes(network(prepared[0], prepared[1:]))[0, :, ::_EVERY_PX, ::_EVERY_PX]
        logits.append(planes.flatten(1).T.float().numpy())
        labels.append(label[::_EVERY_PX, ::_EVERY_PX].flatten().numpy())
        progress.advance()
    return Judged(weight, np.concatenate(logits), np.concatenate(labels))


def best_shifts(judged: Sequence[Judged], table: AllowedTable) -> NDArray[np.float32]:
    """The shifts with the best score, found one class at a time in several rounds."""
    shifts = np.zeros(len(table.names), np.float32)
    best = score(judged, table, shifts)
    for _ in range(ROUNDS):
        before = best
        for k in range(len(shifts)):
            tried = [shifts + step * (np.arange(len(shifts)) == k) for step in SHIFTS]
            scores = [score(judged, table, t.astype(np.float32)) for t in tried]
            if max(scores) > best:
                best, shifts = max(scores), tried[int(np.argmax(scores))].astype(np.float32)
        if best == before:
            break
    centered: NDArray[np.float32] = (shifts - shifts.mean()).astype(np.float32)
    return centered


def score(judged: Sequence[Judged], table: AllowedTable, shifts: NDArray[np.float32]) -> float:
    """IoU with shifted logits: the weighted mean over the sources that contain a class, averaged over the classes."""
    sums, weights = np.zeros(len(table.names)), np.zeros(len(table.names))
    for part in judged:
        confusion = Confusion(len(table.names))
        confusion.add((part.logits + shifts).argmax(1), part.label, table)
        for k, found in enumerate(confusion.scores(table.names)):
            if found.pixels >= _SEEN_PX:
                sums[k] += part.weight * found.iou
                weights[k] += part.weight
    seen = weights > 0
    return float((sums[seen] / weights[seen]).mean()) if seen.any() else 0.0
