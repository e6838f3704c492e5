"""Batches of samples, made ahead by threads; what a batch holds depends on seed and step alone."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fctl_geo.training.augment import Looks, augment
from fctl_geo.training.edge_target import touching
from fctl_geo.training.samples import SampleSource, cut_sample
from fctl_geo.training.sources import IGNORE

MicroBatch = tuple[Tensor, Tensor, Tensor]
"""(B, T, bands, P, P) pixels in 0..1, NaN without imagery; (B, P, P) uint8 label; (B, P, P) True on the lines between
touching objects."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Which samples a step has, and which of them this process makes."""

    samples: SampleSource
    seed: int
    batch: int
    micro: int
    looks: Looks
    hole_label: int
    rank: int = 0
    """This process, of `ranks` that share each batch."""
    ranks: int = 1
    objects_label: int = IGNORE
    """Label of the class whose touching regions are separated; IGNORE: none."""
    context_dropout: float = 0.0
    """Share of the samples in which a wide context has no imagery."""

    @property
    def micros(self) -> Sequence[range]:
        """Numbers of the samples of each of this process's micro-batches. batch 6, micro 2: 0-1, 2-3, 4-5."""
        parts = [range(i, min(self.batch, i + self.micro)) for i in range(0, self.batch, self.micro)]
        return parts[self.rank :: self.ranks]

    def make(self, step: int, numbers: range) -> MicroBatch:
        """One micro-batch of a step."""
        made = [self.one(step, i) for i in numbers]
        levels, labels, lines = (torch.stack(part) for part in zip(*made, strict=True))
        return levels, labels, lines

    def one(self, step: int, i: int) -> MicroBatch:
        """A step's i-th sample; it does not depend on those before it."""
        rng = np.random.default_rng((self.seed, step, i))
        ground, view = self.samples.place(rng)
        sample = cut_sample(ground, view, self.samples.size_px, self.samples.scales)
        levels, label = augment(sample, self.samples.scales, self.hole_label, rng, self.looks)
        dropped = rng.random(len(levels) - 1) < self.context_dropout
        levels[1:][torch.from_numpy(dropped)] = math.nan
        return levels, label, torch.from_numpy(self._lines(label.numpy(), view.gsd_m))

    def _lines(self, label: NDArray[np.uint8], gsd_m: float) -> NDArray[np.bool_]:
        if self.objects_label == IGNORE:
            return np.zeros(label.shape, np.bool_)
        return touching(label == self.objects_label, gsd_m)


class Batches(Protocol):
    """What a step learns from, made when asked for."""

    @property
    def micros(self) -> Sequence[range]: ...

    def make(self, step: int, numbers: range) -> Any: ...


def stream(plan: Batches, steps: Sequence[int], workers: int) -> Iterator[tuple[int, Iterator[Any]]]:
    """Each step, counted from 1, with its micro-batches, made ahead by `workers` threads (0: when asked for)."""
    if workers <= 0:
        for step in steps:
            yield step + 1, (plan.make(step, numbers) for numbers in plan.micros)
        return
    todo = iter([(step, numbers) for step in steps for numbers in plan.micros])
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers, "samples") as pool:

        def next_one() -> Any:
            while len(waiting) <= workers:
                ahead = next(todo, None)
                if ahead is None:
                    break
                waiting.append(pool.submit(plan.make, *ahead))
            return waiting.popleft().result()

        try:
            for step in steps:
                yield step + 1, (next_one() for _ in plan.micros)
        finally:
            for future in waiting:
                future.cancel()
