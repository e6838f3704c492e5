"""EfficientNet-Lite (Tan and Le 2019; google-research/efficientnet/lite) without its classifier: an encoder that comes
with weights pretrained on ImageNet.

A strided convolution centers its cells on every second cell of its input: on the even ones if padded equally on both
sides, on the odd ones if padded as TensorFlow does it, where the weights were trained. Either way leaves each cell half
an input cell off the pixels that it stands for, and five of one kind add up to 15 px. Here the two kinds alternate,
which leaves at most a fifth of a cell: the same weights, and deep features that lie where their pixels are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.blocks import pointwise
from fctl_geo.model.configs import REPEATS, WIDTHS

_KERNELS = (3, 3, 5, 3, 5, 5, 3)
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_ENDS = (0, 1, 2, 4, 6)
"""Stages whose features are output: the last ones at strides 2, 4, 8, 16 and 32."""


class Depthwise(nn.Conv2d):
    """A convolution of each channel by itself; in mixed precision on a CPU it runs in fp32, where the backward pass is
    five times as fast."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int, *, odd: bool = False) -> None:
        """
        Args:
            odd: with a stride of 2, center cells on the odd cells of the input.
        """
        padding = dilation * (kernel // 2) + odd
        super().__init__(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)
        self.odd = odd

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.bfloat16 or not x.is_cpu:
            return self._convolve(x)
        with torch.autocast("cpu", enabled=False):
            return self._convolve(x.float()).to(x.dtype)

    def _convolve(self, x: Tensor) -> Tensor:
        # Zeros before the kernel move its center by one cell, for less than padding the input, which copies it.
        weight = F.pad(self.weight, (2, 0, 2, 0)) if self.odd else self.weight
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow (Sandler et al. 2018); with a shortcut if the shape does not change."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, dilation: int, *, odd: bool
    ) -> None:
        super().__init__()
        wide = inputs * expansion
        widen = [pointwise(inputs, wide, bias=False), _norm(wide), nn.ReLU6(inplace=True)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen, Depthwise(wide, kernel, stride, dilation, odd=odd), _norm(wide), nn.ReLU6(inplace=True),
            pointwise(wide, outputs, bias=False), _norm(outputs),
        )  # fmt: skip
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y.add_(x) if self.has_shortcut else y


class EfficientNetLite(nn.Module):
    """(B, bands, H, W) to features at strides 2, 4, 8, 16 and 32; odd sizes are rounded up at each stride."""

    def __init__(
        self,
        bands: int,
        widths: Sequence[int] = WIDTHS,
        repeats: Sequence[int] = REPEATS,
        *,
        coarsest_stride: int = 32,
    ) -> None:
        """
        Args:
            coarsest_stride: later stages keep this stride and preserve their field of view by dilation.
        """
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(bands, widths[0], 3, 2, 1, bias=False), _norm(widths[0]), nn.ReLU6(inplace=True)
        )
        self.stages = nn.ModuleList()
        inputs, reached, dilation = widths[0], 2, 1
        odd = False  # the stem centers its cells on even pixels
        for i, (kernel, stride, outputs, count) in enumerate(zip(_KERNELS, _STRIDES, widths[1:], repeats, strict=True)):
            if reached * stride > coarsest_stride:
                stride, dilation = 1, dilation * stride  # noqa: PLW2901
            reached *= stride
            odd ^= stride == 2
            first = InvertedResidual(inputs, outputs, kernel, stride, 6 if i else 1, dilation, odd=odd and stride == 2)
            others = (
                InvertedResidual(outputs, outputs, kernel, 1, 6 if i else 1, dilation, odd=False)
                for _ in range(count - 1)
            )
            self.stages.append(nn.Sequential(first, *others))
            inputs = outputs
        self.widths = tuple(widths[1 + end] for end in _ENDS)
        """Channels at each stride."""

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        features = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in _ENDS:
                features.append(x)
        return features


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)
