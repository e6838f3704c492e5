"""What the networks are built of. The two with shortcuts let deep encoders learn in few steps."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps cells aligned, and its normalisation."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    """The same, rectified."""
    return nn.Sequential(*conv_bn(inputs, outputs, kernel, dilation=dilation), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; begins as the shortcut alone (Goyal et al. 2017, 5.1)."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = conv_bn(channels, channels, dilation=dilation)
        self.second = conv_bn(channels, channels, dilation=dilation)
        nn.init.zeros_(self.second.get_parameter("1.weight"))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.second(F.relu_(self.first(x))).add_(x))


class Reduction(nn.Module):
    """Twice the stride: a strided 3x3 convolution, and the strongest of 2x2 cells as its shortcut; before the ReLU.

    Without the shortcut gradients reach the finest features through one strided convolution after another, and a
    short training leaves them nearly as they began.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv_bn(inputs, outputs, stride=2)
        self.shortcut = nn.Sequential(nn.MaxPool2d(2), *conv_bn(inputs, outputs, kernel=1))

    def forward(self, x: Tensor) -> Tensor:
        reduced: Tensor = self.conv(x).add_(self.shortcut(x))
        return reduced
