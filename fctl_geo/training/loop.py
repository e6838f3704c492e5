"""The training loop, to be read top to bottom."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from fctl_geo.errors import TrainingError
from fctl_geo.model.architectures import build_segmentation
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.progress import Progress, Silent, check_cancelled
from fctl_geo.training.batches import Batches, BatchPlan, stream
from fctl_geo.training.checkpoint import LAST, load, load_checkpoint, save, save_checkpoint, state_of
from fctl_geo.training.data import TrainingData, open_data
from fctl_geo.training.frozen_encoder import FeaturePlan, Head, freeze_encoder, keep_features
from fctl_geo.training.log import TrainingLog
from fctl_geo.training.loss import edge_loss, partial_label_loss
from fctl_geo.training.machine import launch
from fctl_geo.training.optimizer import follow, learning_rate, make_optimizer
from fctl_geo.training.plan import begin, estimate, keep_plan
from fctl_geo.training.recipe import Recipe
from fctl_geo.training.samples import SampleSource
from fctl_geo.training.settings import TrainingSettings
from fctl_geo.training.sources import IGNORE, AllowedTable
from fctl_geo.training.start import begin_with_imagenet, begin_with_pretrained, start_from
from fctl_geo.training.validate import mean_iou, validate

_EARLY, _BEST = "early.pt", "best.pt"
_TIMED_STEPS = 4


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training gives."""

    network: SegmentationNetwork
    """With averaged weights, in inference mode, on the CPU."""
    early: SegmentationNetwork
    """As it was early in the training."""
    samples: SampleSource
    table: AllowedTable
    steps: int
    """Steps done: fewer than requested after an early stop."""
    reused: str = ""
    """What was reused from another model, as a sentence."""


def train(recipe: Recipe, settings: TrainingSettings, progress: Progress = Silent()) -> Trained:  # noqa: B008
    """Train a recipe's network on its data.

    Raises:
        TrainingError: data that does not fit the recipe, before the first step.
        Cancelled: stopped; with `resume` the same call continues and gives the same weights.
    """
    recipe, settings = begin(recipe, settings, progress)
    with open_data(recipe, settings.data, settings.run / "labels", progress) as data:
        trained = train_on(recipe, data, settings, progress)
    assert trained is not None, "only one of several processes gives a result"
    return trained


def train_on(
    recipe: Recipe,
    data: TrainingData,
    settings: TrainingSettings,
    progress: Progress = Silent(),  # noqa: B008
) -> Trained | None:
    """Train a recipe's network on open data; None in all but the first of several processes."""
    if recipe.method.patience and not data.validation:
        raise TrainingError("an early stop needs a validation place", hint="keep labels back, or set patience to 0")
    fabric = launch(settings.device, settings.devices, recipe.method.precision)
    if not fabric.is_global_zero:
        progress = Silent()
    torch.manual_seed(settings.seed)
    network = build_segmentation(
        recipe.method.architecture, recipe.method.network, bands=len(recipe.bands), classes=len(recipe.legend)
    )
    network.name_classes(recipe.legend)
    said = start_from(settings.init, network, recipe.legend) if settings.init else ""
    if recipe.method.pretrained and not settings.init:
        said = begin_with_pretrained(network, recipe.method.pretrained)
    if settings.imagenet:
        begin_with_imagenet(network, settings.imagenet)
    samples = _samples(recipe, data, network)
    if fabric.is_global_zero:
        keep_plan(recipe, data, settings)
        progress.say(said) if said else None
    fabric.barrier()
    method = recipe.method.lasting(samples.area_m2, recipe.gsd_m)
    recipe = replace(recipe, method=method)
    stage = _Stage(fabric, recipe, data, settings, progress)
    if settings.plan_only or not any(settings.run.rglob(LAST)):
        if settings.resume:
            progress.warn(f"{settings.run} has no checkpoint yet: the training starts over")
        seconds = stage.time_steps(network, samples)
        if fabric.is_global_zero:
            progress.say(estimate(settings.run, method, *seconds, str(fabric.device)))
        if settings.plan_only:
            return None
    if settings.init is None:
        for name, config in network.pretraining():
            branch = type(network)(config)
            if settings.imagenet:
                begin_with_imagenet(branch, settings.imagenet)
            share = replace(method, steps=max(1, round(method.pretrain_share * method.steps)), patience=0)
            first = _Stage(fabric, replace(recipe, method=share), data, settings, progress, name)
            network.adopt(name, first.run(branch, _samples(recipe, data, branch))[0])
    average, early, steps = stage.run(network, samples)
    return Trained(average, early, samples, data.table, steps, said) if fabric.is_global_zero else None


def _samples(recipe: Recipe, data: TrainingData, network: SegmentationNetwork) -> SampleSource:
    method = recipe.method
    return SampleSource(
        data.groups,
        gsd_m=recipe.gsd_m,
        zoom=method.zoom,
        size_px=method.sample_px,
        scales=(1, *network.wider),
        balanced_share=method.balanced_share,
        turns_only=method.turns == "quarter",
    )


