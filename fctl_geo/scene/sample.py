"""Samples of a scene: a few windows that its stretch, its alpha band and its overviews are judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.scene.header import Header
from fctl_geo.scene.masks import is_true_alpha
from fctl_geo.scene.reader import Reader
from fctl_geo.scene.scaling import informative_px
from fctl_geo.scene.source import Grid, Source
from fctl_geo.windows.window import Window

_SAMPLE_PX = 128
_SAMPLES_A_SIDE = 8
_LEAST_SAMPLED_SIDE = 512
_ENOUGH_PX = 1 << 14
"""Pixels of data that percentiles are taken of, if the scene has so many."""
_ENOUGH_IN_ALL_PX = 1 << 8
"""The same where every pixel of a grid was looked at."""
_MOST_KEPT_PX = 1 << 21
_MOST_READ_PX = 1 << 31
"""The most that one round looks at; a grid of 46,000 x 46,000 pixels is looked at as a whole."""


@dataclass(frozen=True, slots=True)
class _Round:
    """One try at finding data."""

    reader: Reader
    windows: list[Window]

    @property
    def complete(self) -> bool:
        """Every pixel of the grid is looked at."""
        return self.looked_at_px == self.reader.source.grid.height * self.reader.source.grid.width

    @property
    def looked_at_px(self) -> int:
        return sum(window.height * window.width for window in self.windows)


def sample_values(readers: tuple[Reader, ...], area: Window | None, progress: Progress) -> tuple[NDArray[Any], int]:
    """Valid values from all over the scene: the same ones in every run, whatever is read of it.

    Where the first 64 windows hold next to no data, those of the area of interest are looked at, then more and more of
    the scene, on its overview first, until there is enough or nothing is left to look at.

    Args:
        area: what is asked for of the scene, in its pixels; None: all of it.
    Returns:
        (C, n) values, n = 0 if there are none; and how many pixels were looked at.
    """
    best, best_px, looked_at_px = None, (0, 0), 0
    for step in _rounds(readers, area):
        values = _valid_values(step, progress)
        found_px, looked_at_px = informative_px(values), looked_at_px + step.looked_at_px
        if best is None or (found_px, values.shape[1]) > best_px:
            best, best_px = values, (found_px, values.shape[1])
        if found_px >= (_ENOUGH_IN_ALL_PX if step.complete else _ENOUGH_PX):
            break
    assert best is not None
    return best, looked_at_px


def _rounds(readers: tuple[Reader, ...], area: Window | None) -> Iterator[_Round]:
    """Where to look for data, from quick to thorough."""
    sampled = grid_to_sample(tuple(reader.source.grid for reader in readers))
    full, first = readers[0].source.grid, _Round(readers[sampled], list(sample_windows(readers[sampled].source.grid)))
    yield first
    if area is not None and not first.complete:
        part = _on_grid(area, full, first.reader.source.grid)
        inside = sample_windows(part)
        yield _Round(first.reader, [Window(part.row + w.row, part.col + w.col, w.height, w.width) for w in inside])
    for index in sorted({sampled, 0}, reverse=True):
        grid, a_side = readers[index].source.grid, _SAMPLES_A_SIDE
        done = index == sampled and first.complete
        while not done:
            a_side *= 2
            step = _Round(readers[index], _tiles(grid, a_side))
            if step.looked_at_px > _MOST_READ_PX:
                break
            yield step
            done = step.complete


def _on_grid(window: Window, full: Grid, grid: Grid) -> Window:
    """A window of the scene's pixels on another of its grids, at least one pixel large."""
    ratio_y, ratio_x = grid.height / full.height, grid.width / full.width
    row, col = (min(int(window.row * ratio_y), grid.height - 1), min(int(window.col * ratio_x), grid.width - 1))
    row_end, col_end = -(-window.row_end * grid.height // full.height), -(-window.col_end * grid.width // full.width)
    return Window(row, col, max(1, min(row_end, grid.height) - row), max(1, min(col_end, grid.width) - col))


def _tiles(grid: Grid, most_a_side: int) -> list[Window]:
    """At most so many rows and columns of the tiles in which the grid is read, at equal distances."""
    (height, width), inside = grid.tile_hw, Window(0, 0, grid.height, grid.width)
    rows, cols = (_spread(-(-side // tile), most_a_side) for side, tile in ((grid.height, height), (grid.width, width)))
    return [Window(row * height, col * width, height, width).clip(inside) for row in rows for col in cols]


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, first and last included. Example: 10, 4 -> 0, 3, 6, 9."""
    return list(range(count)) if count <= most else [i * (count - 1) // (most - 1) for i in range(most)]


def _valid_values(step: _Round, progress: Progress) -> NDArray[Any]:
    """(C, n) the valid values of some windows; every second, fourth, ... of them where there are too many to keep."""
    parts: list[NDArray[Any]] = []
    held_px, stride = 0, 1
    for window in step.windows:
        check_cancelled(progress)
        values, valid = step.reader.read(window)
        parts.append(values[:, valid][:, ::stride])
        held_px += parts[-1].shape[1]
        if held_px > _MOST_KEPT_PX:
            parts, stride = [part[:, ::2].copy() for part in parts], 2 * stride
            held_px = sum(part.shape[1] for part in parts)
    return np.concatenate(parts, axis=1)


def grid_to_sample(grids: tuple[Grid, ...]) -> int:
    """The coarsest grid that still shows the scene in some detail; full resolution if there is no such overview."""
    fine_enough = [i for i, grid in enumerate(grids) if i == 0 or min(grid.height, grid.width) >= _LEAST_SAMPLED_SIDE]
    return fine_enough[-1]


def sample_windows(grid: Grid | Window, most_a_side: int = _SAMPLES_A_SIDE) -> Iterator[Window]:
    """At most 8 x 8 windows of 128 x 128 pixels, at equal distances; the whole grid where they would cover it."""
    for row, height in _sample_spans(grid.height, most_a_side):
        for col, width in _sample_spans(grid.width, most_a_side):
            yield Window(row, col, height, width)


def _sample_spans(size_px: int, most: int) -> list[tuple[int, int]]:
    """Example: 300 px -> 0-127, 128-255, 256-299, each pixel once; 10,000 px -> 0-127, 1410-1537, ..., 9872-9999."""
    if size_px <= most * _SAMPLE_PX:
        return [(start, min(_SAMPLE_PX, size_px - start)) for start in range(0, size_px, _SAMPLE_PX)]
    gap = (size_px - _SAMPLE_PX) / max(1, most - 1)
    return [(int(i * gap), _SAMPLE_PX) for i in range(most)]


def alpha_is_a_picture(header: Header, grids: tuple[Grid, ...], mask: str = "auto") -> bool:
    """Whether the band that is tagged as alpha holds brightness (near infrared, most often), by a small sample.

    Args:
        mask: what the user says of it (`SceneSettings.mask`): "alpha" means that it is alpha, "none" that it is not.
    """
    alphas = [band.number for band in header.bands if band.interpretation == "alpha"]
    if not alphas or header.palette is not None or mask == "alpha":
        return False
    if mask == "none":
        return True
    source = Source(header, grids[grid_to_sample(grids)], (alphas[0],))
    try:
        sample = np.concatenate([source.read(window).ravel() for window in sample_windows(source.grid)])
    finally:
        source.close()
    return not is_true_alpha(sample)


def overview_mask_is_stale(readers: tuple[Reader, ...]) -> bool:
    """Whether the mask band of the finest overview contradicts the scene's: it was made before the mask was."""
    if len(readers) < 2 or not readers[0].masks.mask_band:
        return False
    full, overview = readers[0].source, readers[1].source
    inside = Window(0, 0, full.grid.height, full.grid.width)
    ratio_y, ratio_x = full.grid.height / overview.grid.height, full.grid.width / overview.grid.width
    for window in sample_windows(overview.grid, most_a_side=4):
        row, col = int(window.row * ratio_y), int(window.col * ratio_x)
        same = Window(row, col, int(window.height * ratio_y), int(window.width * ratio_x)).clip(inside)
        if abs(full.read_mask(same).mean() - overview.read_mask(window).mean()) > 0.1:
            return True
    return False
