"""Changes of class are counted as by hand, and borders of patches are found where they show, only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scene_factory import make_scene

from fctl_geo.progress import Silent
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.report.measure import Measured, measure
from fctl_geo.report.seams import find_seams
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.windows.grid import PatchGrid

GRID = PatchGrid(900, 1000, 192, 32)
SAME = Resampling(1.0, 0, 0)


def measured(path: Path, classes: np.ndarray, percent: np.ndarray | None = None) -> Measured:
    raster = make_scene(path / "c.tif", pixels=classes[None], nodata=255)
    if percent is None:
        with open_class_raster(raster) as opened:
            return measure(opened, None, Silent())
    sure = make_scene(path / "p.tif", pixels=percent[None], nodata=255)
    with open_class_raster(raster) as opened, open_class_raster(sure) as confidence:
        return measure(opened, confidence, Silent())


def blobs(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Regions of two classes, with edges everywhere."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 6)
    return (noise > 0).astype(np.uint8)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 40), (40, 1), (700, 53)])
def test_changes_and_confidence_are_counted_as_by_hand(tmp_path: Path, size_hw: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    classes = rng.choice(np.array([0, 1, 200, 255], np.uint8), size_hw)
    percent = np.where(classes == 255, 255, rng.integers(0, 101, size_hw)).astype(np.uint8)
    found = measured(tmp_path, classes, percent)
    for changes, one, other, axis in (
        (found.rows, classes[:-1], classes[1:], 1),
        (found.cols, classes[:, :-1], classes[:, 1:], 0),
    ):
        known = (one != 255) & (other != 255)
        assert (changes.pairs == known.sum(axis)).all() and (
            changes.unequal == (known & (one != other)).sum(axis)
        ).all()
    for class_id in (0, 1, 200):
        expected = np.bincount(percent[classes == class_id], minlength=101)
        assert (found.confidence[class_id] == expected).all()
    assert found.confidence.sum() == (classes != 255).sum()


def test_blobs_have_no_seams(tmp_path: Path) -> None:
    for seed in range(3):
        seams = find_seams(measured(tmp_path, blobs(900, 1000, seed)), GRID, SAME)
        assert seams is not None and not seams.visible and 0.7 < seams.ratio < 1.3
        assert seams.borders == GRID.shape[0] + GRID.shape[1] - 2


@pytest.mark.parametrize("how", [SAME, Resampling(1.0, 37, 11), Resampling(0.5, 20, 0), Resampling(1.7, 5, 9)])
def test_patches_that_do_not_fit_are_found_on_any_grid(tmp_path: Path, how: Resampling) -> None:
    """Every second patch has its classes swapped: the borders are where the products have them."""
    height, width = (int(side * how.scale) - 60 for side in (GRID.height, GRID.width))
    rows = ((np.arange(height) + how.row_offset + 0.5) / how.scale).astype(int) // GRID.stride_px
    cols = ((np.arange(width) + how.col_offset + 0.5) / how.scale).astype(int) // GRID.stride_px
    swapped = (rows[:, None] + cols) % 2 == 1
    classes = np.where(swapped, 1 - blobs(height, width), blobs(height, width)).astype(np.uint8)
    seams = find_seams(measured(tmp_path, classes), GRID, how)
    assert seams is not None and seams.visible and seams.along > 0.8 and seams.elsewhere < 0.2 and seams.rank == 1.0


def test_a_single_patch_or_a_single_class_has_no_seams(tmp_path: Path) -> None:
    assert find_seams(measured(tmp_path, blobs(150, 150)), PatchGrid(150, 150, 192, 32), SAME) is None
    assert find_seams(measured(tmp_path, np.ones((900, 1000), np.uint8)), GRID, SAME) is None
