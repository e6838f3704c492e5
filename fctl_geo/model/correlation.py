"""Locality-aware contextual correlation and adaptive context fusion (paper, 3.1.2 and 3.1.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.blocks import pointwise


def attend(query: Tensor, key: Tensor, value: Tensor, *, scaled: bool = True) -> Tensor:
    """Describe each patch cell by the context cells that resemble it (paper, 3.1.2).

    Args:
        query: (B, D, h, w) float, from the patch.
        key: (B, D, H, W) float, from the wider window; H and W are arbitrary.
        value: (B, C, H, W) float, from the wider window.
        scaled: divide the scores by sqrt(D); the released code does not.
    Returns:
        (B, C, h, w): for each patch cell, the mean of the context values weighted by softmax(query . key / sqrt(D)).
    Law: a constant context is returned unchanged at every patch cell.
    """
    height, width = query.shape[-2:]
    q, k, v = (t.flatten(2).transpose(1, 2).unsqueeze(1) for t in (query, key, value))  # (B, 1, cells, channels)
    mixed = F.scaled_dot_product_attention(q, k, v, scale=None if scaled else 1.0).squeeze(1)  # (B, h * w, C)
    return mixed.transpose(1, 2).reshape(len(mixed), -1, height, width)


class ContextualCorrelation(nn.Module):
    """One context's locality-aware features: projections, attention, and a learned scale per channel."""

    def __init__(self, channels: int, key_channels: int, pooled_cells: int = 1) -> None:
        """
        Args:
            pooled_cells: side of the blocks of context cells whose mean is attended to as a single cell.
        """
        super().__init__()
        self.pooled_cells = pooled_cells
        self.query = pointwise(channels, key_channels)
        self.key = pointwise(channels, key_channels)
        self.value = pointwise(channels, channels, bias=False)
        self.gamma = nn.Parameter(torch.full((channels, 1, 1), 0.1))

    def forward(self, patch: Tensor, context: Tensor) -> Tensor:
        """(B, C, h, w) patch and (B, C, H, W) context features to (B, C, h, w)."""
        if self.pooled_cells > 1:
            context = F.avg_pool2d(context, self.pooled_cells, ceil_mode=True, count_include_pad=False)
        mixed: Tensor = self.gamma * attend(self.query(patch), self.key(context), self.value(context))
        return mixed


class Concatenation(nn.Module):
    """The baseline for the correlation: both features concatenated and mixed at each cell (paper, 4.4)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = pointwise(2 * channels, channels)

    def forward(self, patch: Tensor, context: Tensor) -> Tensor:
        wide = F.interpolate(context, patch.shape[-2:], mode="bilinear", align_corners=False)
        mixed: Tensor = self.mix(torch.cat([patch, wide], dim=1))
        return mixed


class AdaptiveFusion(nn.Module):
    """Weight T locality-aware features by maps that sum to 1 at each cell: squeeze, split, softmax (paper, eq. 1)."""

    def __init__(self, channels: int, streams: int, squeezed_channels: int) -> None:
        super().__init__()
        self.squeeze = pointwise(channels * streams, squeezed_channels)
        self.split = pointwise(squeezed_channels, streams)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """T tensors (B, C, h, w) to their weighted sum (B, C, h, w)."""
        squeezed = F.relu(self.squeeze(torch.cat(list(features), dim=1)))
        weights = torch.softmax(self.split(squeezed), dim=1)  # (B, T, h, w)
        fused = weights[:, :1] * features[0]
        for t in range(1, len(features)):
            fused = fused + weights[:, t : t + 1] * features[t]
        return fused
