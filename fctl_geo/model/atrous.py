"""From deep features to stride 4 (DeepLab v3+, Chen et al. 2018): atrous spatial pyramid pooling, light decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.blocks import conv_bn_relu, pointwise


class AtrousPyramid(nn.Module):
    """Deep features convolved at several rates, and their mean: (B, inputs, h, w) to (B, outputs, h, w)."""

    def __init__(self, inputs: int, channels: int, rates: Sequence[int]) -> None:
        """
        Args:
            channels: number of channels per rate.
            rates: distance in cells between the taps of each 3x3 convolution.
        """
        super().__init__()
        self.rates = nn.ModuleList(
            [conv_bn_relu(inputs, channels, 1), *(conv_bn_relu(inputs, channels, dilation=rate) for rate in rates)]
        )
        self.whole = nn.Sequential(pointwise(inputs, channels), nn.ReLU())  # one cell: nothing to normalize over
        self.outputs = channels * (2 + len(rates))

    def forward(self, x: Tensor) -> Tensor:
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[-2:])
        # With an expanded tensor the result, and everything computed from it, would be channels first: twice as slow.
        whole = whole.contiguous(memory_format=torch.channels_last)
        return torch.cat([*(rate(x) for rate in self.rates), whole], dim=1)


class SkipDecoder(nn.Module):
    """Upsample a few deep features beside even fewer ones of a finer stride; two 3x3 convolutions mix them."""

    def __init__(self, deep: int, shallow: int, channels: int) -> None:
        super().__init__()
        self.project = conv_bn_relu(deep, channels, 1)
        self.skip = conv_bn_relu(shallow, channels // 2, 1)
        self.refine = nn.Sequential(conv_bn_relu(channels + channels // 2, channels), conv_bn_relu(channels, channels))

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(B, deep, h, w) and (B, shallow, H, W) to (B, channels, H, W)."""
        skip = self.skip(shallow)
        upsampled = F.interpolate(self.project(deep), skip.shape[-2:], mode="bilinear", align_corners=False)
        mixed: Tensor = self.refine(torch.cat([upsampled, skip], dim=1))
        return mixed
