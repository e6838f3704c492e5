"""What every segmentation network has, so that one engine and one training loop run them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fctl_geo.model.normalise import MEAN, SPREAD, normalise
from fctl_geo.spec import Context, Legend


class NetworkConfig(Protocol):
    """What every network's settings say; the settings of a kind are a frozen dataclass beside it."""

    @property
    def bands(self) -> int: ...

    @property
    def classes(self) -> int: ...

    @property
    def contexts(self) -> tuple[Context, ...]: ...


class SegmentationNetwork(nn.Module):
    """A patch and its contexts to logits. Contexts are encoded apart, so that patches may share them."""

    mean: ClassVar[float] = MEAN
    spread: ClassVar[float] = SPREAD
    """Input is (pixel in 0..1 - mean) / spread; 0 where there is no imagery."""
    shares_levels: ClassVar[bool] = False
    """Contexts of whole factors are cut from features of the scene's levels, encoded once; else each patch has its own
    crop, encoded for it."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config: Any = config
        self.object_class: int | None = None
        """Index of the class of its `objects`; None: there are none, or `name_classes` was not called."""

    @property
    def wider(self) -> tuple[Context, ...]:
        """The contexts that are more than the patch itself, in the network's order."""
        return tuple(c for c in self.config.contexts if c != 1)

    @property
    def planes(self) -> int:
        """Of logits: one for each class, and one for the edges between touching objects where it tells them apart."""
        return int(self.config.classes) + bool(self.objects)

    @property
    def objects(self) -> str:
        """The class whose touching regions it tells apart; empty: none."""
        return str(getattr(self.config, "objects", ""))

    def name_classes(self, legend: Legend) -> None:
        """Tell it what its classes are called, so that it knows which of them are its `objects`."""
        names = [c.name for c in legend]
        self.object_class = names.index(self.objects) if self.objects in names else None

    def of_classes(self, planes: Tensor) -> Tensor:
        """Of planes of logits those of the classes."""
        return planes[:, : int(self.config.classes)]

    def kept_apart(self, planes: Tensor) -> Tensor:
        """Of planes of logits those of the classes, such that touching objects are apart: in the middle of a line
        between two of them (all 3 x 3 px are on it) their class is as much less likely as the line is likely."""
        classes = self.of_classes(planes)
        if self.object_class is None:
            return classes
        likely = torch.zeros_like(classes)
        middle = -F.max_pool2d(-planes[:, -1], 3, stride=1, padding=1)
        likely[:, self.object_class] = F.logsigmoid(-middle)
        return classes + likely

    def prepare(self, pixels: Tensor) -> Tensor:
        """(B, bands, h, w) pixels in 0..1, NaN where there is no imagery, to the network's input."""
        return normalise(pixels, self.mean, self.spread)

    def encode_context(self, level: Tensor, index: int = 0) -> Tensor:
        """Features of a context's pixels (B, bands, H, W); `index` counts in `wider`."""
        raise NotImplementedError

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Logits (B, planes, h, w) of a patch (B, bands, h, w) and of the features of its wider contexts.

        The classes first, in the legend's order; then, if there are `objects`, that of an edge between two of them.
        """
        raise NotImplementedError

    def forward(self, patch: Tensor, levels: Sequence[Tensor] = ()) -> Tensor:
        """Logits from pixels alone: `levels` are the wider contexts' pixels, (B, bands, H, W), in their order."""
        return self.segment(patch, [self.encode_context(level, t) for t, level in enumerate(levels)])

    def pretraining(self) -> list[tuple[str, NetworkConfig]]:
        """Name and settings of the networks that are trained before this one (`adopt`), in order."""
        return []

    def adopt(self, name: str, pretrained: SegmentationNetwork) -> None:
        """Take over what a network of `pretraining` has learned, and freeze it."""
        raise NotImplementedError

    def freeze_streams(self) -> None:
        """Let the streams that are pre-trained learn no more; they came with another model's weights."""


@contextmanager
def as_in_use(encoder: nn.Module) -> Iterator[None]:
    """Within it an encoder that is being trained computes as it will in use, and its statistics follow nothing.

    A context is another look at the ground than the patch: with statistics of its own batch it would be seen otherwise
    in training than in use, and mixed into the patches' statistics it would spoil those.
    """
    was = encoder.training
    if was:  # else nothing is touched: in use several threads encode at once
        encoder.eval()
    try:
        yield
    finally:
        if was:
            encoder.train()
