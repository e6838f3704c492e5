"""Building blocks of the networks."""

from __future__ import annotations

from torch import nn


def pointwise(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """A 1x1 convolution. Its dilation has no effect but one: torch hands dilated convolutions to oneDNN, and undilated
    1x1 ones on a single thread to a matrix product that takes twice as long on some CPUs."""
    return nn.Conv2d(inputs, outputs, 1, bias=bias, dilation=2)


def conv_bn(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps cells aligned, and its batch normalization."""
    padding = dilation * (kernel // 2)
    layer = (
        pointwise(inputs, outputs, bias=False)
        if kernel == 1
        else nn.Conv2d(inputs, outputs, kernel, 1, padding, dilation, bias=False)
    )
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    """The same, followed by a ReLU."""
    return nn.Sequential(*conv_bn(inputs, outputs, kernel, dilation=dilation), nn.ReLU())
