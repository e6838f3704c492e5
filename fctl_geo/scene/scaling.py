"""How the file's numbers become the numbers that the network was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.spec import Scaling

Stretch = tuple[tuple[float, float], ...]
"""For each band of the model: the values that become 0 and 255."""


@dataclass(frozen=True, slots=True)
class ValueScale:
    """The way from raw values to the model's, decided once a scene."""

    scaling: Scaling
    stretch: Stretch | None
    """Set where bytes are made of wider values."""

    @property
    def dtype(self) -> np.dtype[np.uint8] | np.dtype[np.float32]:
        return np.dtype(np.uint8) if self.scaling.kind == "byte" else np.dtype(np.float32)

    def apply(self, raw: NDArray[np.generic]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """(C, h, w) raw values of the model's bands -> uint8 (byte) or float32 (affine)."""
        if self.scaling.kind == "affine":
            # astype copies NaN and beyond-float32 values as they are: they are invalid and zeroed afterwards
            return raw.astype(np.float32) * np.float32(self.scaling.gain) + np.float32(self.scaling.offset)
        if self.stretch is None:
            return raw.astype(np.uint8, copy=False)
        return np.stack([_stretch_band(band, *limits) for band, limits in zip(raw, self.stretch, strict=True)])


def _stretch_band(band: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """low and below -> 0, high and above -> 255, linear between, rounded half up; NaN -> 0."""
    values = np.nan_to_num(band.astype(np.float32), nan=low, posinf=high, neginf=low)
    share = (values - np.float32(low)) * np.float32(255.0 / (high - low))
    stretched: NDArray[np.uint8] = np.clip(np.floor(share + np.float32(0.5)), 0, 255).astype(np.uint8)
    return stretched


def needs_stretch(scaling: Scaling, dtype: str) -> bool:
    """Whether bytes must be made of something wider (or signed)."""
    return scaling.kind == "byte" and dtype != "uint8"


def measure_stretch(samples: NDArray[np.generic], percentiles: tuple[float, float]) -> Stretch:
    """Limits for each band from sampled valid pixels.

    Args:
        samples: (C, n) valid raw values; n may be 0, then the limits are 0 and 255.
    """
    if samples.shape[1] == 0:
        return tuple((0.0, 255.0) for _ in samples)
    limits = np.percentile(samples.astype(np.float64), percentiles, axis=1).T
    return tuple((float(low), float(high) if high > low else float(low) + 1.0) for low, high in limits)
