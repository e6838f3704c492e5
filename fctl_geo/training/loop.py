"""The training loop, to be read top to bottom."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fctl_geo.errors import TrainingError
from fctl_geo.model.lite import FctlLite, LiteConfig
from fctl_geo.model.normalise import normalise
from fctl_geo.progress import Progress, Silent, check_cancelled
from fctl_geo.training.augment import augment
from fctl_geo.training.loss import partial_label_loss
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.recipe import Recipe, SourceSpec
from fctl_geo.training.samples import PyramidImage, SampleSource, View
from fctl_geo.training.sources import IGNORE, AllowedTable, load_source


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a recipe is run."""

    data: Path
    """The folder below which the recipe's sources lie."""
    run: Path
    """A folder for checkpoints and the log."""
    seed: int = 1
    device: str = "cpu"
    steps: int | None = None
    """Other than the recipe's number of steps."""
    checkpoint_every: int = 100
    validate_every: int = 500


_EARLY = "early.pt"
EARLY_SHARE = 0.4
"""Of the steps: when the network is kept whose crude masks teach the refinement (20 of 50 epochs; paper, 4.2)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training gives."""

    network: FctlLite
    """With averaged weights."""
    early: FctlLite
    """As it was early in the training."""
    samples: SampleSource
    table: AllowedTable


def use_threads(threads: int | None) -> None:
    """Let torch compute with so many threads; None: as many as it likes."""
    if threads is not None:
        torch.set_num_threads(threads)


def train(recipe: Recipe, settings: TrainingSettings, progress: Progress = Silent()) -> Trained:  # noqa: B008
    """Train the recipe's network; goes on from the last checkpoint in the run's folder.

    Raises:
        TrainingError: data that does not fit the recipe, before the first step.
    """
    device = torch.device(settings.device)
    steps = settings.steps or recipe.steps
    table = AllowedTable(recipe.legend)
    hole_label = table.index_of([recipe.hole]) if recipe.hole else IGNORE
    config = LiteConfig(bands=3, classes=len(recipe.legend), **recipe.network)
    samples = _sample_source(recipe, settings, table, config.contexts, progress)
    validation = [(v, _images(v, settings, table, recipe)) for v in recipe.validation]
    allowed = torch.from_numpy(table.matrix()).to(device)

    torch.manual_seed(settings.seed)
    network = FctlLite(config).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(_parameter_groups(network, recipe.weight_decay), lr=recipe.learning_rate)
    average = copy.deepcopy(network).requires_grad_(False)
    first = _resume(settings.run, network, optimiser, average)
    log = _Log(settings.run, progress)
    progress.stage("train", steps)
    progress.advance(first)
    for step in range(first, steps):
        check_cancelled(progress)
        rng = np.random.default_rng((settings.seed, step))  # a step's samples do not depend on the steps before
        levels, labels = _batch(samples, recipe.batch, hole_label, rng)
        levels, labels = levels.to(device), labels.to(device).long()
        labels = torch.where(labels == IGNORE, len(allowed) - 1, labels)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, steps)
        network.train()
        logits = forward(network, levels)
        loss = partial_label_loss(logits, labels, allowed)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        _follow(average, network, step)
        progress.advance()
        log.step(step, float(loss.detach()))
        if step + 1 == round(EARLY_SHARE * steps):
            _keep_early(settings.run, average)
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == steps:
            _checkpoint(settings.run, step + 1, network, optimiser, average)
        if (step + 1) % settings.validate_every == 0 and step + 1 < steps:
            log.validation(step + 1, validate(average, validation, recipe, table, device))
    log.validation(steps, validate(average, validation, recipe, table, device))
    early = copy.deepcopy(average)
    early.load_state_dict(torch.load(settings.run / _EARLY, weights_only=True))
    return Trained(average.eval(), early.eval(), samples, table)


def _images(source: SourceSpec, settings: TrainingSettings, table: AllowedTable, recipe: Recipe):  # type: ignore[no-untyped-def]
    return load_source(source, table, settings.data, recipe.gsd_m * recipe.zoom[0] * 0.86)


def _sample_source(
    recipe: Recipe, settings: TrainingSettings, table: AllowedTable, scales: tuple[int, ...], progress: Progress
) -> SampleSource:
    if not recipe.sources:
        raise TrainingError(f"recipe {recipe.name!r} names no source", hint="add a [[sources]] table")
    groups = []
    for source in recipe.sources:
        images = _images(source, settings, table, recipe)
        progress.say(f"{source.name}: {len(images)} images, {sum(i.label.size for i in images) / 1e6:.1f} MPix")
        groups.append((source.weight, [PyramidImage(image) for image in images]))
    return SampleSource(groups, gsd_m=recipe.gsd_m, zoom=recipe.zoom, size_px=recipe.sample_px, scales=scales)


