"""Optimizer, learning rate, and the average of the weights, as set by a method."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from fctl_geo.model.efficientnet import EfficientNetLite
from fctl_geo.training.method import Method


def make_optimiser(network: nn.Module, method: Method) -> torch.optim.Optimizer:
    """AdamW (no decay of biases and normalization) or Adam (decay of all, as in the released code).

    The `rate` of a group is its learning rate, relative to that of the step.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    known = {id(p) for m in network.modules() if isinstance(m, EfficientNetLite) for p in m.parameters()}
    slow = method.pretrained_rate if method.pretrained else 1.0
    if method.optimizer == "adam":
        return torch.optim.Adam(trained, lr=method.learning_rate, weight_decay=method.weight_decay)
    groups: list[dict[str, Any]] = [
        {
            "params": [p for p in trained if (p.ndim > 1) == decays and (id(p) in known) == pretrained],
            "weight_decay": method.weight_decay if decays else 0.0,
            "rate": slow if pretrained else 1.0,
        }
        for decays in (True, False)
        for pretrained in (True, False)
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=method.learning_rate)


def learning_rate(method: Method, step: int, steps: int) -> float:
    """Learning rate of a step: linear warm-up, then cosine decay to 1%, polynomial decay to 0, or constant."""
    warm = min(1.0, (step + 1) / method.warmup_steps) if method.warmup_steps else 1.0
    done = step / steps
    if method.schedule == "cosine":
        share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
    elif method.schedule == "poly":
        share = (1 - (method.poly_begin + (1 - method.poly_begin) * done)) ** method.poly_power
    else:
        share = 1.0
    return method.learning_rate * warm * share


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, *, span_steps: int = 500) -> None:
    """Update the exponential average of weights and statistics over about `span_steps` steps (fewer at the start).

    Args:
        span_steps: 1: `average` is a copy of the network.
    """
    share = max(1 / span_steps, 1 / (step + 1))
    ours = average.state_dict()
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            ours[key].lerp_(value, share)
