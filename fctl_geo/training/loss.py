"""The loss: focal cross entropy over allowed sets of classes, and soft Jaccard where labels are full."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def partial_label_loss(
    logits: Tensor,
    label: Tensor,
    allowed: Tensor,
    *,
    weights: Tensor | None = None,
    gamma: float = 1.0,
    focal: float = 2.0,
    jaccard: float = 1.0,
) -> Tensor:
    """How far the logits are from what the labels allow.

    A label allows a set of classes; its likelihood is the sum of their probabilities. The focal factor
    (1 - p)^gamma follows Lin et al. 2017 (the paper's objective, 3.1.3, has gamma 3).

    Args:
        logits: (B, K, h, w).
        label: (B, h, w) int64 rows of `allowed`; the last row allows all classes and has no weight.
        allowed: (rows, K) of 0 and 1.
        weights: (rows,) weight of each label in the focal part; None: all alike.
        focal, jaccard: weights of the two parts.
    Returns:
        A scalar.
    """
    log_p = F.log_softmax(logits, dim=1)
    mask = allowed[label].permute(0, 3, 1, 2)  # (B, K, h, w)
    judged = (label < len(allowed) - 1).float()
    log_likelihood = torch.logsumexp(log_p.masked_fill(mask == 0, -30.0), dim=1)
    weight = judged * (1 - log_likelihood.detach().exp()).clamp(0, 1) ** gamma
    if weights is not None:
        weight = weight * weights[label]
    loss = -focal * (weight * log_likelihood).sum() / judged.sum().clamp(min=1)
    if not jaccard:
        return loss
    full = (allowed.sum(1) == 1)[label].float().unsqueeze(1)  # (B, 1, h, w)
    p, truth = log_p.exp() * full, mask * full
    both = (p * truth).sum((0, 2, 3))
    either = (p + truth).sum((0, 2, 3)) - both
    present = truth.sum((0, 2, 3)) > 64
    wrong = (1 - both / either.clamp(min=1e-6))[present]
    return loss + jaccard * wrong.mean() if len(wrong) else loss
