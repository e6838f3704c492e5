"""fctl-lite: the paper's idea, built for speed. Every pyramid level is encoded once, and patches share their contexts.

Multiply-adds per pixel (RGB, 2 classes): encoder 8 k, contexts and decoder 5 k. All convolutions keep cells aligned to
the scene: cell (i, j) at stride s is centered on the pixels [i * s, (i + 1) * s).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.atrous import AtrousPyramid, SkipDecoder
from fctl_geo.model.blocks import conv_bn, pointwise
from fctl_geo.model.configs import LiteConfig
from fctl_geo.model.correlation import AdaptiveFusion, Concatenation, ContextualCorrelation
from fctl_geo.model.efficientnet import EfficientNetLite
from fctl_geo.model.network import SegmentationNetwork, as_in_use

STRIDE_PX = 16
"""Pixels per cell of the deep features."""
_POOLED_CELLS = 2
"""Side of the blocks of context cells that are attended to as a single cell."""


class Encoder(nn.Module):
    """(B, bands, H, W), with H and W multiples of 16, to features at strides 2 and 4, and deep features at 16.

    The deep features are the sum of those at strides 16 and 32: cells of 16 px, so patches and tiles may begin at any.
    """

    def __init__(self, config: LiteConfig) -> None:
        super().__init__()
        self.backbone = EfficientNetLite(config.bands, config.widths, config.repeats)
        w16, w32 = self.backbone.widths[3:]
        self.near = conv_bn(w16, config.deep_channels, 1)
        self.far = conv_bn(w32, config.deep_channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x2, x4, _, x16, x32 = self.backbone(x)
        height, width = x16.shape[-2:]
        far = _doubled(self.far(x32))[..., :height, :width]
        return x2, x4, F.relu(self.near(x16) + far)


class _Merge(nn.Module):
    """Upsample deeper features twofold, add lateral ones, mix by a 3x3 convolution, which initially does nothing."""

    def __init__(self, deep: int, lateral: int, outputs: int) -> None:
        super().__init__()
        self.reduce = pointwise(deep, outputs)
        self.lateral = pointwise(lateral, outputs)
        self.mix = conv_bn(outputs, outputs)
        nn.init.zeros_(self.mix.get_parameter("1.weight"))

    def forward(self, deep: Tensor, lateral: Tensor) -> Tensor:
        # In place, because at stride 2 these are the largest tensors of the decoder.
        merged = F.relu_(_doubled(self.reduce(deep)).add_(self.lateral(lateral)))
        return F.relu_(self.mix(merged).add_(merged))


class Decoder(nn.Module):
    """From features at strides 2, 4 and 16 to planes of logits at full resolution.

    What is where is decided at stride 4, from deep features seen near and far; as in DeepLab v3+, few of the fine
    features are let in, so that textures do not decide it. Contours are drawn at stride 2, at most half a pixel off:
    full resolution would cost as much as everything else. Both strides are scored and the scores added up, since the
    many channels of the coarser one learn faster.
    """

    def __init__(self, config: LiteConfig, widths: Sequence[int], planes: int) -> None:
        super().__init__()
        d4, d2 = config.decoder
        self.pyramid = AtrousPyramid(config.deep_channels, d4, config.rates)
        self.merge4 = SkipDecoder(self.pyramid.outputs, widths[1], d4)
        self.merge2 = _Merge(d4, widths[0], d2)
        self.coarse = pointwise(d4, planes)
        self.classify = pointwise(d2, planes)

    def forward(self, x2: Tensor, x4: Tensor, deep: Tensor) -> Tensor:
        decoded = self.merge4(self.pyramid(deep), x4)
        return _doubled(self.classify(self.merge2(decoded, x2)) + _doubled(self.coarse(decoded)))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class FctlLite(SegmentationNetwork):
    """Local stream, one shared encoder for all contexts, correlation per context, adaptive fusion, light decoder."""

    shares_levels = True

    def __init__(self, config: LiteConfig) -> None:
        super().__init__(config)
        deep = config.deep_channels
        self.encoder = Encoder(config)
        self.correlations = nn.ModuleList(
            ContextualCorrelation(deep, config.key_channels, _POOLED_CELLS)
            if config.correlation == "attention"
            else Concatenation(deep)
            for _ in config.contexts
        )
        self.fusion = AdaptiveFusion(deep, len(config.contexts), config.key_channels) if config.contexts else None
        self.decoder = Decoder(config, self.encoder.backbone.widths, self.planes)

    def encode_context(self, level: Tensor, index: int = 0) -> Tensor:
        """(B, bands, H, W) pixels of a pyramid level to (B, C, H / 16, W / 16) features, which patches share.

        No gradient flows from contexts to the encoder, as with the frozen context branches of the released code.
        """
        with torch.no_grad(), as_in_use(self.encoder):
            deep: Tensor = self.encoder(level)[-1]
        return deep

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Planes of logits of a patch.

        Args:
            patch: (B, bands, h, w) normalized pixels, h and w multiples of 16.
            contexts: features from `encode_context`, (B, C, H, W) each, one for every context except the local one.
        Returns:
            (B, planes, h, w) logits.
        """
        return self.decode(self.encoder(patch), contexts)

    def decode(self, features: Sequence[Tensor], contexts: Sequence[Tensor]) -> Tensor:
        """The same from the encoder's features of the patch."""
        x2, x4, deep = features
        wider = iter(contexts)
        seen = [deep if scale == 1 else next(wider) for scale in self.config.contexts]
        related = [correlate(deep, c) for correlate, c in zip(self.correlations, seen, strict=True)]
        logits: Tensor = self.decoder(x2, x4, deep + self.fusion(related) if self.fusion else deep)
        return logits
