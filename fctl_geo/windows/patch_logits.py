"""What a network says of a patch, on its way to the stitching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.windows.grid import PatchGrid


@dataclass(frozen=True, slots=True)
class PatchLogits:
    """Logits of one patch where it lies on one grid."""

    grid: PatchGrid
    """The scene's grid, or that of a mirrored look at it, whose patches may lie a pixel off."""
    values: NDArray[np.float32]
    """(classes, patch, patch)."""
    share: float = 1.0
    """Weight among the looks at the patch, which sum to 1."""
