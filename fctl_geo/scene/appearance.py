"""Whether a scene looks like the imagery that a model was trained on: colors, contrast and sharpness of small windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.scene.sample import sample_windows
from fctl_geo.scene.scene import Scene
from fctl_geo.spec import Appearance
from fctl_geo.windows.window import Window

FAMILIAR_SHARE = 0.99
"""Share of the training windows that count as familiar."""
_WINDOWS_A_SIDE = 5
_LEAST_VALID = 0.5
"""A window with a smaller share of valid pixels is not judged."""
_SHRINKAGE = 0.05
"""Of the correlations, so that their matrix can be inverted even if two bands are the same."""

Features = NDArray[np.float64]


def features_of(pixels: NDArray[np.generic], valid: NDArray[np.bool_]) -> Features | None:
    """Describe a window: brightness and contrast of each band, color, and sharpness.

    Args:
        pixels: (C, h, w) values in 0..255, of any type.
        valid: (h, w).
    Returns:
        (3 C,) mean of each band, logarithm of its standard deviation, mean difference between neighboring bands, and
        logarithm of the mean gray step from pixel to pixel; None if too few pixels are valid.
    """
    if valid.mean() < _LEAST_VALID:
        return None
    values = pixels[:, valid].astype(np.float64)
    gray = np.where(valid, pixels.mean(axis=0), np.nan)
    steps = np.concatenate([np.abs(np.diff(gray, axis=axis)).ravel() for axis in (0, 1)])
    steps = steps[~np.isnan(steps)]
    sharpness = steps.mean() if len(steps) else 0.0
    colors = np.abs(np.diff(values, axis=0)).mean(axis=1)
    return np.concatenate([values.mean(axis=1), np.log1p(values.std(axis=1)), colors, [np.log1p(sharpness)]])


def summarize(windows: Sequence[Features]) -> Appearance:
    """The appearance of training imagery, from the features of its windows."""
    features = np.stack(windows)
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    z = (features - mean) / spread
    correlation = (1 - _SHRINKAGE) * z.T @ z / len(z) + _SHRINKAGE * np.eye(len(mean))
    precision = np.linalg.inv(correlation) / np.outer(spread, spread)
    limit = float(np.quantile(_distances(mean, precision, features), FAMILIAR_SHARE))
    return Appearance(tuple(mean.tolist()), tuple(tuple(row) for row in precision.tolist()), limit)


def unfamiliar_share(appearance: Appearance, scene: Scene, area: Window, progress: Progress) -> float:
    """Share of a scene that looks unlike the training imagery, from at most 25 windows.

    A window looks unlike it if its Mahalanobis distance, in the features of `features_of`, exceeds that of all but 1 %
    of the training windows.

    Args:
        area: the part to sample, on the model's grid.
    Returns:
        0 to 1; 0 if no window holds enough data.
    """
    found = []
    for part in sample_windows(area, _WINDOWS_A_SIDE):
        check_cancelled(progress)
        tile = scene.read(Window(area.row + part.row, area.col + part.col, part.height, part.width))
        found.append(features_of(tile.pixels, tile.valid))
    features = [each for each in found if each is not None]
    if not features:
        return 0.0
    distances = _distances(np.array(appearance.mean), np.array(appearance.precision), np.stack(features))
    return float((distances > appearance.limit).mean())


def _distances(mean: Features, precision: NDArray[np.float64], features: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) distances of (n, F) features."""
    apart = features - mean
    squared: NDArray[np.float64] = np.einsum("ni,ij,nj->n", apart, precision, apart)
    return np.sqrt(np.maximum(squared, 0.0))
