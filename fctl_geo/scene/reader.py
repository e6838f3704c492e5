"""Raw values and validity of the chosen bands in any grid of the file; small samples of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.scene.bands import BandPlan, palette_table
from fctl_geo.scene.header import Header
from fctl_geo.scene.masks import MaskPlan, is_true_alpha, valid_pixels
from fctl_geo.scene.source import Grid, Source
from fctl_geo.windows.window import Window

_SAMPLE_PX = 128
_SAMPLES_A_SIDE = 8
_LEAST_SAMPLED_SIDE = 512


@dataclass(frozen=True, slots=True)
class Reader:
    """The model's bands of one grid, unscaled."""

    source: Source
    bands: BandPlan
    masks: MaskPlan
    palette: NDArray[np.uint8] | None
    """(values, 4) of a palette image."""

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """(C, h, w) values in the model's order of bands and (h, w) validity, in a window inside the grid."""
        raw = self.source.read(window)
        numbers = self.source.numbers
        alpha = None if self.masks.alpha_band is None else raw[numbers.index(self.masks.alpha_band)]
        picture = _pick(raw, [numbers.index(n) for n in self.bands.numbers])
        valid = valid_pixels(picture, alpha, self.masks)
        if self.masks.mask_band:
            valid &= self.source.read_mask(window)
        if self.palette is None:
            return _pick(picture, list(self.bands.order)), valid
        colours = self.palette[np.minimum(picture[0], len(self.palette) - 1)]
        if self.masks.palette_alpha:
            valid &= colours[..., 3] > 0
        assert self.bands.channels is not None
        return np.ascontiguousarray(np.moveaxis(colours[..., list(self.bands.channels)], -1, 0)), valid


def _pick(bands: NDArray[np.generic], order: list[int]) -> NDArray[np.generic]:
    """bands[order], without a copy where that is all of them as they stand."""
    return bands if order == list(range(len(bands))) else bands[order]


def readers_of(header: Header, grids: tuple[Grid, ...], bands: BandPlan, masks: MaskPlan) -> tuple[Reader, ...]:
    """A reader for each grid of the file; opens nothing yet."""
    numbers = set(bands.numbers) | ({masks.alpha_band} if masks.alpha_band is not None else set())
    palette = palette_table(header) if header.palette is not None else None
    return tuple(Reader(Source(header, grid, tuple(sorted(numbers))), bands, masks, palette) for grid in grids)


def sample_values(readers: tuple[Reader, ...]) -> NDArray[Any]:
    """(C, n) valid values, spread regularly over the scene: the same ones in every run."""
    reader = readers[grid_to_sample(tuple(r.source.grid for r in readers))]
    parts = [values[:, valid] for values, valid in (reader.read(w) for w in sample_windows(reader.source.grid))]
    return np.concatenate(parts, axis=1)


def grid_to_sample(grids: tuple[Grid, ...]) -> int:
    """The coarsest grid that still shows the scene in some detail; full resolution if there is no such overview."""
    fine_enough = [i for i, grid in enumerate(grids) if i == 0 or min(grid.height, grid.width) >= _LEAST_SAMPLED_SIDE]
    return fine_enough[-1]


def sample_windows(grid: Grid, most_a_side: int = _SAMPLES_A_SIDE) -> Iterator[Window]:
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


def alpha_is_a_picture(header: Header, grids: tuple[Grid, ...]) -> bool:
    """Whether the band that is tagged as alpha holds brightness (near infrared, most often), by a small sample."""
    alphas = [band.number for band in header.bands if band.interpretation == "alpha"]
    if not alphas or header.palette is not None:
        return False
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