def _batch(samples: SampleSource, size: int, hole_label: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    pairs = [augment(samples.draw(rng), samples.scales, hole_label, rng) for _ in range(size)]
    return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])


def forward(network: FctlLite, levels: Tensor) -> Tensor:
    """Logits of (B, T, 3, P, P) levels; contexts teach nothing to the encoder, as in the released code (frozen)."""
    patch = normalise(levels[:, 0])
    with torch.no_grad():
        contexts = [
            network.encode_context(normalise(levels[:, t])) for t, s in enumerate(network.config.contexts) if s != 1
        ]
    return network.segment(patch, contexts)


def _parameter_groups(network: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    decayed = [p for p in network.parameters() if p.ndim > 1]
    free = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


@torch.no_grad()
def _follow(average: FctlLite, network: FctlLite, step: int) -> None:
    """Exponential average of weights and statistics over about 500 steps, over fewer at the beginning."""
    share = max(0.002, 1 / (step + 1))
    ours = average.state_dict()
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            ours[key].lerp_(value, share)


def _schedule(step: int, steps: int) -> float:
    """Linear warm-up over 100 steps, then a cosine to 1 %."""
    warm = min(1.0, (step + 1) / 100)
    return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def validate(
    network: FctlLite,
    sets: Sequence[tuple[SourceSpec, list]],  # type: ignore[type-arg]
    recipe: Recipe,
    table: AllowedTable,
    device: torch.device,
) -> dict[str, dict[str, float]]:
    """IoU per class of each validation set, over a grid of samples at the model's GSD, without augmentation."""
    network.eval()
    results = {}
    for source, images in sets:
        confusion = Confusion(len(recipe.legend))
        for image in map(PyramidImage, images):
            step = recipe.sample_px * recipe.gsd_m / image.image.gsd_m
            height, width = image.image.label.shape
            for row in np.arange(step / 2, max(height, step), step):
                for col in np.arange(step / 2, max(width, step), step):
                    sample = image.cut(View(row, col, recipe.gsd_m), recipe.sample_px, network.config.contexts)
                    if (sample.label == IGNORE).all():
                        continue
                    levels = torch.from_numpy(sample.levels).permute(0, 3, 1, 2).float().div_(255)
                    levels.masked_fill_(torch.from_numpy(~sample.valid).unsqueeze(1), math.nan)
                    with torch.inference_mode():
                        guess = forward(network, levels[None].to(device)).argmax(1)[0].cpu().numpy()
                    confusion.add(guess, sample.label, table)
        results[source.name] = confusion.iou([c.name for c in recipe.legend])
    network.train()
    return results


def _checkpoint(
    run: Path, step: int, network: FctlLite, optimiser: torch.optim.Optimizer, average: torch.nn.Module
) -> None:
    run.mkdir(parents=True, exist_ok=True)
    state = {
        "step": step,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.state_dict(),
    }
    aside = run / ".checkpoint.partial.pt"
    torch.save(state, aside)
    aside.replace(run / "checkpoint.pt")


def _keep_early(run: Path, average: FctlLite) -> None:
    aside = run / f".{_EARLY}"
    torch.save(average.state_dict(), aside)
    aside.replace(run / _EARLY)


def _resume(run: Path, network: FctlLite, optimiser: torch.optim.Optimizer, average: torch.nn.Module) -> int:
    path = run / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)  # our own file, and still only tensors are read
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    average.load_state_dict(state["average"])
    return int(state["step"])


class _Log:
    """Loss and metrics: a CSV a run, a sentence now and then."""

    def __init__(self, run: Path, progress: Progress) -> None:
        run.mkdir(parents=True, exist_ok=True)
        self.path, self.progress = run / "log.csv", progress
        self.losses: list[float] = []
        self.start = time.monotonic()

    def step(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        if (step + 1) % 50 == 0:
            mean = sum(self.losses) / len(self.losses)
            seconds = (time.monotonic() - self.start) / len(self.losses)
            self._write(f"{step + 1},loss,,{mean:.4f}")
            self.progress.say(f"step {step + 1}: loss {mean:.4f}, {seconds:.2f} s a step")
            self.losses, self.start = [], time.monotonic()

    def validation(self, step: int, metrics: dict[str, dict[str, float]]) -> None:
        for name, classes in metrics.items():
            for key, value in classes.items():
                self._write(f"{step},{name},{key},{value:.4f}")
            self.progress.say(f"step {step}, {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in classes.items()))
        self.start = time.monotonic()

    def _write(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
