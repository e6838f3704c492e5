from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.errors import SettingsError
from fctl_geo.windows.grid import CELL_PX, ContextGrid, PatchGrid
from fctl_geo.windows.shards import BLOCK_PX, cut_shards, runs_downwards
from fctl_geo.windows.window import Window

SIZES = st.integers(1, 700)
GRIDS = st.builds(PatchGrid, SIZES, SIZES, st.sampled_from([64, 96, 128]), st.sampled_from([0, 2, 16, 32]))


@settings(deadline=None, max_examples=50)
@given(GRIDS)
def test_every_pixel_lies_in_exactly_one_core(grid: PatchGrid) -> None:
    count = np.zeros((grid.height, grid.width), np.uint8)
    for i in range(grid.shape[0]):
        for j in range(grid.shape[1]):
            core, patch = grid.core(i, j), grid.patch(i, j)
            assert core.clip(patch) == core
            count[core.slices_in(Window(0, 0, grid.height, grid.width))] += 1
    assert (count == 1).all()


@settings(deadline=None, max_examples=50)
@given(GRIDS, st.data())
def test_rows_touching_are_those_whose_patch_sees_a_row(grid: PatchGrid, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, grid.height - 1))
    end = data.draw(st.integers(row + 1, grid.height))
    seen = [i for i in range(grid.shape[0]) if grid.patch(i, 0).row < end and grid.patch(i, 0).row_end > row]
    assert list(grid.rows_touching(row, end)) == seen


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize(("patch_px", "overlap_px"), [(448, 64), (640, 64), (896, 128)])
def test_a_context_is_centered_on_its_patch(factor: int, patch_px: int, overlap_px: int) -> None:
    grid = PatchGrid(5000, 5000, patch_px, overlap_px)
    level = ContextGrid(grid, factor)
    for i in range(grid.shape[0]):
        cells, patch = level.context(i, 0), grid.patch(i, 0)
        center = (cells.row + cells.height / 2) * CELL_PX * factor
        assert abs(center - (patch.row + patch.height / 2)) <= CELL_PX * factor / 2
        assert cells.height * CELL_PX == patch_px


def test_tiles_cover_a_context_without_gap() -> None:
    level = ContextGrid(PatchGrid(3000, 3000, 448, 64), 2)
    cells = level.context(3, 2)
    covered = np.zeros(cells.size_hw, int)
    for a, b in level.tiles_under(cells):
        covered[level.core_of(a, b).clip(cells).slices_in(cells)] += 1
    assert (covered == 1).all()


def test_a_patch_of_no_whole_cells_is_refused() -> None:
    with pytest.raises(SettingsError, match="patch 100 px") as caught:
        PatchGrid(10, 10, 100, 10)
    assert "multiple of 16" in caught.value.hint


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 2000))
def test_shards_tile_the_output_along_blocks(height: int, width: int, shard_px: int) -> None:
    shards = cut_shards(height, width, shard_px)
    assert sum(s.core.height * s.core.width for s in shards) == height * width
    for shard in shards:
        assert shard.core.row % BLOCK_PX == 0 and shard.core.col % BLOCK_PX == 0
        assert shard.core.height <= max(BLOCK_PX, shard_px + BLOCK_PX)
    assert len({(s.core.row, s.core.col) for s in shards}) == len(shards)


def test_runs_follow_each_other_downwards() -> None:
    shards = cut_shards(1500, 600, 300)
    gap = [s for s in shards if (s.row_index, s.col_index) != (1, 0)]
    runs = list(runs_downwards(gap))
    assert sorted(s for run in runs for s in run) == sorted(gap)
    for run in runs:
        assert [s.core.row for s in run[1:]] == [s.core.row_end for s in run[:-1]]
    assert len(runs) == 1 + len({s.col_index for s in shards})
