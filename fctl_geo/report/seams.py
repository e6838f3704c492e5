"""Checks for seams: whether classes change more often along the borders of patches than elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.report.measure import Changes, Measured
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.windows.axis import PatchAxis
from fctl_geo.windows.grid import PatchGrid

NEAR_PX = 3
"""Lines this close to a border are not 'elsewhere': blended patches change within a few pixels."""
VISIBLE_RATIO = 1.1
VISIBLE_RANK = 0.99


@dataclass(frozen=True, slots=True)
class Seams:
    """How often classes change along the borders of patches, and along the same lines moved away from them.

    Any set of parallel lines crosses some edges of objects. The borders are therefore compared with themselves moved by
    every number of pixels up to a whole patch: if patches fitted badly, hardly any of these would cross as many edges.
    """

    borders: int
    """Number of lines between patches, down and across."""
    along: float
    """Share of neighboring pixels along the borders that have different classes, 0..1."""
    elsewhere: float
    """The same for the moved lines."""
    rank: float
    """Share of the moves with fewer changes than the borders, 0..1; about 0.5 is expected without seams."""

    @property
    def ratio(self) -> float:
        """How many times as often classes change along the borders."""
        return self.along / self.elsewhere if self.elsewhere else float("nan")

    @property
    def visible(self) -> bool:
        """Whether the borders stand out clearly: by a tenth, and from 99 of 100 moves."""
        return self.rank >= VISIBLE_RANK and self.ratio >= VISIBLE_RATIO


def find_seams(measured: Measured, grid: PatchGrid, how: Resampling) -> Seams | None:
    """Compare the borders of the patches' cores with the same lines moved; None if there are none, or no changes."""
    rows = _borders(grid.rows, how.scale, how.row_offset, len(measured.rows.pairs))
    cols = _borders(grid.cols, how.scale, how.col_offset, len(measured.cols.pairs))
    if not len(rows) and not len(cols):
        return None
    axes = ((measured.rows, rows), (measured.cols, cols))
    half = max(NEAR_PX + 1, round(grid.stride_px * how.scale / 2))
    along = _share(axes, 0)
    moved = np.array([_share(axes, sign * move) for move in range(NEAR_PX + 1, half + 1) for sign in (-1, 1)])
    moved = moved[~np.isnan(moved)]
    if np.isnan(along) or not moved.any():
        return None
    return Seams(len(rows) + len(cols), along, float(moved.mean()), float((moved < along).mean()))


def _borders(axis: PatchAxis, scale: float, offset: int, lines: int) -> NDArray[np.int64]:
    """The lines between pixels of the products that are nearest to the borders between cores.

    Example: cores [0, 8) and [8, 15), scale 2, offset 3: the border is at 13, between rows 12 and 13: line 12.
    """
    borders = np.array([axis.core(k)[0] for k in range(1, axis.count)], np.float64)
    found = np.round(borders * scale - offset).astype(np.int64) - 1
    return found[(found >= 0) & (found < lines)]


def _share(axes: Sequence[tuple[Changes, NDArray[np.int64]]], move: int) -> float:
    """Share of unequal pairs along lines that are moved by some pixels; those that leave the raster are left out."""
    pairs = unequal = 0
    for changes, lines in axes:
        inside = lines + move
        inside = inside[(inside >= 0) & (inside < len(changes.pairs))]
        pairs += int(changes.pairs[inside].sum())
        unequal += int(changes.unequal[inside].sum())
    return unequal / pairs if pairs else float("nan")
