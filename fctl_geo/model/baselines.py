"""Networks without contexts that ours is compared with: U-Net, DeepLab v3+ and PSPNet, written small.

They share an encoder, built of the same blocks as that of fctl-lite, so that what differs is the idea: skips at every
scale (U-Net), atrous spatial pyramid pooling (DeepLab v3+), pooled pyramid (PSPNet). FCN-8s is `fctl-vgg16` without
contexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.atrous import AtrousPyramid, SkipDecoder
from fctl_geo.model.blocks import Reduction, ResidualBlock, conv_bn, conv_bn_relu
from fctl_geo.model.network import SegmentationNetwork


@dataclass(frozen=True, slots=True)
class BaselineConfig:
    """The shape of a baseline."""

    bands: int = 3
    classes: int = 2
    contexts: tuple[int, ...] = ()
    """None: the patch is all they see."""
    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    """Channels of the encoder at strides 2, 4, 8, 16."""
    blocks: tuple[int, int, int, int] = (1, 1, 2, 3)
    """Residual blocks at these strides."""
    decoder: int = 64
    """Channels of the decoder (U-Net: those of its encoder)."""

    def __post_init__(self) -> None:
        if any(c != 1 for c in self.contexts):
            raise ValueError(f"contexts are {self.contexts}, a baseline sees its patch only")


class Encoder(nn.Module):
    """(B, bands, h, w) to features at strides 2, 4, 8 and `last_stride` (16, or 8 by dilation)."""

    def __init__(self, config: BaselineConfig, last_stride: int = 16) -> None:
        super().__init__()
        dilation = 16 // last_stride
        inputs, last = (config.bands, *config.widths[:-1]), len(config.widths) - 1
        self.stages = nn.ModuleList(
            nn.Sequential(
                conv_bn(a, b) if dilation > 1 and stage == last else Reduction(a, b),
                nn.ReLU(),
                *(ResidualBlock(b, dilation if stage == last else 1) for _ in range(count)),
            )
            for stage, (a, b, count) in enumerate(zip(inputs, config.widths, config.blocks, strict=True))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def _to(x: Tensor, size_hw: Sequence[int]) -> Tensor:
    return F.interpolate(x, tuple(size_hw), mode="bilinear", align_corners=False)


class Baseline(SegmentationNetwork):
    """A network that sees its patch only."""

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Logits (B, classes, h, w); there are no contexts."""
        return _to(self.scores(patch), patch.shape[-2:])

    def scores(self, patch: Tensor) -> Tensor:
        """Logits at the network's own stride."""
        raise NotImplementedError


class UNet(Baseline):
    """Ronneberger et al. 2015: a decoder that mirrors the encoder, with its features of the same scale beside it."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__(config)
        widths = (config.widths[0], *config.widths)
        self.stem = nn.Sequential(conv_bn_relu(config.bands, widths[0]), conv_bn_relu(widths[0], widths[0]))
        self.encoder = Encoder(config)
        self.up = nn.ModuleList(
            nn.Sequential(conv_bn_relu(shallow + deep, shallow), conv_bn_relu(shallow, shallow))
            for shallow, deep in pairwise(widths)
        )
        self.classify = nn.Conv2d(widths[0], config.classes, 1)

    def scores(self, patch: Tensor) -> Tensor:
        skips = [self.stem(patch), *self.encoder(patch)]
        deep = skips.pop()
        for stage in reversed(self.up):
            skip = skips.pop()
            deep = stage(torch.cat([skip, _to(deep, skip.shape[-2:])], dim=1))
        scores: Tensor = self.classify(deep)
        return scores


class DeepLabV3Plus(Baseline):
    """Chen et al. 2018: atrous spatial pyramid pooling on the deepest features, a light decoder at stride 4."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__(config)
        deep, wide = config.widths[3], config.decoder
        self.encoder = Encoder(config)
        self.pyramid = AtrousPyramid(deep, wide, (6, 12, 18))
        self.decoder = SkipDecoder(self.pyramid.outputs, config.widths[1], wide)
        self.classify = nn.Conv2d(wide, config.classes, 1)

    def scores(self, patch: Tensor) -> Tensor:
        _, x4, _, deep = self.encoder(patch)
        scores: Tensor = self.classify(self.decoder(self.pyramid(deep), x4))
        return scores


class PspNet(Baseline):
    """Zhao et al. 2017: features at stride 8 beside their means over 1, 2 x 2, 3 x 3 and 6 x 6 regions."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__(config)
        deep, wide = config.widths[3], config.decoder
        self.encoder = Encoder(config, last_stride=8)
        self.pools = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), nn.Conv2d(deep, deep // 4, 1), nn.ReLU()) for bins in (1, 2, 3, 6)
        )
        self.mix = nn.Sequential(conv_bn_relu(2 * deep, wide), nn.Dropout(0.1))
        self.classify = nn.Conv2d(wide, config.classes, 1)

    def scores(self, patch: Tensor) -> Tensor:
        deep = self.encoder(patch)[-1]
        pyramid = [_to(pool(deep), deep.shape[-2:]) for pool in self.pools]
        scores: Tensor = self.classify(self.mix(torch.cat([deep, *pyramid], dim=1)))
        return scores
