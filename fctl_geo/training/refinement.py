"""Training of the refinement network: crude masks in, the truth out, one class at a time (paper, 3.2 and 4.2)."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fctl_geo.model.configs import RefinementConfig
from fctl_geo.model.refinement import RefinementNet
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.training.checkpoint import load_checkpoint, save_checkpoint
from fctl_geo.training.crude import CrudeSample
from fctl_geo.training.method import RefinementSettings
from fctl_geo.training.optimizer import follow
from fctl_geo.training.sources import IGNORE, AllowedTable

_SPAN_STEPS = 50
"""Span of the average of the weights: short, because the training is short."""

Example = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Patch planes (2, P, P), context planes (2, P, P), truth (1, P, P), and where the truth is known (1, P, P)."""


def train_refinement(
    crude: Sequence[CrudeSample],
    table: AllowedTable,
    settings: RefinementSettings,
    folder: Path,
    progress: Progress,
    *,
    checkpoint_every: int = 100,
) -> RefinementNet:
    """The network that improves crude masks; resumes from the last checkpoint in `folder`.

    Returns:
        The network with the average of its weights, in inference mode.
    """
    torch.manual_seed(settings.seed)
    whole = float(settings.context).is_integer()
    network = RefinementNet(RefinementConfig(context=int(settings.context) if whole else settings.context))
    average = copy.deepcopy(network).requires_grad_(False).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    first, _ = load_checkpoint(folder, network=network, optimizer=optimizer, average=average)
    progress.stage("train refinement", settings.steps)
    progress.advance(first)
    losses = []
    for step in range(first, settings.steps):
        check_cancelled(progress)
        patch, context, truth, judged = _batch(crude, table, settings, np.random.default_rng((settings.seed, step)))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / settings.steps)))
        loss = _loss(network(patch, context), truth, judged)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        follow(average, network, step, span_steps=_SPAN_STEPS)
        losses.append(float(loss.detach()))
        progress.advance()
        progress.measure({"refinement loss": float(np.mean(losses[-100:]))})
        if (step + 1) % checkpoint_every == 0 or step + 1 == settings.steps:
            save_checkpoint(folder, step + 1, network=network, optimizer=optimizer, average=average)
            progress.say(f"refinement, step {step + 1}: loss {np.mean(losses[-100:]):.4f}")
    return average


def _loss(logits: Tensor, truth: Tensor, judged: Tensor) -> Tensor:
    """Focal loss with gamma 3 (paper, 3.2), and soft Jaccard."""
    p = torch.sigmoid(logits)
    wrongness = torch.where(truth > 0.5, 1 - p, p).detach()
    focal = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * wrongness**3
    both = (p * truth * judged).sum()
    either = ((p + truth) * judged).sum() - both
    return 4 * (focal * judged).sum() / judged.sum().clamp(min=1) + 1 - both / either.clamp(min=1)


def _batch(
    crude: Sequence[CrudeSample], table: AllowedTable, settings: RefinementSettings, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rows = [
        example(_worse(crude[int(rng.integers(len(crude)))], settings.corruption, rng), table, settings, rng)
        for _ in range(settings.batch)
    ]
    patch, context, truth, judged = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
    return patch, context, truth, judged


def example(
    sample: CrudeSample, table: AllowedTable, settings: RefinementSettings, rng: np.random.Generator
) -> Example:
    """A random patch of a montage with its context, randomly rotated, for a random class."""
    turns, flip = int(rng.integers(4)), bool(rng.random() < 0.5)
    crude, label = (np.rot90(a[:, ::-1] if flip else a, turns) for a in (sample.crude, sample.label))
    size = min(settings.patch_px, crude.shape[0] // 16 * 16)
    row, col = (int(rng.integers(n - size + 1)) for n in crude.shape)
    margin = round((settings.context - 1) * size / 2)
    wide = np.pad(crude, margin, constant_values=IGNORE)[row : row + size + 2 * margin, col : col + size + 2 * margin]
    middle, label = crude[row : row + size, col : col + size], label[row : row + size, col : col + size]
    index = 1 if len(table.names) == 2 else _any_class(middle, len(table.names), rng)
    always = np.array([row == (index,) for row in table.rows] + [False] * (256 - len(table.rows)))
    never = np.array([index not in row for row in table.rows] + [False] * (256 - len(table.rows)))
    planes = torch.from_numpy(np.stack([wide == index, wide != IGNORE]).astype(np.float32))[None]
    context = F.interpolate(planes, (size, size), mode="area")[0].numpy()
    patch = np.stack([middle == index, middle != IGNORE]).astype(np.float32)
    truth, judged = always[label][None].astype(np.float32), (always | never)[label][None].astype(np.float32)
    return patch, context, truth, judged * (middle != IGNORE)


def _any_class(mask: NDArray[np.uint8], classes: int, rng: np.random.Generator) -> int:
    present = np.unique(mask[mask < classes])
    return int(rng.choice(present)) if len(present) else 0


def _worse(sample: CrudeSample, share: float, rng: np.random.Generator) -> CrudeSample:
    """Add errors to a share of the samples: contours moved by some pixels in some places."""
    if rng.random() >= share:
        return sample
    height, width = sample.crude.shape
    noise = torch.from_numpy(rng.standard_normal((1, 1, height // 24 + 2, width // 24 + 2), np.float32))
    smooth = F.interpolate(noise, (height, width), mode="bilinear")[0, 0].numpy()
    moved = np.roll(sample.crude, tuple(rng.integers(-4, 5, 2)), (0, 1))
    return CrudeSample(np.where(smooth > 0.6, moved, sample.crude), sample.label)


def intersection_over_union(
    network: RefinementNet, crude: Sequence[CrudeSample], table: AllowedTable, settings: RefinementSettings
) -> tuple[float, float]:
    """IoU of crude masks before and after refinement, over random patches and classes of the samples."""
    counts = np.zeros((2, 2))
    for i, sample in enumerate(crude):
        patch, context, truth, judged = example(sample, table, settings, np.random.default_rng(i))
        with torch.inference_mode():
            after = network(torch.from_numpy(patch)[None], torch.from_numpy(context)[None])[0].numpy() > 0
        for k, guess in enumerate((patch[:1] > 0.5, after)):
            known, true = judged > 0, truth > 0.5
            counts[k] += ((guess & true & known).sum(), ((guess | true) & known).sum())
    before_after = counts[:, 0] / np.maximum(counts[:, 1], 1)
    return float(before_after[0]), float(before_after[1])
