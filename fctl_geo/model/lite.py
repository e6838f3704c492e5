"""fctl-lite: the paper's idea built for speed. Every pyramid level is encoded once, patches share their contexts.

Multiply-adds a pixel (RGB, 5 classes): encoder 33 k, contexts and decoder 15 k. All convolutions keep cells aligned to
the scene: cell (i, j) at stride s is centred on the pixels [i * s, (i + 1) * s).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.atrous import AtrousPyramid, SkipDecoder
from fctl_geo.model.blocks import Reduction, ResidualBlock, conv_bn
from fctl_geo.model.correlation import AdaptiveFusion, ContextualCorrelation
from fctl_geo.model.network import SegmentationNetwork, as_in_use
from fctl_geo.spec import Context

STRIDE_PX = 16
"""Pixels a cell of the deepest features."""
SEEN_CELLS = 8
"""Half of the cells of a sample of 256 px: taps of the pyramid that are farther away are seen seldom or never."""


@dataclass(frozen=True, slots=True)
class LiteConfig:
    """The shape of a fctl-lite network."""

    bands: int = 3
    classes: int = 2
    contexts: tuple[Context, ...] = (1, 2, 3)
    """Context sizes in patches; 1 is the patch itself (the paper's local context)."""
    pixel_channels: int = 16
    """Channels at the pixels themselves; 0: the first features are those at stride 2 (model files of format 1)."""
    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    """Channels at strides 2, 4, 8, 16."""
    blocks: tuple[int, int, int] = (1, 2, 3)
    """Residual blocks at strides 4, 8, 16."""
    key_channels: int = 64
    rates: tuple[int, ...] = (6, 12, 18)
    """Cells between the taps of the pyramid's convolutions."""
    decoder: tuple[int, ...] = (64, 32)
    """Decoder channels at strides 4 and 2; without `shortcuts` at 8, 4 and 2."""
    scores: Literal["all", "finest"] = "all"
    """Which decoder features classes are scored of: those of each stride, added up on the way to the pixels as in
    FCN-8s, or the finest alone (model files of format 1)."""
    shortcuts: bool = True
    """Shortcuts past every convolution that changes the stride or mixes merged features, an atrous pyramid on the deep
    features; False: past those of the blocks only, and no pyramid (model files of formats 1 and 2)."""

    def __post_init__(self) -> None:
        if self.scores not in ("all", "finest"):
            raise ValueError(f"scores are {self.scores!r}, allowed: all, finest")
        strides = "4 and 2" if self.shortcuts else "8, 4 and 2"
        if len(self.decoder) != (2 if self.shortcuts else 3):
            raise ValueError(f"decoder is {self.decoder}, wanted: its channels at strides {strides}")


class Encoder(nn.Module):
    """(B, bands, H, W), H and W multiples of 16, to features at strides 1, 2, 4, 8 and 16."""

    def __init__(self, config: LiteConfig) -> None:
        super().__init__()
        w1 = config.pixel_channels
        w2, w4, w8, w16 = config.widths
        n4, n8, n16 = config.blocks
        self.pixels = nn.Sequential(conv_bn(config.bands, w1), nn.ReLU()) if w1 else nn.Identity()
        self.stem = nn.Sequential(*_reduction(w1 or config.bands, w2, config.shortcuts))
        self.stride4 = nn.Sequential(*_reduction(w2, w4, config.shortcuts), *(ResidualBlock(w4) for _ in range(n4)))
        self.stride8 = nn.Sequential(*_reduction(w4, w8, config.shortcuts), *(ResidualBlock(w8) for _ in range(n8)))
        self.stride16 = nn.Sequential(*_reduction(w8, w16, config.shortcuts), *(ResidualBlock(w16) for _ in range(n16)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        x1 = self.pixels(x)
        x2 = self.stem(x1)
        x4 = self.stride4(x2)
        x8 = self.stride8(x4)
        return x1, x2, x4, x8, self.stride16(x8)


def _reduction(inputs: int, outputs: int, shortcut: bool) -> tuple[nn.Module, nn.Module]:
    return Reduction(inputs, outputs) if shortcut else conv_bn(inputs, outputs, stride=2), nn.ReLU()


class _Merge(nn.Module):
    """Upsample the deeper features twofold, add the lateral ones, mix by a 3x3 convolution; begins without mixing."""

    def __init__(self, deep: int, lateral: int, outputs: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(deep, outputs, 1)
        self.lateral = nn.Conv2d(lateral, outputs, 1)
        self.mix = conv_bn(outputs, outputs)
        self.shortcut = shortcut
        if shortcut:
            nn.init.zeros_(self.mix.get_parameter("1.weight"))

    def forward(self, deep: Tensor, lateral: Tensor) -> Tensor:
        # In place: at the pixels these are the largest tensors of all.
        merged = F.relu_(_doubled(self.reduce(deep)).add_(self.lateral(lateral)))
        mixed: Tensor = self.mix(merged)
        return F.relu_(mixed.add_(merged) if self.shortcut else mixed)


class Decoder(nn.Module):
    """Features at strides 1..16 to logits at the pixels.

    What is where is decided at stride 4, from what the deep features show near and far: as in DeepLab v3+, where few
    of the fine features are let in, lest textures decide it. Merges down to the pixels draw the contours.
    Classes are scored at every stride and the scores added up: the many channels of the coarse strides learn in a few
    steps what the few of the pixels would take long for, and these need to learn the contours only.
    """

    def __init__(self, config: LiteConfig) -> None:
        super().__init__()
        w1, (w2, w4, w8, w16) = config.pixel_channels, config.widths
        d4, d2 = config.decoder[-2:]
        self.pyramid = AtrousPyramid(w16, d4, config.rates) if config.shortcuts else None
        if self.pyramid is None:
            d8 = config.decoder[0]
            self.merge8 = _Merge(w16, w8, d8, config.shortcuts)
            self.merge4: nn.Module = _Merge(d8, w4, d4, config.shortcuts)
        else:
            self.pyramid.zero_taps_beyond(SEEN_CELLS)
            self.merge4 = SkipDecoder(self.pyramid.outputs, w4, d4)
        self.merge2 = _Merge(d4, w2, d2, config.shortcuts)
        self.merge1 = _Merge(d2, w1, w1, config.shortcuts) if w1 else None
        coarser = (config.decoder if w1 else config.decoder[:-1]) if config.scores == "all" else ()
        self.coarser = nn.ModuleList(nn.Conv2d(channels, config.classes, 1) for channels in coarser)
        self.classify = nn.Conv2d(w1 or d2, config.classes, 1)

    def forward(self, x1: Tensor, x2: Tensor, x4: Tensor, x8: Tensor, x16: Tensor) -> Tensor:
        if self.pyramid is None:
            decoded = [self.merge8(x16, x8)]
            decoded.append(self.merge4(decoded[0], x4))
        else:
            decoded = [self.merge4(self.pyramid(x16), x4)]
        decoded.append(self.merge2(decoded[-1], x2))
        if self.merge1 is not None:
            decoded.append(self.merge1(decoded[-1], x1))
        logits: Tensor = self.classify(decoded.pop())
        added: Tensor | None = None
        for score, features in zip(self.coarser, decoded, strict=False):
            added = score(features) if added is None else _doubled(added) + score(features)
        logits = logits if added is None else logits + _doubled(added)
        return logits if self.merge1 is not None else _doubled(logits)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class FctlLite(SegmentationNetwork):
    """Local stream, one shared encoder for all contexts, correlation per context, adaptive fusion, light decoder."""

    shares_levels = True

    def __init__(self, config: LiteConfig) -> None:
        super().__init__(config)
        deep = config.widths[3]
        self.encoder = Encoder(config)
        self.correlations = nn.ModuleList(ContextualCorrelation(deep, config.key_channels) for _ in config.contexts)
        self.fusion = AdaptiveFusion(deep, len(config.contexts), config.key_channels)
        self.decoder = Decoder(config)

    def encode_context(self, level: Tensor, index: int = 0) -> Tensor:
        """(B, bands, H, W) pixels of a pyramid level to (B, C, H / 16, W / 16): what patches share.

        Contexts teach the encoder nothing, as the frozen context branches of the released code.
        """
        with torch.no_grad(), as_in_use(self.encoder):
            deep: Tensor = self.encoder(level)[-1]
        return deep

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Logits of a patch.

        Args:
            patch: (B, bands, h, w) normalised pixels, h and w multiples of 16.
            contexts: features from `encode_context`, (B, C, H, W) each, one for every context but the local one.
        Returns:
            (B, classes, h, w) logits.
        """
        x1, x2, x4, x8, x16 = self.encoder(patch)
        wider = iter(contexts)
        seen = [x16 if scale == 1 else next(wider) for scale in self.config.contexts]
        related = [correlate(x16, c) for correlate, c in zip(self.correlations, seen, strict=True)]
        logits: Tensor = self.decoder(x1, x2, x4, x8, x16 + self.fusion(related))
        return logits
