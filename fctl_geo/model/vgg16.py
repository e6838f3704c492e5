"""fctl-vgg16: the paper's network as its authors released it, and the variants described in the paper (3.1).

VGG16 streams for the patch and each context, locality-aware contextual correlation (LCC), fusion, FCN-8s decoder.
The first convolution pads by 100 px, so that the deepest features have at least 7 x 7 cells for any patch, and all
pooling layers round up. A patch of 508 px has 89, 45 and 23 cells per side after the third, fourth and fifth stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn

from fctl_geo.model.configs import NetworkConfig, Vgg16Config
from fctl_geo.model.correlation import AdaptiveFusion, Concatenation, attend
from fctl_geo.model.network import SegmentationNetwork

_CONVOLUTIONS = (2, 2, 3, 3, 3)
_FIRST_PADDING_PX = 100
_POOL4_OFFSET, _POOL3_OFFSET, _PATCH_OFFSET = 5, 9, 31
"""Where the patch begins in the padded features (cells) and in the last upsampling (px)."""


def _stage(inputs: int, width: int, count: int, padding: int, *, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in range(count):
        layers.append(nn.Conv2d(inputs if n == 0 else width, width, 3, 1, padding if n == 0 else 1))
        layers += [nn.BatchNorm2d(width)] if batch_norm else []
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.MaxPool2d(2, 2, ceil_mode=True))


class VggEncoder(nn.Module):
    """The first stages of VGG16."""

    def __init__(self, config: Vgg16Config, depth: int = 5) -> None:
        super().__init__()
        widths = config.widths[:depth]
        inputs = [config.bands, *widths[:-1]]
        paddings = [_FIRST_PADDING_PX, *[1] * (depth - 1)]
        self.stages = nn.ModuleList(
            _stage(*shape, batch_norm=config.batch_norm)
            for shape in zip(inputs, widths, _CONVOLUTIONS[:depth], paddings, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Pixels (B, bands, h, w) to the last stage's features."""
        for stage in self.stages:
            x = stage(x)
        return x


class Correlation(nn.Module):
    """One context's locality-aware features (paper, 3.1.2), times a learned scalar that begins at zero."""

    def __init__(self, channels: int, value: str) -> None:
        super().__init__()
        self.gathers_local = value == "local"
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, patch: Tensor, context: Tensor) -> Tensor:
        """(B, C, h, w) patch and (B, C, H, W) context features to (B, C, h, w); for local values H, W must be h, w."""
        value = self.value(patch if self.gathers_local else context)
        mixed: Tensor = self.gamma * attend(self.query(patch), self.key(context), value, scaled=False)
        return mixed


class ChannelFusion(nn.Module):
    """The released fusion: a weight per context, channel and cell."""

    def __init__(self, channels: int, streams: int, *, bounded: bool) -> None:
        super().__init__()
        self.bounded = bounded
        self.before = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(streams))
        self.mix = nn.Conv2d(channels * streams, channels * streams, 1)
        self.after = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(streams))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """T tensors (B, C, h, w) to their weighted sum (B, C, h, w)."""
        before = torch.cat([conv(f) for conv, f in zip(self.before, features, strict=True)], dim=1)
        mixed = self.mix(before).chunk(len(features), dim=1)
        scores = torch.stack([conv(m) for conv, m in zip(self.after, mixed, strict=True)])
        if self.bounded:
            scores = torch.sigmoid(scores)
        fused: Tensor = (torch.softmax(scores, dim=0) * torch.stack(list(features))).sum(0)
        return fused


class ConstantFusion(nn.Module):
    """Weights that are the same everywhere: learned, or equal (paper, Table 5)."""

    def __init__(self, streams: int, *, learned: bool) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(streams), requires_grad=learned)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """T tensors (B, C, h, w) to their weighted sum (B, C, h, w)."""
        weights = torch.softmax(self.scores, dim=0)
        return torch.stack([w * f for w, f in zip(weights, features, strict=True)]).sum(0)


def _initialize(*parts: nn.Module, std: float | None = None) -> None:
    """Initialize weights for training: with a given standard deviation, or such that ReLUs preserve the variance."""
    for module in (m for part in parts for m in part.modules() if isinstance(m, nn.Conv2d)):
        if std is None:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        else:
            nn.init.normal_(module.weight, std=std)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _fusion(config: Vgg16Config) -> nn.Module:
    channels, streams = config.deep_channels, len(config.contexts)
    if config.fusion in ("released", "softmax"):
        return ChannelFusion(channels, streams, bounded=config.fusion == "released")
    if config.fusion == "maps":
        return AdaptiveFusion(channels, streams, channels)
    return ConstantFusion(streams, learned=config.fusion == "weighted")


class Fcn8Decoder(nn.Module):
    """FCN-8s: scores of the deepest features, upsampled, with those of pool4 and pool3 added along the way."""

    def __init__(self, config: Vgg16Config) -> None:
        super().__init__()
        _, _, w3, w4, w5 = config.widths
        classes, head = config.classes, config.head
        self.classify = nn.Sequential(
            nn.Conv2d(w5, head, 7), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Conv2d(head, head, 1), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Conv2d(head, classes, 1),
        )  # fmt: skip
        self.adjust4, self.adjust3 = nn.Conv2d(w4, classes, 1), nn.Conv2d(w3, classes, 1)
        self.skip_scales = config.skip_scales
        self.upscore = _upsampling(classes, 4, 2)
        self.upscore4 = _upsampling(classes, 4, 2)
        self.upscore3 = _upsampling(classes, 16, 8)

    def forward(self, pool3: Tensor, pool4: Tensor, pool5: Tensor, size_hw: tuple[int, int]) -> Tensor:
        """Padded features to logits (B, classes, *size_hw)."""
        scale4, scale3 = self.skip_scales
        scores = self.upscore(self.classify(pool5))
        scores = self.upscore4(scores + _crop(self.adjust4(scale4 * pool4), _POOL4_OFFSET, scores.shape[-2:]))
        scores = self.upscore3(scores + _crop(self.adjust3(scale3 * pool3), _POOL3_OFFSET, scores.shape[-2:]))
        return _crop(scores, _PATCH_OFFSET, size_hw)


