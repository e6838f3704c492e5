"""What a backend is: networks that take arrays and give arrays, on a device, whatever library computes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.model.device import Device
from fctl_geo.spec import Context

Floats = NDArray[np.float32]


class Segmentation(Protocol):
    """A segmentation network, ready to compute; it may be called from several threads at once."""

    @property
    def bands(self) -> int: ...

    @property
    def wider(self) -> tuple[Context, ...]:
        """The contexts larger than the patch itself, in the network's order."""

    @property
    def shares_levels(self) -> bool:
        """Whether patches may share the features of contexts (`SegmentationNetwork.shares_levels`)."""

    def encode(self, images: Floats, index: int) -> Floats:
        """Features (B, C, h, w) of a context's pixels.

        Args:
            images: (B, bands, H, W) pixels in 0..1, NaN where there is no imagery.
            index: which of the `wider` contexts they are.
        """

    def segment(self, images: Floats, contexts: list[Floats]) -> Floats:
        """Logits (B, classes, h, w) of patches.

        Args:
            images: (B, bands, h, w) pixels in 0..1, NaN where there is no imagery.
            contexts: the features of each of the `wider` contexts, (B, C, H, W).
        """


class Refinement(Protocol):
    """A refinement network, ready to compute; it may be called from several threads at once."""

    @property
    def context(self) -> float:
        """Size of the context mask in patches."""

    def refine(self, patch: Floats, wide: Floats) -> Floats:
        """Logits (B, 1, h, w) of a class.

        Args:
            patch: (B, 2, h, w): 1 where the class is; 1 where there is any class (0: nodata).
            wide: (B, 2, H, W): the same for the context, `context` times as large.
        """


@dataclass(frozen=True, slots=True)
class Networks:
    """A model's networks on a device."""

    device: Device
    segmentation: Segmentation
    refinement: Refinement | None
    """None if the model file has none."""

    def close(self) -> None:
        """Stop the device's threads."""
        self.device.close()
