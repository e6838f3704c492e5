from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.errors import ModelFileError
from fctl_geo.progress import Silent
from fctl_geo.stitch.accumulator import RowAccumulator, profile
from fctl_geo.stitch.resolve import Resampling, resolve
from fctl_geo.stitch.sweep import Sweep
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.patch_logits import PatchLogits
from fctl_geo.windows.shards import cut_shards
from fctl_geo.windows.window import Window

MERGES = ["montage", "average", "blend"]


def stitch(grid: PatchGrid, merge: str, logits_of) -> tuple[np.ndarray, np.ndarray]:
    """Mean logits of a whole scene at once: (K, H, W) and weights."""
    first = logits_of(0, 0)
    band = RowAccumulator(len(first), (0, grid.width), grid.height, merge)
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            band.add((i, j), PatchLogits(grid, logits_of(i, j)))
    sums, weight = band.rows(0, grid.height)
    return sums / weight, weight


@pytest.mark.parametrize("merge", MERGES)
@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 200), width=st.integers(1, 200), value=st.floats(-50, 50, width=32))
def test_constant_logits_come_out_unchanged(merge: str, height: int, width: int, value: float) -> None:
    """Law 4."""
    grid = PatchGrid(height, width, 64, 16)
    constant = np.full((2, 64, 64), value, np.float32)
    mean, _ = stitch(grid, merge, lambda i, j: constant)
    np.testing.assert_allclose(mean, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("merge", MERGES)
def test_stitching_equals_a_plain_weighted_mean(merge: str) -> None:
    grid = PatchGrid(150, 130, 64, 16)
    rng = np.random.default_rng(0)
    patches = {(i, j): rng.normal(size=(3, 64, 64)).astype(np.float32) for i in range(9) for j in range(9)}
    mean, _ = stitch(grid, merge, lambda i, j: patches[i, j])
    weights = profile(merge, 64, 16, 16)
    for row, col in [(0, 0), (47, 47), (48, 96), (149, 129), (60, 101)]:
        total, weight = np.zeros(3), 0.0
        for i in range(grid.shape[0]):
            for j in range(grid.shape[1]):
                at = (row - grid.patch(i, j).row, col - grid.patch(i, j).col)
                if all(0 <= a < 64 for a in at):
                    w = weights[at[0]] * weights[at[1]]
                    total, weight = total + w * patches[i, j][:, at[0], at[1]], weight + w
        np.testing.assert_allclose(mean[:, row, col], total / weight, rtol=1e-4, atol=1e-5)


def test_montage_takes_each_pixel_from_the_patch_whose_core_it_lies_in() -> None:
    grid = PatchGrid(150, 130, 64, 16)
    mean, _ = stitch(grid, "montage", lambda i, j: np.full((1, 64, 64), 10 * i + j, np.float32))
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            rows, cols = grid.core(i, j).slices_in(Window(0, 0, 150, 130))
            assert (mean[0, rows, cols] == 10 * i + j).all()


def test_the_ramps_of_two_neighbors_sum_to_one() -> None:
    grid = PatchGrid(500, 500, 64, 16)
    weights = profile("blend", 64, *grid.rows.overlaps(3))
    np.testing.assert_allclose(weights[-16:] + weights[:16], 1)
    np.testing.assert_allclose(profile("blend", 16, 2, 2)[:3], [0.25, 0.75, 1])


def test_a_rolling_band_gives_the_same_sums_as_a_whole_one() -> None:
    grid = PatchGrid(400, 90, 64, 16)
    rng = np.random.default_rng(1)
    patches = {(i, j): rng.normal(size=(2, 64, 64)).astype(np.float32) for i in range(9) for j in range(9)}
    whole = RowAccumulator(2, (0, 90), 400, "blend")
    rolling = RowAccumulator(2, (0, 90), 150, "blend")
    rolling.begin(0)
    done = 0
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            for band in (whole, rolling):
                band.add((i, j), PatchLogits(grid, patches[i, j]))
        end = 400 if i == grid.shape[0] - 1 else grid.patch(i + 1, 0).row
        for ours, theirs in zip(rolling.rows(done, end), whole.rows(done, end), strict=True):
            assert (ours == theirs).all()
        rolling.drop_above(end)
        done = end
    assert done == 400


@pytest.mark.parametrize("scale", [1.0, 0.37, 1.9, 2.0, 3.3])
def test_resolving_in_pieces_gives_the_same_as_at_once(scale: float) -> None:
    rng = np.random.default_rng(2)
    sums = rng.normal(size=(3, 60, 50)).astype(np.float32)
    weight = np.ones((60, 50), np.float32)
    how = Resampling(scale, 0, 0)
    height, width = int(60 * scale), int(50 * scale)
    whole = resolve(sums, weight, (0, 0), (60, 50), Window(0, 0, height, width), how)
    for window in (Window(3, 5, 9, 7), Window(height - 5, width - 9, 5, 9)):
        rows = how.model_rows(window.row, window.row_end)
        low, high = max(0, rows[0]), min(60, rows[1])
        part = resolve(sums[:, low:high], weight[low:high], (low, 0), (60, 50), window, how)
        at = window.slices_in(Window(0, 0, height, width))
        assert (part[0] == whole[0][at]).all() and (part[1] == whole[1][at]).all()


def test_confidence_is_the_softmax_of_the_greatest_logit() -> None:
    logits = np.array([0.3, 2.0, -1.0], np.float32).reshape(3, 1, 1)
    classes, percent = resolve(
        2 * logits, np.full((1, 1), 2, np.float32), (0, 0), (1, 1), Window(0, 0, 1, 1), Resampling(1.0, 0, 0)
    )
    share = np.exp(2.0) / np.exp([0.3, 2.0, -1.0]).sum()
    assert classes[0, 0] == 1 and percent[0, 0] == round(100 * share)


def test_between_two_model_pixels_logits_are_interpolated() -> None:
    sums = np.array([[[4.0, -1.0]], [[0.0, 0.0]]], np.float32)  # class 0 wins left, loses right of 80 % of the way
    classes, _ = resolve(sums, np.ones((1, 2), np.float32), (0, 0), (1, 2), Window(0, 0, 1, 20), Resampling(10.0, 0, 0))
    assert classes[0].tolist() == [0] * 13 + [1] * 7


def test_where_no_patch_lies_there_is_no_class() -> None:
    nothing = np.zeros((2, 3, 3), np.float32), np.zeros((3, 3), np.float32)
    classes, percent = resolve(*nothing, (0, 0), (3, 3), Window(0, 0, 3, 3), Resampling(1.0, 0, 0))
    assert (classes == 255).all() and (percent == 0).all()


class NotANumber:
    """A network whose logits are finite but for one, in patch row 1, column 2."""

    def __init__(self, grid: PatchGrid, value: float) -> None:
        self.grid, self.value = grid, value

    def logits(self, patches):
        for patch in patches:
            values = np.zeros((3, 64, 64), np.float32)
            values[1, 5, 7] = self.value if patch == (1, 2) else 1e30
            yield [PatchLogits(self.grid, values)]

    def forget(self) -> None:
        """Nothing is kept."""


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused_with_their_patch(value: float) -> None:
    grid = PatchGrid(150, 200, 64, 16)
    sweep = Sweep(grid, "blend", 3, Resampling(1.0, 0, 0), lambda _: True, lambda _: True, (150, 200))
    with pytest.raises(ModelFileError, match=r"1 of 12,288 logits .* row 1, column 2 of patches") as caught:
        list(sweep.bands(NotANumber(grid, value), cut_shards(150, 200, 256), Silent()))
    assert "--precision fp32" in caught.value.hint
    assert len(list(sweep.bands(NotANumber(grid, 1e30), cut_shards(150, 200, 256), Silent()))) == 1
