"""How the edge plane, a network's second output, keeps touching objects apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def keep_apart(classes: Tensor, edge: Tensor, object_class: int) -> Tensor:
    """Make objects less likely along the edges between them.

    In the middle of an edge (all of 3 x 3 px are on it) the objects' class becomes less likely to the extent that the
    edge is likely.

    Args:
        classes: (B, K, h, w) logits.
        edge: (B, h, w) logits of an edge between two objects.
        object_class: index of the objects' class.
    Returns:
        (B, K, h, w) logits.
    """
    middle = -F.max_pool2d(-edge, 3, stride=1, padding=1)
    own = classes[:, object_class] + F.logsigmoid(-middle)
    return torch.cat([classes[:, :object_class], own.unsqueeze(1), classes[:, object_class + 1 :]], dim=1)
