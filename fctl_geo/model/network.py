"""What all segmentation networks have in common, so that one engine and one training loop can run them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from torch import Tensor, nn

from fctl_geo.model.configs import NetworkConfig
from fctl_geo.model.edge_plane import keep_apart
from fctl_geo.model.normalize import MEAN, SPREAD, normalize
from fctl_geo.spec import Context, Legend


class SegmentationNetwork(nn.Module):
    """From a patch and its contexts to logits. Contexts are encoded separately, so that patches may share them."""

    mean: ClassVar[float] = MEAN
    spread: ClassVar[float] = SPREAD
    """Input is (pixel in 0..1 - mean) / spread; 0 where there is no imagery."""
    shares_levels: ClassVar[bool] = False
    """Whether contexts of integer factors are cropped from features of the scene's levels, which are encoded once;
    otherwise each patch has its own crop, encoded separately."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config: Any = config
        self.object_class: int | None = None
        """Index of the class of its `objects`; None: there are none, or `name_classes` was not called."""

    @property
    def wider(self) -> tuple[Context, ...]:
        """The contexts larger than the patch itself, in the network's order."""
        return tuple(c for c in self.config.contexts if c != 1)

    @property
    def planes(self) -> int:
        """Number of logit planes: one per class, and one for the edges between `objects`, if there are any."""
        return int(self.config.classes) + bool(self.objects)

    @property
    def objects(self) -> str:
        """The class whose touching regions it separates; empty: none."""
        return str(getattr(self.config, "objects", ""))

    def name_classes(self, legend: Legend) -> None:
        """Set the names of the classes, so that the network knows which of them are its `objects`."""
        names = [c.name for c in legend]
        self.object_class = names.index(self.objects) if self.objects in names else None

    def of_classes(self, planes: Tensor) -> Tensor:
        """The planes of logits that belong to classes."""
        return planes[:, : int(self.config.classes)]

    def kept_apart(self, planes: Tensor) -> Tensor:
        """The planes of logits that belong to classes, with touching objects separated (see `edge_plane`)."""
        classes = self.of_classes(planes)
        return classes if self.object_class is None else keep_apart(classes, planes[:, -1], self.object_class)

    def prepare(self, pixels: Tensor) -> Tensor:
        """(B, bands, h, w) pixels in 0..1, NaN where there is no imagery, to the network's input."""
        return normalize(pixels, self.mean, self.spread)

    def encode_context(self, level: Tensor, index: int = 0) -> Tensor:
        """Features of a context's pixels (B, bands, H, W); `index` refers to `wider`."""
        raise NotImplementedError

    def segment(self, patch: Tensor, contexts: Sequence[Tensor]) -> Tensor:
        """Logits (B, planes, h, w) from a patch (B, bands, h, w) and the features of its wider contexts.

        The classes come first, in the legend's order; then, if there are `objects`, the edge between two of them.
        """
        raise NotImplementedError

    def forward(self, patch: Tensor, levels: Sequence[Tensor] = ()) -> Tensor:
        """Logits from pixels alone: `levels` are the pixels (B, bands, H, W) of the wider contexts, in order."""
        return self.segment(patch, [self.encode_context(level, t) for t, level in enumerate(levels)])

    def pretraining(self) -> list[tuple[str, NetworkConfig]]:
        """Names and settings of the networks that are trained before this one (see `adopt`), in order."""
        return []

    def adopt(self, name: str, pretrained: SegmentationNetwork) -> None:
        """Take over the weights of a network from `pretraining`, and freeze them."""
        raise NotImplementedError

    def freeze_streams(self) -> None:
        """Stop training the pretrained streams; their weights came from another model."""


@contextmanager
def as_in_use(encoder: nn.Module) -> Iterator[None]:
    """Context in which an encoder that is being trained computes as in inference, without updating its statistics.

    A context shows the ground differently than a patch: with its own batch's statistics it would look different in
    training than in inference, and mixed into the statistics of the patches it would spoil them.
    """
    was = encoder.training
    if was:  # otherwise touch nothing: in inference, several threads encode at once
        encoder.eval()
    try:
        yield
    finally:
        if was:
            encoder.train()
