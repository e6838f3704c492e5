"""From pixels to network input: the same for training and inference."""

from __future__ import annotations

import torch
from torch import Tensor

MEAN, SPREAD = 127 / 255, 128 / 255
"""Of pixels in 0..1, the same for all bands: what EfficientNet-Lite's weights expect."""


def normalize(pixels: Tensor, mean: float = MEAN, spread: float = SPREAD) -> Tensor:
    """(B, bands, h, w) pixels in 0..1, NaN where there is no imagery, to network input; no imagery becomes 0.

    Zero is the mean color: to the network, a hole is neither dark nor bright. With a mean of 0 (the released
    networks) it is black.
    """
    return torch.nan_to_num((pixels - mean) / spread, nan=0.0).contiguous(memory_format=torch.channels_last)
