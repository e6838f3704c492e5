"""Looks: what may change and what may not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from scipy.ndimage import gaussian_filter

from fctl_geo.training import colors, optics
from fctl_geo.training.augment import augment
from fctl_geo.training.samples import Sample
from fctl_geo.training.sources import IGNORE


def sample(bands: int = 3, size_px: int = 48, scales: int = 3) -> Sample:
    rng = np.random.default_rng(5)
    levels = rng.integers(0, 256, (scales, size_px, size_px, bands), np.uint8)
    valid = np.ones(levels.shape[:3], bool)
    valid[:, :5] = False
    return Sample(levels, valid, rng.integers(0, 3, (size_px, size_px), np.uint8))


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_looks_stay_within_0_and_1_and_nodata_stays_nodata(bands: int) -> None:
    before = sample(bands)
    for seed in range(60):
        images, label = augment(before, (1, 2, 4), IGNORE, np.random.default_rng(seed))
        assert images.shape == (3, bands, 48, 48) and images.dtype == torch.float32
        known = images[~images.isnan()]
        assert known.min() >= 0 and known.max() <= 1
        assert images[:, :, :5].isnan().all() and (label[:5] == IGNORE).all()
        unjudged = label == IGNORE
        assert unjudged[images[0, 0].isnan()].all(), "what shows no imagery is not judged"
        assert (label[~unjudged].numpy() == before.label[~unjudged.numpy()]).all()


def test_looks_depend_on_the_seed_alone_and_the_sample_is_left_as_it_was() -> None:
    before = sample()
    kept = before.levels.copy()
    one, two, other = (augment(before, (1, 2, 4), IGNORE, np.random.default_rng(s))[0] for s in (3, 3, 4))
    assert torch.equal(one.nan_to_num(), two.nan_to_num())
    assert not torch.equal(one.nan_to_num(), other.nan_to_num())
    assert (before.levels == kept).all()


def test_a_patch_and_its_contexts_get_the_same_colors() -> None:
    levels = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), (2, 16, 16, 3)).copy()
    changed = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        out = colors.recolor(levels, (1, 1), rng)
        assert np.allclose(out[0], out[1], atol=1e-6)
        changed += not np.allclose(out, levels / 255, atol=1e-3)
    assert 0.6 < changed / 80 < 1.0


def test_a_shadow_lies_on_the_same_ground_in_the_patch_and_its_context() -> None:
    light = colors._shadow(64, (1, 2), np.random.default_rng(2))
    middle = light[1, 16:48, 16:48]
    assert light.min() < 0.9, "there is a shadow"
    assert np.abs(light[0].reshape(32, 2, 32, 2).mean(axis=(1, 3)) - middle).max() < 0.08


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("quality", [30, 75])
def test_jpeg_loses_what_gdals_loses(tmp_path: Path, quality: int) -> None:
    rng = np.random.default_rng(0)
    soft = np.stack([gaussian_filter(rng.normal(0, 1, (64, 80)), 2.5) for _ in range(3)], -1)
    levels = np.clip(128 + 160 * soft + 8 * rng.normal(0, 1, soft.shape), 0, 255).astype(np.uint8)
    shape = {"height": 64, "width": 80, "count": 3, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a.jpg", "w", driver="JPEG", quality=quality, **shape) as file:
        file.write(levels.transpose(2, 0, 1))
    with rasterio.open(tmp_path / "a.jpg") as file:
        theirs = file.read().transpose(1, 2, 0) / 255
    original = (levels / 255).astype(np.float32)
    ours = optics.jpeg(original, quality)
    lost, apart = np.abs(theirs - original).mean(), np.abs(theirs - ours).mean()
    assert abs(np.abs(ours - original).mean() / lost - 1) < 0.15
    assert apart < 0.5 * lost


def test_jpeg_of_the_best_quality_changes_nearly_nothing() -> None:
    picture = gaussian_filter(np.random.default_rng(0).random((50, 37, 4), np.float32), (3, 3, 0))
    assert np.abs(optics.jpeg(picture, 100) - picture).max() < 3 / 255


def test_a_blur_keeps_the_mean_and_an_even_picture() -> None:
    even = np.full((20, 30, 3), 0.3, np.float32)
    assert np.allclose(optics.blur(even, 1.1), even, atol=1e-6)
    spot = np.zeros((41, 41, 1), np.float32)
    spot[20, 20] = 1
    found = optics.blur(spot, 1.3)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(found, gaussian_filter(spot, (1.3, 1.3, 0)), atol=3e-3)
