"""The loss: focal cross entropy over allowed sets of classes, soft Jaccard, and the lines between touching objects."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

GAP_WEIGHT = 4.0
"""Extra weight of the gaps between touching objects in the focal loss, as in U-Net (Ronneberger et al. 2015)."""
_LINE_WEIGHT = 4.0
"""Extra weight of the lines, which are rare, in the loss of the edge plane."""
_SEEN_PX = 64
"""A class with fewer pixels in a batch is left out of the Jaccard loss."""


def partial_label_loss(
    logits: Tensor,
    label: Tensor,
    allowed: Tensor,
    *,
    weights: Tensor | None = None,
    gaps: Tensor | None = None,
    gamma: float = 1.0,
    focal: float = 2.0,
    jaccard: float = 1.0,
) -> Tensor:
    """The distance of the logits from what the labels allow.

    A label allows a set of classes; its likelihood is the sum of their probabilities. The focal factor
    (1 - p)^gamma follows Lin et al. 2017 (the paper's objective, 3.1.3, has gamma 3).

    Args:
        logits: (B, K, h, w).
        label: (B, h, w) int64 rows of `allowed`; the last row allows all classes and has no weight.
        allowed: (rows, K) of 0 and 1.
        weights: (rows,) weight of each label in the focal part; None: equal weights.
        gaps: (B, h, w) True between touching objects.
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
    if gaps is not None:
        weight = weight * (1 + GAP_WEIGHT * gaps)
    loss = -focal * (weight * log_likelihood).sum() / judged.sum().clamp(min=1)
    if not jaccard:
        return loss
    is_class = allowed * (allowed.sum(1, keepdim=True) == 1)  # (rows, K): 1 where the label is exactly that class
    truth = is_class[label].permute(0, 3, 1, 2)
    p = log_p.exp() * (is_class + (allowed == 0))[label].permute(0, 3, 1, 2)  # where the label is decisive
    wrong = 1 - _overlap(p, truth, (0, 2, 3))[truth.sum((0, 2, 3)) > _SEEN_PX]
    return loss + jaccard * wrong.mean() if len(wrong) else loss


def edge_loss(logit: Tensor, lines: Tensor, known: Tensor) -> Tensor:
    """Cross entropy and soft Jaccard of the edge plane.

    Args:
        logit: (B, h, w).
        lines: (B, h, w) True on the lines between touching objects.
        known: (B, h, w) True where this is known.
    Returns:
        A scalar.
    """
    truth, judged = lines.float() * known, known.float()
    wrong = F.binary_cross_entropy_with_logits(logit, truth, reduction="none") * judged
    loss = (wrong * (1 + _LINE_WEIGHT * truth)).sum() / judged.sum().clamp(min=1)
    if truth.sum() <= _SEEN_PX:
        return loss
    return loss + 0.5 * (1 - _overlap(torch.sigmoid(logit) * judged, truth, (0, 1, 2)))


def _overlap(p: Tensor, truth: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Soft intersection over union."""
    both = (p * truth).sum(dims)
    return both / ((p + truth).sum(dims) - both).clamp(min=1e-6)
