"""The pyramid of the model's grid: which pixels of the file each level is computed from, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fctl_geo.scene.resample import Taps, area_taps, bilinear_taps
from fctl_geo.scene.source import Grid
from fctl_geo.windows.window import Window

_SOURCE_TILE_PX = 2048
_LEVEL_TILE_PX = 256


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid: its pixels are `factor` x `factor` model pixels."""

    factor: int
    size_hw: tuple[int, int]
    source: int
    """Index of the grid that it is computed from."""
    of_model: bool
    """Computed from that grid through the model's grid: from level 1's pixels, which are cached, not the file's."""
    step_yx: tuple[float, float]
    """Source pixels (of_model: model pixels) per level pixel."""
    source_hw: tuple[int, int]

    @property
    def direct(self) -> bool:
        """Whether a level pixel is a pixel of the file."""
        return self.step_yx == (1.0, 1.0)

    @property
    def upsampled(self) -> bool:
        """Whether level pixels are smaller than the scene's: interpolated between centers, not averaged over areas."""
        return self.source == 0 and min(self.step_yx) < 1.0

    @property
    def tile_hw(self) -> tuple[int, int]:
        """Level pixels that are computed at once, chosen so that their source pixels are about 2048 x 2048 at most.

        Example: step 3 -> 256 (768 source pixels), step 20 -> 64, step 100 -> 16.
        """
        room = max(1, int(_SOURCE_TILE_PX / max(self.step_yx)))
        side = min(_LEVEL_TILE_PX, 1 << (room.bit_length() - 1))
        return side, side

    def taps(self, window: Window) -> tuple[Taps, Taps]:
        """Source rows and columns, with weights, of the level pixels in a window inside the level."""
        make = bilinear_taps if self.upsampled else area_taps
        return (
            make(window.row, window.height, self.step_yx[0], self.source_hw[0]),
            make(window.col, window.width, self.step_yx[1], self.source_hw[1]),
        )


def plan_level(grids: tuple[Grid, ...], scale: float, model_hw: tuple[int, int], factor: int) -> Level:
    """Choose the coarsest grid of the file that is not coarser than the level; the same for all windows of the level.

    If level 1 uses the same grid, the level is computed from level 1's pixels: each pixel of the file is then read for
    all levels at once, and need not be kept until the last of them is processed.

    An overview covers the scene's extent exactly, as GDAL builds it, so one of its pixels spans
    scene size / overview size scene pixels.
    """
    best = _coarsest(grids, scale * factor)
    size_hw = (math.ceil(model_hw[0] / factor), math.ceil(model_hw[1] / factor))
    if factor > 1 and scale >= 1.0 and best == _coarsest(grids, scale):
        return Level(factor, size_hw, best, True, (factor, factor), model_hw)
    full, grid, wanted = grids[0], grids[best], scale * factor
    step_yx = (wanted, wanted) if best == 0 else (wanted * grid.height / full.height, wanted * grid.width / full.width)
    return Level(factor, size_hw, best, False, step_yx, (grid.height, grid.width))


def _coarsest(grids: tuple[Grid, ...], wanted: float) -> int:
    """Index of the coarsest grid whose pixels are at most `wanted` of the scene's pixels."""
    full = grids[0]
    best = 0
    for index, grid in enumerate(grids[1:], start=1):
        coarseness = min(full.height / grid.height, full.width / grid.width)
        if max(full.height / grid.height, full.width / grid.width) <= wanted * 1.01 and coarseness > 1.5:
            best = index
    return best


def scale_to(gsd_m: float | None, model_gsd_m: float | None, tolerance: float) -> float:
    """Scene pixels per model pixel; exactly 1.0 if either GSD is unknown or both are within `tolerance`."""
    if gsd_m is None or model_gsd_m is None:
        return 1.0
    ratio = model_gsd_m / gsd_m
    return 1.0 if 1 / tolerance <= ratio <= tolerance else ratio


def model_size(size_px: int, scale: float) -> int:
    """Length of a side on the model's grid: rounded, and at least 1."""
    return size_px if scale == 1.0 else max(1, math.floor(size_px / scale + 0.5))
