"""Training of the refinement network on crude masks of an early-stopped segmentation network (paper, 4.2).

The crude masks are montages of four patches, so that seams run through the middle of every sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fctl_geo.model.lite import FctlLite
from fctl_geo.model.refinement import RefinementConfig, RefinementNet
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.training.augment import augment
from fctl_geo.training.samples import SampleSource, View, cut_sample
from fctl_geo.training.sources import IGNORE, AllowedTable

Predict = Callable[[FctlLite, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class RefinementSettings:
    """How long, how much."""

    samples: int = 320
    """Crude masks to learn from; each is seen in all flips and turns."""
    steps: int = 800
    batch: int = 8
    patch_px: int = 256
    learning_rate: float = 2e-3
    seed: int = 1


@dataclass(frozen=True, slots=True)
class CrudeSample:
    """A crude mask and the truth in its middle."""

    crude: NDArray[np.uint8]
    """(2P, 2P) class index; 255: no imagery."""
    label: NDArray[np.uint8]
    """(P, P) row of the allowed table, or IGNORE."""


def make_crude_samples(
    network: FctlLite,
    samples: SampleSource,
    settings: RefinementSettings,
    predict: Predict,
    progress: Progress,
) -> list[CrudeSample]:
    """Segment random places with a network that is not done learning."""
    network.eval()
    progress.stage("crude masks", settings.samples)
    made = []
    for i in range(settings.samples):
        check_cancelled(progress)
        made.append(_crude_sample(network, samples, settings.patch_px, predict, np.random.default_rng((7, i))))
        progress.advance()
    return made


def _crude_sample(
    network: FctlLite, samples: SampleSource, size_px: int, predict: Predict, rng: np.random.Generator
) -> CrudeSample:
    image, view = samples.place(rng)
    parts, step = [], view.gsd_m * size_px / image.gsd_m
    look = int(rng.integers(1 << 31))  # the four patches of a montage look alike: it is one scene
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        cut = cut_sample(image, _shifted(view, (i - 0.5) * step, (j - 0.5) * step), size_px, samples.scales)
        parts.append(augment(cut, samples.scales, IGNORE, np.random.default_rng(look))[0])
    with torch.inference_mode():
        classes = predict(network, torch.stack(parts)).argmax(1).numpy().astype(np.uint8)
    classes[np.isnan(torch.stack(parts)[:, 0, 0].numpy())] = IGNORE
    crude = np.concatenate([np.concatenate(classes[:2], 1), np.concatenate(classes[2:], 1)], 0)
    label = cut_sample(image, view, size_px, (1,)).label
    return CrudeSample(crude, label)


def _shifted(view: View, down: float, right: float) -> View:
    """A view moved in its own (turned, mirrored) axes."""
    cos, sin = math.cos(view.angle_rad), math.sin(view.angle_rad)
    right = -right if view.mirror else right
    return View(
        view.row + cos * down - sin * right,
        view.col + sin * down + cos * right,
        view.gsd_m,
        view.angle_rad,
        view.mirror,
    )


def train_refinement(
    crude: Sequence[CrudeSample], table: AllowedTable, settings: RefinementSettings, progress: Progress
) -> RefinementNet:
    """The network that turns crude masks into better ones; focal loss with gamma 3 (paper, 3.2)."""
    torch.manual_seed(settings.seed)
    network = RefinementNet(RefinementConfig())
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    progress.stage("train refinement", settings.steps)
    losses = []
    for step in range(settings.steps):
        check_cancelled(progress)
        rng = np.random.default_rng((settings.seed, step))
        patch, context, truth, judged = _batch(crude, table, settings.batch, rng)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / settings.steps)))
        loss = _loss(network(patch, context), truth, judged)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
        progress.advance()
        if (step + 1) % 100 == 0:
            progress.say(f"refinement, step {step + 1}: loss {np.mean(losses[-100:]):.4f}")
    return network.eval()


def _loss(logits: Tensor, truth: Tensor, judged: Tensor) -> Tensor:
    p = torch.sigmoid(logits)
    wrongness = torch.where(truth > 0.5, 1 - p, p).detach()
    focal = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * wrongness**3
    both = (p * truth * judged).sum()
    either = ((p + truth) * judged).sum() - both
    return 4 * (focal * judged).sum() / judged.sum().clamp(min=1) + 1 - both / either.clamp(min=1)


def _batch(
    crude: Sequence[CrudeSample], table: AllowedTable, size: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rows = [_one(crude[int(rng.integers(len(crude)))], table, rng) for _ in range(size)]
    patch, context, truth, judged = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
    return patch, context, truth, judged


def _one(sample: CrudeSample, table: AllowedTable, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
    """A random class of a sample, turned at random: patch and context planes, truth, and where truth is known."""
    turns, flip = int(rng.integers(4)), bool(rng.random() < 0.5)
    wide, label = (np.rot90(a[:, ::-1] if flip else a, turns) for a in (sample.crude, sample.label))
    size = label.shape[0]
    middle = wide[size // 2 : size // 2 + size, size // 2 : size // 2 + size]
    index = 1 if len(table.names) == 2 else _any_class(middle, len(table.names), rng)
    always = np.array([row == (index,) for row in table.rows] + [False] * (256 - len(table.rows)))
    never = np.array([index not in row for row in table.rows] + [False] * (256 - len(table.rows)))
    planes = np.stack([wide == index, wide != IGNORE]).astype(np.float32)
    context = planes.reshape(2, size, 2, size, 2).mean((2, 4))
    patch = np.stack([middle == index, middle != IGNORE]).astype(np.float32)
    truth, judged = always[label][None].astype(np.float32), (always | never)[label][None].astype(np.float32)
    return patch, context, truth, judged * (middle != IGNORE)


def _any_class(mask: NDArray[np.uint8], classes: int, rng: np.random.Generator) -> int:
    present = np.unique(mask[mask < classes])
    return int(rng.choice(present)) if len(present) else 0


def intersection_over_union(
    network: RefinementNet, crude: Sequence[CrudeSample], table: AllowedTable
) -> tuple[float, float]:
    """IoU of the masks before and after refinement, over random classes of the samples."""
    counts = np.zeros((2, 2))
    for i, sample in enumerate(crude):
        patch, context, truth, judged = _one(sample, table, np.random.default_rng(i))
        with torch.inference_mode():
            after = network(torch.from_numpy(patch)[None], torch.from_numpy(context)[None])[0].numpy() > 0
        for k, guess in enumerate((patch[:1] > 0.5, after)):
            known, true = judged > 0, truth > 0.5
            counts[k] += ((guess & true & known).sum(), ((guess | true) & known).sum())
    before_after = counts[:, 0] / np.maximum(counts[:, 1], 1)
    return float(before_after[0]), float(before_after[1])
