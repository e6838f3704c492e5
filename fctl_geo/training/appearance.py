"""What the samples of a training look like, as a model file records it."""

from __future__ import annotations

import numpy as np

from fctl_geo.scene.appearance import Features, features_of, summarize
from fctl_geo.scene.sample import SAMPLE_PX
from fctl_geo.spec import Appearance
from fctl_geo.training.augment import Looks, augment
from fctl_geo.training.samples import SampleSource, cut_sample
from fctl_geo.training.sources import IGNORE

_SEED = 5
_MOST_SAMPLES = 600
_LEAST_WINDOWS = 100
"""Fewer do not show how much the imagery varies."""


def measure_appearance(samples: SampleSource, looks: Looks, seen: int) -> Appearance | None:
    """What the samples of a training look like, with their augmentation, which makes a network robust to what it varies.

    Args:
        seen: number of samples in the training.
    Returns:
        None if they are too few.
    """
    windows: list[Features] = []
    for number in range(min(seen, _MOST_SAMPLES)):
        rng = np.random.default_rng((_SEED, number))
        ground, view = samples.place(rng)
        images, _ = augment(cut_sample(ground, view, samples.size_px, (1,)), (1,), IGNORE, rng, looks)
        patch = images[0].numpy() * 255
        for row in range(0, samples.size_px, SAMPLE_PX):
            for col in range(0, samples.size_px, SAMPLE_PX):
                window = patch[:, row : row + SAMPLE_PX, col : col + SAMPLE_PX]
                found = features_of(window, ~np.isnan(window[0]))
                if found is not None:
                    windows.append(found)
    return summarize(windows) if len(windows) >= _LEAST_WINDOWS else None
