"""How the file's values are converted to the values that the network was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Stretch = tuple[tuple[float, float], ...]
"""For each band of the model: the values that become 0 and 255."""


_LEAST_FILL_SHARE = 0.005
_MOST_OF_A_SCENE = 0.5


@dataclass(frozen=True, slots=True)
class ValueScale:
    """The conversion from raw values to the model's, decided once per scene."""

    stretch: Stretch | None
    """Set if wider values are converted to bytes."""

    def apply(self, raw: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Convert (C, h, w) raw values of the model's bands."""
        if self.stretch is None:
            return raw.astype(np.uint8, copy=False)
        return np.stack([_stretch_band(band, *limits) for band, limits in zip(raw, self.stretch, strict=True)])


def _stretch_band(band: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """low and below -> 0, high and above -> 255, linear between, rounded half up; NaN -> 0."""
    values = np.nan_to_num(band.astype(np.float32), nan=low, posinf=high, neginf=low)
    share = (values - np.float32(low)) * np.float32(255.0 / (high - low))
    stretched: NDArray[np.uint8] = np.clip(np.floor(share + np.float32(0.5)), 0, 255).astype(np.uint8)
    return stretched


def measure_stretch(samples: NDArray[np.generic], percentiles: tuple[float, float]) -> Stretch:
    """Limits for each band from sampled valid pixels; a value that appears to mean nodata is ignored.

    Args:
        samples: (C, n) valid raw values, with n at least 1.
    """
    return tuple(_limits(band, percentiles) for band in samples)


def _limits(band: NDArray[np.generic], percentiles: tuple[float, float]) -> tuple[float, float]:
    _, values = find_fills(band)
    low, high = np.percentile(values.astype(np.float64), percentiles)
    return float(low), float(high) if high > low else float(low) + 1.0


@dataclass(frozen=True, slots=True)
class Fill:
    """A value of a band that probably means nodata, although the file does not say so."""

    value: np.generic
    share: float
    """Share of the sample with this value."""
    least: np.generic
    """The smallest value that means data."""
    most: np.generic
    """The largest."""


def find_fills(band: NDArray[np.generic]) -> tuple[tuple[Fill, ...], NDArray[np.generic]]:
    """All values of a sample that probably mean nodata, since a mosaic may have several; and the other values.

    Example: -9999 and -3.4e38 next to reflectances of 0.05 to 0.6.
    """
    fills: list[np.generic] = []
    values = band
    while (fill := _find_fill(values, most_is_fill=not fills)) is not None:
        fills.append(fill)
        values = values[values != fill]
    others = (values.min(), values.max()) if fills else ()
    return tuple(Fill(fill, float((band == fill).mean()), *others) for fill in fills), values


def _find_fill(band: NDArray[np.generic], *, most_is_fill: bool) -> np.generic | None:
    """The smallest or largest value of a sample, if many pixels have it and it is far from all other values.

    Far means farther from the nearest other value than the span of the middle 96 % of the others. A smallest value that
    most pixels have counts however close it is if `most_is_fill`: in a 16-bit mosaic with a black surrounding, the
    stretch would otherwise be determined by the black.
    Example: -9999 next to reflectances of 0.05 to 0.6; 0 in two thirds of the pixels next to 1,500 to 7,400.
    """
    for value, is_least in ((band.min(), True), (band.max(), False)):
        alike = band == value
        share = float(alike.mean())
        if not _LEAST_FILL_SHARE <= share < 1:
            continue
        others = band[~alike].astype(np.float64)
        low, high = np.percentile(others, (2, 98))
        gap = abs(float(others.min() if is_least else others.max()) - float(value))
        if (low < high and gap > high - low) or (most_is_fill and is_least and share > _MOST_OF_A_SCENE):
            return value  # type: ignore[no-any-return]
    return None


def informative_px(samples: NDArray[np.generic]) -> int:
    """Number of sampled pixels that are informative in every band: those without its fill; 0 if a band is constant."""
    return min(_informative(band) for band in samples)


def _informative(band: NDArray[np.generic]) -> int:
    if band.size == 0 or band.min() == band.max():
        return 0
    return find_fills(band)[1].size


def fill_words(samples: NDArray[np.generic]) -> tuple[str, ...]:
    """A warning for each value that probably means nodata, and how to declare it."""
    fills = {float(fill.value): fill for band in samples for fill in find_fills(band)[0]}
    return tuple(
        f"{100 * fill.share:.2g} % of the sampled pixels have the value {_shown(fill.value)}, the others "
        f"{_shown(fill.least)} to {_shown(fill.most)}: it is ignored when stretching, but not declared as "
        f"nodata; if it means nodata, pass --mask nodata={_shown(fill.value)}"
        for fill in fills.values()
    )


def _shown(value: np.generic) -> str:
    """A value as one would type it, exact to the last bit. Example: -9999, -3.4028235e+38, 0.05."""
    number = float(value)
    return str(int(number)) if abs(number) < 1e15 and number.is_integer() else str(value)