def predict(network: SegmentationNetwork, levels: Tensor) -> Tensor:
    """Logits of the classes as they are in use, of (B, T, bands, P, P) levels."""
    return network.kept_apart(forward(network, levels))


def forward(network: SegmentationNetwork, levels: Tensor) -> Tensor:
    """Planes of logits of (B, T, bands, P, P) levels: the patch and its wider contexts, pixels in 0..1, NaN without
    imagery."""
    prepared = [network.prepare(levels[:, t]) for t in range(levels.shape[1])]
    logits: Tensor = network(prepared[0], prepared[1:])
    return logits


class _Learner(nn.Module):
    """What Fabric wraps: pixels to logits by one call, whatever the network."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, levels: Tensor) -> Tensor:
        return forward(self.network, levels)


@dataclass(slots=True)
class _Standing:
    """How a training stands; kept in its checkpoints."""

    steps: int
    """To make: fewer than the method's after an early stop."""
    best: float = -math.inf
    """mIoU of the best validation."""
    waited: int = 0
    """Validations since."""
    recent: list[float] = field(default_factory=list)
    """Losses of the last steps."""


class _Stage:
    """One network's training, with checkpoints and a log of its own."""

    def __init__(
        self, fabric: Any, recipe: Recipe, data: TrainingData, settings: TrainingSettings, progress: Progress,
        name: str = "",
    ) -> None:  # fmt: skip
        self.fabric, self.recipe, self.data, self.settings, self.progress = fabric, recipe, data, settings, progress
        self.name = name
        self.folder = settings.run / name if name else settings.run
        self.objects = recipe.method.network.get("objects", "")
        self.objects_label = data.table.index_of([self.objects]) if self.objects else IGNORE
        self.weights = torch.from_numpy(data.table.weights(recipe.method.class_weights)).to(fabric.device)
        self.allowed = torch.from_numpy(data.table.matrix()).to(fabric.device)

    def run(self, network: SegmentationNetwork, samples: SampleSource) -> tuple[SegmentationNetwork, Any, int]:
        """Train; returns the (averaged) network, the network early on, and the steps done."""
        method, settings, fabric = self.recipe.method, self.settings, self.fabric
        plan, learner, optimizer = self._set_up(network, samples)
        average = copy.deepcopy(network).requires_grad_(False).eval().to(fabric.device)
        first, state = load_checkpoint(self.folder, network=network, optimizer=optimizer, average=average)
        standing = _Standing(**state) if state else _Standing(steps=method.steps)
        self.progress.stage(f"train {self.name}".strip(), method.steps)
        self.progress.advance(first)
        with self._log(first, standing.recent) as log:
            if first == 0 and settings.init:
                self._validate(average, log, 0)
            for step, batches in stream(plan, range(first, standing.steps), settings.workers):
                check_cancelled(self.progress)
                torch.manual_seed(settings.seed * 1_000_003 + step * 101 + fabric.global_rank)  # dropout, by step alone
                rate = learning_rate(method, step - 1, method.steps)
                loss = self._step(learner, optimizer, rate, batches, len(plan.micros))
                follow(average, network, step - 1, span_steps=method.average_steps)
                self.progress.advance()
                log.step(step, loss, rate)
                if step == max(1, round(method.early_share * method.steps)):
                    self._write(_EARLY, state_of(average))
                if step % settings.validate_every == 0 or step == standing.steps:
                    self._judge(average, log, step, standing)
                if step % settings.checkpoint_every == 0 or step == standing.steps:
                    self._checkpoint(step, standing, network=network, optimizer=optimizer, average=average)
                if step == standing.steps:
                    break
        return (*self._result(average), standing.steps)

    def time_steps(self, network: SegmentationNetwork, samples: SampleSource) -> tuple[float, float]:
        """Seconds that a step takes, and seconds that all steps together take once, measured on a copy."""
        once, marks = 0.0, []
        with torch.random.fork_rng():
            plan, learner, optimizer = self._set_up(copy.deepcopy(network), samples)
            if isinstance(plan, FeaturePlan):
                begun = time.perf_counter()
                plan.make(0, range(1))
                once = (time.perf_counter() - begun) * plan.different
            for _, batches in stream(plan, [0] * _TIMED_STEPS, self.settings.workers):
                check_cancelled(self.progress)
                self._step(learner, optimizer, 0.0, batches, len(plan.micros))
                marks.append(time.perf_counter())
        return (marks[-1] - marks[0]) / (len(marks) - 1), once  # the first step warms up

    def _set_up(self, network: SegmentationNetwork, samples: SampleSource) -> tuple[Batches, Any, Any]:
        """What the steps learn from, and the learner and the optimizer that Fabric has placed."""
        method, device = self.recipe.method, self.fabric.device
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        plan: Batches = self._plan(samples)
        learner: nn.Module = _Learner(network)
        if method.head_only:
            frozen = freeze_encoder(network, device)
            plan, learner = keep_features(self._plan(samples), frozen, method.cached_samples, device), Head(frozen)
        return plan, *self.fabric.setup(learner, make_optimizer(network, method))

    def _judge(self, average: SegmentationNetwork, log: TrainingLog, step: int, standing: _Standing) -> None:
        """Validate; keep the best weights and stop early where the method asks for it."""
        patience = self.recipe.method.patience
        score = self.fabric.broadcast(self._validate(average, log, step))  # all processes stop at the same step
        standing.waited = 0 if score > standing.best else standing.waited + 1
        if patience and score > standing.best:
            self._write(_BEST, state_of(average))
        standing.best = max(standing.best, score)
        if 0 < patience <= standing.waited and step < standing.steps:
            self.progress.say(f"early stop after {step} steps: mIoU was {standing.best:.3f} and got no better")
            standing.steps = step

    def _plan(self, samples: SampleSource) -> BatchPlan:
        method, ranks = self.recipe.method, self.fabric.world_size
        micro = method.micro if ranks == 1 or method.micro_batch else max(1, method.batch // ranks)
        hole = self.recipe.hole
        label = self.data.table.index_of([hole]) if hole else IGNORE
        plan = BatchPlan(
            samples, self.settings.seed, method.batch, micro, method.looks, label, self.fabric.global_rank, ranks,
            self.objects_label, method.context_dropout,
        )  # fmt: skip
        if -(-method.batch // micro) % ranks:
            raise TrainingError(
                f"a batch of {method.batch} in parts of {micro} cannot be shared by {ranks} devices",
                hint="choose a batch that is a multiple of the devices",
            )
        return plan

    def _step(self, learner: Any, optimizer: Any, rate: float, batches: Iterator[Any], micros: int) -> float:
        """One optimizer step over the micro-batches of a batch; the mean loss of this process's share."""
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("rate", 1.0)
        learner.train()
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for i, (levels, labels, lines) in enumerate(batches):
            rows = labels.to(self.fabric.device).long()
            rows = torch.where(rows == IGNORE, len(self.allowed) - 1, rows)
            with self.fabric.no_backward_sync(learner, enabled=i + 1 < micros):
                planes = learner(self.fabric.to_device(levels)).float()
                loss = self._loss(planes, rows, lines.to(self.fabric.device))
                self.fabric.backward(loss / micros)
            total += float(loss.detach()) / micros
        if not math.isfinite(total):
            raise TrainingError("the loss is no number any more", hint="a smaller learning_rate, or --precision fp32")
        if self.recipe.method.clip:
            self.fabric.clip_gradients(learner, optimizer, max_norm=self.recipe.method.clip)
        optimizer.step()
        return total

    def _loss(self, planes: Tensor, labels: Tensor, lines: Tensor) -> Tensor:
        method, classes = self.recipe.method, self.allowed.shape[1]
        loss = partial_label_loss(
            planes[:, :classes],
            labels,
            self.allowed,
            weights=self.weights,
            gaps=lines & (labels != self.objects_label),
            gamma=method.focal_gamma,
            focal=method.focal,
            jaccard=method.jaccard,
        )
        if not self.objects:
            return loss
        of_objects = self.allowed[self.objects_label] > 0
        known = (self.allowed.sum(1) == 1) | (self.allowed[:, of_objects] == 0).all(1)  # objects or none, for sure
        return loss + method.edge * edge_loss(planes[:, classes], lines, known[labels])

    def _validate(self, average: SegmentationNetwork, log: TrainingLog, step: int) -> float:
        """Mean IoU over the validation sets; every process computes it, the first one tells it."""
        method = self.recipe.method
        scores = validate(average, self.data, self.recipe.gsd_m, method.sample_px, self.fabric.device)
        log.validation(step, scores)
        return mean_iou(scores)

    def _checkpoint(self, step: int, standing: _Standing, **parts: Any) -> None:
        if self.fabric.is_global_zero:
            save_checkpoint(self.folder, step, **parts, **asdict(standing))
        self.fabric.barrier()

    def _write(self, name: str, state: dict[str, Any]) -> None:
        if self.fabric.is_global_zero:
            save(self.folder / name, state)

    @contextmanager
    def _log(self, first: int, recent: list[float]) -> Iterator[TrainingLog]:
        board = self.settings.tensorboard and self.fabric.is_global_zero
        folder = self.folder if self.fabric.is_global_zero else self.folder / f"rank-{self.fabric.global_rank}"
        name = f"{self.name}, " if self.name else ""
        log = TrainingLog(folder, self.progress, tensorboard=board, first=first, name=name, recent=recent)
        try:
            yield log
        finally:
            log.close()

    def _result(self, average: SegmentationNetwork) -> tuple[SegmentationNetwork, SegmentationNetwork]:
        """The network to keep, and the early one, both on the CPU and ready to infer."""
        early = copy.deepcopy(average).cpu()
        if (self.folder / _EARLY).exists():
            early.load_state_dict(load(self.folder / _EARLY))
        if self.recipe.method.patience and (self.folder / _BEST).exists():
            average.load_state_dict(load(self.folder / _BEST))
        return average.cpu().eval(), early.eval()
