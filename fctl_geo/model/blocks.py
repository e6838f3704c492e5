"""Building blocks of the networks."""

from __future__ import annotations

from torch import nn


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps cells aligned, and its batch normalization."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    """The same, followed by a ReLU."""
    return nn.Sequential(*conv_bn(inputs, outputs, kernel, dilation=dilation), nn.ReLU())
