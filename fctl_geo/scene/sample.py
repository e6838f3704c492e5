"""Samples of a scene: a few windows from which its stretch, alpha band and overviews are assessed."""

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

SAMPLE_PX = 128
"""Side of a sampled window."""
_SAMPLES_A_SIDE = 8
_LEAST_SAMPLED_SIDE = 512
_ENOUGH_PX = 1 << 14
"""Number of valid pixels for computing percentiles, if the scene has that many."""
_ENOUGH_IN_ALL_PX = 1 << 8
"""The same if every pixel of a grid was examined."""
_MOST_KEPT_PX = 1 << 21
_MOST_READ_PX = 1 << 31
"""The most pixels examined in one round; a grid of 46,000 x 46,000 pixels is examined completely."""


@dataclass(frozen=True, slots=True)
class _Round:
    """One attempt at finding valid data."""

    reader: Reader
    windows: list[Window]

    @property
    def complete(self) -> bool:
        """Whether every pixel of the grid is examined."""
        return self.examined_px == self.reader.source.grid.height * self.reader.source.grid.width

    @property
    def examined_px(self) -> int:
        return sum(window.height * window.width for window in self.windows)


@dataclass(frozen=True, slots=True)
class Sample:
    """Valid values of a scene."""

    values: NDArray[Any]
    """(C, n); n = 0 if there are none."""
    examined_px: int
    complete: bool
    """Whether every pixel of the scene was examined: if n = 0 it holds no data at all."""


def sample_values(readers: tuple[Reader, ...], area: Window | None, progress: Progress) -> Sample:
    """Valid values from all over the scene: the same ones in every run, whatever part of it is read.

    If the first 64 windows hold almost no data, windows in the area of interest are examined, then more and more of the
    scene, starting with its overview, until there is enough data or nothing is left to examine.

    Args:
        area: the requested part of the scene, in scene pixels; None: all of it.
    """
    best, best_px, examined_px, complete = None, (0, 0), 0, False
    for step in _rounds(readers, area):
        values = _valid_values(step, progress)
        found_px, examined_px = informative_px(values), examined_px + step.examined_px
        complete = step.complete and step.reader is readers[0]
        if best is None or (found_px, values.shape[1]) > best_px:
            best, best_px = values, (found_px, values.shape[1])
        if found_px >= (_ENOUGH_IN_ALL_PX if step.complete else _ENOUGH_PX):
            break
    assert best is not None
    return Sample(best, examined_px, complete)


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
            if step.examined_px > _MOST_READ_PX:
                break
            yield step
            done = step.complete


def _on_grid(window: Window, full: Grid, grid: Grid) -> Window:
    """A window in scene pixels, converted to another of the scene's grids; at least one pixel in size."""
    ratio_y, ratio_x = grid.height / full.height, grid.width / full.width
    row, col = (min(int(window.row * ratio_y), grid.height - 1), min(int(window.col * ratio_x), grid.width - 1))
    row_end, col_end = -(-window.row_end * grid.height // full.height), -(-window.col_end * grid.width // full.width)
    return Window(row, col, max(1, min(row_end, grid.height) - row), max(1, min(col_end, grid.width) - col))


def _tiles(grid: Grid, most_a_side: int) -> list[Window]:
    """At most `most_a_side` rows and columns of the tiles in which the grid is read, evenly spaced."""
    (height, width), inside = grid.tile_hw, Window(0, 0, grid.height, grid.width)
    rows, cols = (_spread(-(-side // tile), most_a_side) for side, tile in ((grid.height, height), (grid.width, width)))
    return [Window(row * height, col * width, height, width).clip(inside) for row in rows for col in cols]


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, first and last included. Example: 10, 4 -> 0, 3, 6, 9."""
    return list(range(count)) if count <= most else [i * (count - 1) // (most - 1) for i in range(most)]


def _valid_values(step: _Round, progress: Progress) -> NDArray[Any]:
    """(C, n) valid values of some windows; only every second, fourth, ... if there are too many to keep."""
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
    """Index of the coarsest grid that still shows some detail; full resolution if there is no such overview."""
    fine_enough = [i for i, grid in enumerate(grids) if i == 0 or min(grid.height, grid.width) >= _LEAST_SAMPLED_SIDE]
    return fine_enough[-1]


def sample_windows(grid: Grid | Window, most_a_side: int = _SAMPLES_A_SIDE) -> Iterator[Window]:
    """At most 8 x 8 windows of 128 x 128 pixels, evenly spaced; the whole grid if they would cover it."""
    for row, height in _sample_spans(grid.height, most_a_side):
        for col, width in _sample_spans(grid.width, most_a_side):
            yield Window(row, col, height, width)


def _sample_spans(size_px: int, most: int) -> list[tuple[int, int]]:
    """Example: 300 px -> 0-127, 128-255, 256-299, each pixel once; 10,000 px -> 0-127, 1410-1537, ..., 9872-9999."""
    if size_px <= most * SAMPLE_PX:
        return [(start, min(SAMPLE_PX, size_px - start)) for start in range(0, size_px, SAMPLE_PX)]
    gap = (size_px - SAMPLE_PX) / max(1, most - 1)
    return [(int(i * gap), SAMPLE_PX) for i in range(most)]


def alpha_is_a_picture(header: Header, grids: tuple[Grid, ...], mask: str = "auto") -> bool:
    """Whether a small sample shows that the band tagged as alpha holds brightness (usually near infrared).

    Args:
        mask: what the user says about it (`SceneSettings.mask`): "alpha" means that it is alpha, "none" that it is not.
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
    """Whether the mask band of the finest overview contradicts the scene's, because it was built before the mask."""
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
