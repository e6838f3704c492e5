"""Validation during training: patch by patch, without stitching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.training.augment import to_tensors
from fctl_geo.training.data import TrainingData
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.samples import Ground, View, cut_sample
from fctl_geo.training.sources import IGNORE

MOST_PATCHES = 400
"""Per validation set; a larger set is subsampled evenly."""


@torch.inference_mode()
def validate(
    network: SegmentationNetwork, data: TrainingData, gsd_m: float, size_px: int, device: torch.device
) -> dict[str, dict[str, float]]:
    """IoU per class and 'mIoU' of each validation set at the model's GSD, without augmentation."""
    network.eval()
    results = {}
    for place in data.validation:
        confusion = Confusion(len(data.table.names))
        views = [(ground, view) for ground in place.grounds for view in _views(ground, gsd_m, size_px)]
        every = max(1, -(-len(views) // MOST_PATCHES))
        for ground, view in views[::every]:
            sample = cut_sample(ground, view, size_px, (1, *network.wider))
            if (sample.label == IGNORE).all():
                continue
            levels = to_tensors(sample)[0][None].to(device)
            prepared = [network.prepare(levels[:, t]) for t in range(levels.shape[1])]
            guess = network.of_classes(network(prepared[0], prepared[1:])).argmax(1)[0].cpu().numpy()
            confusion.add(guess, sample.label, data.table)
        results[place.name] = confusion.iou(data.table.names)
    return results


def _views(ground: Ground, gsd_m: float, size_px: int) -> Iterator[View]:
    """A grid that covers the whole ground; only cells with a label."""
    step = size_px * gsd_m / ground.gsd_m
    for i, j in sorted({(int(row // step), int(col // step)) for row, col in ground.labelled}):
        yield View((i + 0.5) * step, (j + 0.5) * step, gsd_m)


def mean_iou(scores: Mapping[str, Mapping[str, float]]) -> float:
    """Mean mIoU of the validation sets; NaN without any."""
    values = [s["mIoU"] for s in scores.values()]
    return float(np.mean(values)) if values else float("nan")
