"""The logits of a patch, on their way from the network to the stitching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.windows.grid import PatchGrid


@dataclass(frozen=True, slots=True)
class PatchLogits:
    """Logits of one patch, placed by its grid."""

    grid: PatchGrid
    """The scene's grid, or that of a mirrored view of it, whose patches may be shifted by a pixel."""
    values: NDArray[np.float32]
    """(classes, patch, patch)."""
    share: float = 1.0
    """Weight among the views of the patch (test-time augmentation), which sum to 1."""
