"""Networks without contexts for comparison with ours: compact FCN-8s, U-Net, DeepLab v3+ and PSPNet.

They share fctl-lite's encoder and its pretrained weights, so that they differ only in the idea: scores of three
strides added up (FCN-8s), skips at every scale (U-Net), atrous spatial pyramid pooling (DeepLab v3+), pooled pyramid
(PSPNet). The paper's own FCN-8s, on VGG16, is `fctl-vgg16` without contexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.atrous import AtrousPyramid, SkipDecoder
from fctl_geo.model.blocks import conv_bn_relu
from fctl_geo.model.configs import BaselineConfig
from fctl_geo.model.efficientnet import EfficientNetLite
from fctl_geo.model.network import SegmentationNetwork


def _to(x: Tensor, size_hw: Sequence[int]) -> Tensor:
    return F.interpolate(x, tuple(size_hw), mode="bilinear", align_corners=False)


class Baseline(SegmentationNetwork):
    """A network that sees only its patch."""

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Logits (B, classes, h, w); there are no contexts."""
        return _to(self.scores(patch), patch.shape[-2:])

    def scores(self, patch: Tensor) -> Tensor:
        """Logits at the network's own stride."""
        raise NotImplementedError


class Fcn8s(Baseline):
    """Long et al. 2015: classes are scored at strides 32, 16 and 8, and the upsampled scores added up."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__(config)
        self.encoder = EfficientNetLite(config.bands, config.widths, config.repeats)
        self.classify = nn.ModuleList(nn.Conv2d(width, config.classes, 1) for width in self.encoder.widths[2:])

    def scores(self, patch: Tensor) -> Tensor:
        fine, middle, coarse = (score(x) for score, x in zip(self.classify, self.encoder(patch)[2:], strict=True))
        scores: Tensor = fine + _to(middle + _to(coarse, middle.shape[-2:]), fine.shape[-2:])
        return scores


class UNet(Baseline):
    """Ronneberger et al. 2015: a decoder that mirrors the encoder, joined by the encoder's features at each scale."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__(config)
        self.encoder = EfficientNetLite(config.bands, config.widths, config.repeats)
        widths = (self.encoder.widths[0], *self.encoder.widths)
        self.stem = nn.Sequential(conv_bn_relu(config.bands, widths[0]), conv_bn_relu(widths[0], widths[0]))
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
        wide = config.decoder
        self.encoder = EfficientNetLite(config.bands, config.widths, config.repeats, coarsest_stride=16)
        self.pyramid = AtrousPyramid(self.encoder.widths[4], wide, (6, 12, 18))
        self.decoder = SkipDecoder(self.pyramid.outputs, self.encoder.widths[1], wide)
        self.classify = nn.Conv2d(wide, config.classes, 1)

    def scores(self, patch: Tensor) -> Tensor:
        _, x4, _, _, deep = self.encoder(patch)
        scores: Tensor = self.classify(self.decoder(self.pyramid(deep), x4))
        return scores


class PspNet(Baseline):
    """Zhao et al. 2017: features at stride 8, concatenated with their means over 1, 2 x 2, 3 x 3 and 6 x 6 regions."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__(config)
        wide = config.decoder
        self.encoder = EfficientNetLite(config.bands, config.widths, config.repeats, coarsest_stride=8)
        deep = self.encoder.widths[4]
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