def _crop(x: Tensor, offset: int, size_hw: Sequence[int]) -> Tensor:
    return x[..., offset : offset + size_hw[0], offset : offset + size_hw[1]]


def _upsampling(classes: int, kernel_px: int, stride: int) -> nn.ConvTranspose2d:
    """Bilinear upsampling as a transposed convolution that is never trained."""
    layer = nn.ConvTranspose2d(classes, classes, kernel_px, stride, bias=False).requires_grad_(False)
    if not layer.weight.is_meta:
        layer.weight.copy_(bilinear_kernel(classes, kernel_px))
    return layer


def bilinear_kernel(classes: int, kernel_px: int) -> Tensor:
    """(classes, classes, kernel, kernel): each class is upsampled by itself. Example: 4 px -> 1/4 3/4 3/4 1/4."""
    half = kernel_px / 2
    ramp = 1 - (torch.arange(kernel_px, dtype=torch.float64) - (half - 0.5)).abs() / half
    kernel = torch.zeros(classes, classes, kernel_px, kernel_px, dtype=torch.float64)
    kernel[range(classes), range(classes)] = torch.outer(ramp, ramp)
    return kernel.float()


class FctlVgg16(SegmentationNetwork):
    """Local stream, one stream per context, correlation, fusion, FCN-8s decoder."""

    mean, spread = 0.0, 1.0

    def __init__(self, config: Vgg16Config) -> None:
        super().__init__(config)
        depth = 3 if config.features == "conv3" else 5
        self.encoder = VggEncoder(config)
        separate = self.wider if config.encoders == "separate" else ()
        self.context_encoders = nn.ModuleList(VggEncoder(config, depth) for _ in separate)
        self.correlations = nn.ModuleList(
            Correlation(config.deep_channels, config.value)
            if config.correlation == "attention"
            else Concatenation(config.deep_channels)
            for _ in config.contexts
        )
        self.fusion = _fusion(config) if len(config.contexts) > 1 else nn.Identity()
        self.decoder = Fcn8Decoder(config)
        _initialize(self.encoder, self.context_encoders, self.decoder.classify[:-1])
        _initialize(self.correlations, self.fusion, std=0.01)

    def encode_context(self, level: Tensor, index: int = 0) -> Tensor:
        """Features of a context from its (B, bands, H, W) pixels, by its own encoder or that of the patch."""
        if len(self.context_encoders):
            features: Tensor = self.context_encoders[index](level)
            return features
        return self._deep(level)

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Logits of a patch of any size from 1 px; `contexts` from `encode_context`, one for every wider context."""
        stages = self.encoder.stages
        pool3 = stages[2](stages[1](stages[0](patch)))
        if self.config.features == "conv3":
            pool3 = self._related(pool3, contexts)
        pool4 = stages[3](pool3)
        pool5 = stages[4](pool4)
        if self.config.features == "pool5":
            pool5 = self._related(pool5, contexts)
        logits: Tensor = self.decoder(pool3, pool4, pool5, patch.shape[-2:])
        return logits

    def pretraining(self) -> list[tuple[str, NetworkConfig]]:
        """One network per context stream: that context alone, with one encoder for it and the patch (as released)."""
        if not len(self.context_encoders):
            return []
        return [(f"context-{c}", replace(self.config, contexts=(c,), encoders="shared")) for c in self.wider]

    def adopt(self, name: str, pretrained: SegmentationNetwork) -> None:
        """Take over a pre-trained network's encoder as the stream of its context, frozen from now on."""
        index = [f"context-{c}" for c in self.wider].index(name)
        assert isinstance(pretrained, FctlVgg16), type(pretrained)
        encoder = self.context_encoders[index]
        assert isinstance(encoder, VggEncoder)
        for mine, theirs in zip(encoder.stages, pretrained.encoder.stages, strict=False):
            mine.load_state_dict(theirs.state_dict())
        encoder.requires_grad_(False)
        encoder.eval()

    def freeze_streams(self) -> None:
        """Freeze the context streams, as in the released code: they were trained beforehand."""
        self.context_encoders.requires_grad_(False)
        self.context_encoders.eval()

    def train(self, mode: bool = True) -> Self:
        """Set the training mode, except for frozen streams: their normalization statistics no longer change."""
        super().train(mode)
        for encoder in self.context_encoders:
            if not any(p.requires_grad for p in encoder.parameters()):
                encoder.eval()
        return self

    def _deep(self, pixels: Tensor) -> Tensor:
        for stage in self.encoder.stages[:3] if self.config.features == "conv3" else self.encoder.stages:
            pixels = stage(pixels)
        return pixels

    def _related(self, deep: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """The features of the patch, plus those contributed by its contexts as a residual."""
        if not self.config.contexts:
            return deep
        wider = iter(contexts)
        seen = [deep if c == 1 else next(wider) for c in self.config.contexts]
        related = [correlate(deep, c) for correlate, c in zip(self.correlations, seen, strict=True)]
        added: Tensor = self.fusion(related) if len(related) > 1 else related[0]
        return deep + added
