"""Test-time augmentation: the flips and quarter turns of a square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """An optional mirroring, followed by quarter turns."""

    turns: int = 0
    mirror: bool = False

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """An image (..., h, w) in this orientation, as a view."""
        return np.rot90(image[..., ::-1] if self.mirror else image, self.turns, (-2, -1))

    @property
    def mirrored(self) -> tuple[bool, bool]:
        """Whether the scene's rows and columns run backwards in this view (turned or not)."""
        return self.turns in (2, 3), (self.turns in (1, 2)) != self.mirror

    def undo(self, image: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `apply`."""
        turned = np.rot90(image, -self.turns, (-2, -1))
        return turned[..., ::-1] if self.mirror else turned


ORIENTATIONS: dict[str, tuple[Orientation, ...]] = {
    "none": (Orientation(),),
    "flips": (Orientation(), Orientation(mirror=True), Orientation(turns=2), Orientation(turns=2, mirror=True)),
    "d4": tuple(Orientation(turns, mirror) for mirror in (False, True) for turns in range(4)),
}
