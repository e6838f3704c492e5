"""Raw values and validity of the selected bands in any grid of the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.scene.bands import BandPlan, palette_table
from fctl_geo.scene.header import Header
from fctl_geo.scene.masks import MaskPlan, valid_pixels
from fctl_geo.scene.source import Grid, Source
from fctl_geo.windows.window import Window


@dataclass(frozen=True, slots=True)
class Reader:
    """The model's bands of one grid, unscaled."""

    source: Source
    bands: BandPlan
    masks: MaskPlan
    palette: NDArray[np.uint8] | None
    """(values, 4) for a palette image."""

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """(C, h, w) values in the model's band order and (h, w) validity, for a window inside the grid."""
        raw = self.source.read(window)
        numbers = self.source.numbers
        alpha = None if self.masks.alpha_band is None else raw[numbers.index(self.masks.alpha_band)]
        image = _pick(raw, [numbers.index(n) for n in self.bands.numbers])
        valid = valid_pixels(image, alpha, self.masks)
        if self.masks.mask_band:
            valid &= self.source.read_mask(window)
        if self.palette is None:
            return _pick(image, list(self.bands.order)), valid
        colors = self.palette[np.minimum(image[0], len(self.palette) - 1)]
        if self.masks.palette_alpha:
            valid &= colors[..., 3] > 0
        assert self.bands.channels is not None
        return np.ascontiguousarray(np.moveaxis(colors[..., list(self.bands.channels)], -1, 0)), valid


def _pick(bands: NDArray[np.generic], order: list[int]) -> NDArray[np.generic]:
    """bands[order], without a copy if that changes nothing."""
    return bands if order == list(range(len(bands))) else bands[order]


def readers_of(header: Header, grids: tuple[Grid, ...], bands: BandPlan, masks: MaskPlan) -> tuple[Reader, ...]:
    """A reader for each grid of the file; opens nothing yet."""
    numbers = set(bands.numbers) | ({masks.alpha_band} if masks.alpha_band is not None else set())
    palette = palette_table(header) if header.palette is not None else None
    return tuple(Reader(Source(header, grid, tuple(sorted(numbers))), bands, masks, palette) for grid in grids)
