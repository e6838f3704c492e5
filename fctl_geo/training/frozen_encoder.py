"""Training all but the encoder: its features of a limited number of samples are kept, so that a step costs little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from fctl_geo.model.lite import FctlLite
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.training.batches import BatchPlan

MOST_BYTES = 1 << 30
"""Of features in memory: about 1,000 samples of 256 px."""

Features = list[Tensor]
"""What the encoder makes of a patch, from fine to deep, and then of each wider context; (B, C, h, w) each."""


def freeze_encoder(network: SegmentationNetwork, device: torch.device) -> FctlLite:
    """The same network, whose encoder is no longer trained: neither its weights nor its statistics change."""
    assert isinstance(network, FctlLite), "begin() refuses others"
    network.encoder.requires_grad_(False).eval().to(device)
    return network


class Head(nn.Module):
    """All of a network but its encoder (the parts are shared, not copied): from kept features to planes of logits."""

    def __init__(self, network: FctlLite) -> None:
        super().__init__()
        # Not the network itself: training mode would reach the encoder, whose statistics must not change.
        self.parts = nn.ModuleDict({name: part for name, part in network.named_children() if name != "encoder"})
        self.decode, self.wider = network.decode, len(network.wider)

    def forward(self, features: Features) -> Tensor:
        of_patch = len(features) - self.wider
        ready = [f.float() for f in features]
        return self.decode(ready[:of_patch], ready[of_patch:])


@torch.no_grad()
def encode(network: FctlLite, levels: Tensor, device: torch.device) -> Features:
    """Features of (B, T, bands, P, P) levels, in half precision on the CPU."""
    prepared = [network.prepare(levels[:, t].to(device)) for t in range(levels.shape[1])]
    of_contexts = [network.encode_context(level, t) for t, level in enumerate(prepared[1:])]
    return [f.half().cpu() for f in (*network.encoder(prepared[0]), *of_contexts)]


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Batches of the features of the samples that a plan's first steps have, over and over, each encoded once."""

    plan: BatchPlan
    encode: Callable[[Tensor], Features]
    different: int
    """Number of samples."""
    _kept: dict[int, tuple[Features, Tensor, Tensor]] = field(default_factory=dict)

    @property
    def micros(self) -> Sequence[range]:
        return self.plan.micros

    def make(self, step: int, numbers: range) -> tuple[Features, Tensor, Tensor]:
        """One micro-batch of a step: features, labels, lines between touching objects."""
        made = [self._one(self.which(step, i)) for i in numbers]
        features, labels, lines = zip(*made, strict=True)
        joined = [torch.cat(parts) for parts in zip(*features, strict=True)]
        return joined, torch.stack(labels), torch.stack(lines)

    def which(self, step: int, i: int) -> int:
        """Number of a step's i-th sample. All of them are seen once a round, in a different order each time."""
        turn, place = divmod(step * self.plan.batch + i, self.different)
        return int(np.random.default_rng((self.plan.seed, turn)).permutation(self.different)[place])

    def _one(self, number: int) -> tuple[Features, Tensor, Tensor]:
        if number not in self._kept:
            levels, label, lines = self.plan.one(*divmod(number, self.plan.batch))
            # Encoded one at a time, so that its features do not depend on the batch in which it first occurs.
            self._kept[number] = self.encode(levels[None]), label, lines
        return self._kept[number]


def keep_features(plan: BatchPlan, network: FctlLite, samples: int, device: torch.device) -> FeaturePlan:
    """A plan's batches as features of `samples` samples, of fewer where those would not fit into memory."""

    def encoded(levels: Tensor) -> Features:
        return encode(network, levels, device)

    bytes_each = sum(f.nbytes for f in encoded(plan.one(0, 0)[0][None]))
    return FeaturePlan(plan, encoded, max(1, min(samples, MOST_BYTES // bytes_each)))
