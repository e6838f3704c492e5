"""Numbers of pixels that follow from their place on the map, whatever raster they were read from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fctl_geo.windows.frame import Affine6

ROW_BITS, COL_BITS = 26, 27
"""Together 53: JavaScript, and whatever else reads numbers as doubles, holds such integers exactly."""
TIE = 0.3
"""Grids often lie at a whole or half pixel from the origin: rounding must not depend on the last digit there."""


@dataclass(frozen=True, slots=True)
class PixelNumbers:
    """Numbers the pixels of a raster like those of any other raster on the same grid of pixels."""

    row: int
    col: int
    """Of the raster's first pixel, counted from the origin of the CRS."""

    def of(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The numbers of pixels, given by row and column in the raster.

        Law: no two pixels of a raster of at most 2**26 rows and 2**27 columns have the same number, and none is
        negative. The numbers begin again after as many rows or columns.
        """
        return (((self.row + row) % (1 << ROW_BITS)) << COL_BITS) | ((self.col + col) % (1 << COL_BITS))


def pixel_numbers(transform: Affine6) -> PixelNumbers:
    """The numbers of the pixels of a raster with this transform."""
    a, b, c, d, e, f = transform
    determinant = a * e - b * d
    col, row = (c * e - b * f) / determinant, (a * f - c * d) / determinant
    return PixelNumbers(math.floor(row + TIE), math.floor(col + TIE))
