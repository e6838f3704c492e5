"""The contextual semantics refinement network (paper, 3.2 and Fig. 4): a two-stream U-Net over class masks.

It judges one class at a time, by the mask of that class in the patch and in its context. It is therefore independent of
the legend and can refine any class raster. Multiply-adds per pixel and class: about 7 k.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.blocks import conv_bn
from fctl_geo.model.configs import RefinementConfig
from fctl_geo.model.correlation import ContextualCorrelation


def shrink_mask(mask: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Shrink a context mask (B, C, H, W) to the size of the patch: means over areas, of whole pixels if they fit."""
    return F.adaptive_avg_pool2d(mask, size_hw)


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*conv_bn(inputs, outputs), nn.ReLU(), *conv_bn(outputs, outputs), nn.ReLU())


class _Stream(nn.Module):
    """One branch: (B, 2, h, w) mask to features at strides 2, 4, 8, 16."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, widths[0], 4, 2, 1), nn.ReLU())
        self.stages = nn.ModuleList(_double(a, b) for a, b in pairwise(widths))

    def forward(self, mask: Tensor) -> list[Tensor]:
        features = [self.stem(mask)]
        for stage in self.stages:
            features.append(stage(F.max_pool2d(features[-1], 2)))
        return features


class RefinementNet(nn.Module):
    """Refine the mask of one class, using the mask of its neighborhood."""

    def __init__(self, config: RefinementConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.local = _Stream(widths)
        self.context = _Stream(widths)
        self.correlation = ContextualCorrelation(widths[3], 32)
        self.up = nn.ModuleList(_double(a + b, a) for a, b in pairwise(widths))
        self.head = nn.Conv2d(widths[0], 8, 3, 1, 1)
        self.final = nn.Sequential(nn.Conv2d(8 + 2, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 1, 1))

    def forward(self, patch: Tensor, context: Tensor) -> Tensor:
        """Logit of the class at each pixel.

        Args:
            patch: (B, 2, h, w): 1 where the class is; 1 where there is any class (0: nodata); h, w multiples of 16.
            context: (B, 2, h, w): the same for the context, as fractions of each context pixel.
        Returns:
            (B, 1, h, w) logits.
        """
        features = self.local(patch)
        deep = features[-1] + self.correlation(features[-1], self.context(context)[-1])
        for stage, skip in zip(reversed(self.up), reversed(features[:-1]), strict=True):
            wide = F.interpolate(deep, scale_factor=2.0, mode="bilinear", align_corners=False)
            deep = stage(torch.cat([skip, wide], dim=1))
        up = F.interpolate(F.relu(self.head(deep)), scale_factor=2.0, mode="bilinear", align_corners=False)
        logits: Tensor = self.final(torch.cat([up, patch], dim=1))
        return logits
