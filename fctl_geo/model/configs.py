"""The shapes of the networks: plain values, so that plans can be made where torch is not installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from fctl_geo.spec import Context

WIDTHS = (32, 16, 24, 40, 80, 112, 192, 320)
"""Channels of the stem and the seven stages of Lite0."""
REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks per stage of Lite0."""


class NetworkConfig(Protocol):
    """The settings that every network has; each kind has its own frozen dataclass."""

    @property
    def bands(self) -> int: ...

    @property
    def classes(self) -> int: ...

    @property
    def contexts(self) -> tuple[Context, ...]: ...


@dataclass(frozen=True, slots=True)
class LiteConfig:
    """The shape of an fctl-lite network; the defaults use EfficientNet-Lite0's encoder."""

    bands: int = 3
    classes: int = 2
    contexts: tuple[Context, ...] = (1, 3)
    """Context sizes in patches; 1 is the patch itself (the paper's local context)."""
    correlation: Literal["attention", "concatenate"] = "attention"
    """concatenate: the paper's naive baseline (4.4), patch and context features side by side."""
    objects: str = ""
    """The class whose touching regions are separated by means of an edge plane; empty: none."""
    widths: tuple[int, ...] = WIDTHS
    """Channels of the encoder's stem and seven stages."""
    repeats: tuple[int, ...] = REPEATS
    """Blocks per stage of the encoder."""
    deep_channels: int = 128
    """Channels of the deep features, at stride 16."""
    key_channels: int = 64
    rates: tuple[int, ...] = (3, 6, 12)
    """Cells between the taps of the atrous pyramid's convolutions; samples to learn from must be larger than these."""
    decoder: tuple[int, int] = (64, 32)
    """Decoder channels at strides 4 and 2."""

    def __post_init__(self) -> None:
        for name, wanted in (("widths", 8), ("repeats", 7), ("decoder", 2)):
            if len(getattr(self, name)) != wanted:
                raise ValueError(f"{name} is {getattr(self, name)}, expected {wanted} numbers")
        if self.correlation not in ("attention", "concatenate"):
            raise ValueError(f"correlation is {self.correlation!r}, allowed: attention, concatenate")


@dataclass(frozen=True, slots=True)
class Vgg16Config:
    """The shape of an fctl-vgg16 network; the defaults are those of the network released for Inria."""

    bands: int = 3
    classes: int = 2
    contexts: tuple[Context, ...] = (2, 3, 1)
    """Context sizes in patches, 'global', or 1 (the patch itself); empty: plain FCN-8s."""
    features: Literal["pool5", "conv3"] = "pool5"
    """What is correlated: pool5 (the released code) or Conv1-3 (the paper's text)."""
    correlation: Literal["attention", "concatenate"] = "attention"
    """concatenate: the naive baseline of 4.4, local and context features side by side."""
    value: Literal["context", "local"] = "context"
    """What the attention map gathers: context features (the released code) or the patch's own (the paper's text)."""
    fusion: Literal["released", "softmax", "maps", "weighted", "average"] = "released"
    """How several contexts are fused. released: a weight per channel, sigmoid, then softmax. softmax: without the
    sigmoid. maps: one map per context, softmax (the paper's equation 1). weighted: learned constants. average: the mean
    (4.4, Table 5)."""
    encoders: Literal["separate", "shared"] = "separate"
    """Encoders of the contexts: separate ones (released: pretrained, then frozen), or that of the patch."""
    widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    """Channels of the five stages."""
    head: int = 4096
    """Channels of conv6 and conv7."""
    batch_norm: bool = False
    """After each convolution of the stages, for training from scratch; the released network has pretrained weights."""
    skip_scales: tuple[float, float] = (0.01, 0.0001)
    """Factors by which pool4 and pool3 are multiplied on their way to the decoder."""

    def __post_init__(self) -> None:
        allowed = {
            "features": ("pool5", "conv3"),
            "correlation": ("attention", "concatenate"),
            "value": ("context", "local"),
            "fusion": ("released", "softmax", "maps", "weighted", "average"),
            "encoders": ("separate", "shared"),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is {getattr(self, name)!r}, allowed: {', '.join(values)}")
        for context in self.contexts:
            if context != "global" and not (isinstance(context, int | float) and context >= 1):
                raise ValueError(f"context {context!r} is neither a factor of at least 1 nor 'global'")

    @property
    def deep_channels(self) -> int:
        """Channels of the features that are correlated."""
        return self.widths[2] if self.features == "conv3" else self.widths[4]


@dataclass(frozen=True, slots=True)
class BaselineConfig:
    """The shape of a baseline."""

    bands: int = 3
    classes: int = 2
    contexts: tuple[int, ...] = ()
    """Empty or 1 only: the patch is all they see."""
    widths: tuple[int, ...] = WIDTHS
    """Channels of the encoder's stem and seven stages."""
    repeats: tuple[int, ...] = REPEATS
    """Blocks of its stages."""
    decoder: int = 64
    """Channels of the decoder (U-Net's decoder has those of its encoder instead)."""

    def __post_init__(self) -> None:
        if any(c != 1 for c in self.contexts):
            raise ValueError(f"contexts are {self.contexts}, but a baseline sees only its patch")


@dataclass(frozen=True, slots=True)
class RefinementConfig:
    """The shape of a refinement network."""

    context: int | float = 2
    """Size of the context mask in patches (the paper tried 1.5, 2 and 2.5, and found 2 best)."""
    widths: tuple[int, int, int, int] = (16, 32, 48, 64)
    """Channels at strides 2, 4, 8, 16."""

    def __post_init__(self) -> None:
        if self.context < 1:
            raise ValueError(f"the context mask is {self.context} times the size of the patch, the minimum is 1")
