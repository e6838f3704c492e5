"""Rows of a class raster on their way through the sieve and the tracer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.georef.area import BLOCK_PX as AREA_BLOCK_PX


@dataclass(frozen=True, slots=True)
class Strip:
    """Some full rows of a class raster; strips of any height follow each other from top to bottom."""

    classes: npt.NDArray[np.uint8]
    """(h, width) class ids; 255 is nodata."""
    confidence: npt.NDArray[np.uint8] | None = None
    """(h, width) confidence in any unit, or None."""
    area: npt.NDArray[np.float64] | None = None
    """(h, ceil(width / 64)) area in m2 of one pixel in that row and block of 64 columns, or None."""

    def __post_init__(self) -> None:
        if self.classes.ndim != 2 or self.classes.dtype != np.uint8:
            raise SettingsError(f"classes are {self.classes.ndim}-D {self.classes.dtype}, expected 2-D uint8")
        height, width = self.classes.shape
        if self.confidence is not None and (
            self.confidence.shape != self.classes.shape or self.confidence.dtype != np.uint8
        ):
            raise SettingsError(
                f"confidence is {self.confidence.shape} {self.confidence.dtype}, classes are {self.classes.shape}"
            )
        blocks = -(-width // AREA_BLOCK_PX)
        if self.area is not None and (self.area.shape != (height, blocks) or self.area.dtype != np.float64):
            raise SettingsError(f"area is {self.area.shape} {self.area.dtype}, expected {(height, blocks)} float64")

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.classes.shape[0])


def check_strips(strips: Iterable[Strip], width: int) -> Iterator[Strip]:
    """Yield the strips that have rows, as contiguous arrays.

    Raises:
        SettingsError: a strip of a different width, or a mix of strips with and without confidence or area.
    """
    first: Strip | None = None
    for strip in strips:
        if strip.classes.shape[1] != width:
            raise SettingsError(f"a strip is {strip.classes.shape[1]} px wide, but the raster is {width} px wide")
        first = first or strip
        for name in ("confidence", "area"):
            if (getattr(strip, name) is None) != (getattr(first, name) is None):
                raise SettingsError(f"some strips have {name} and some do not")
        if strip.height:
            yield Strip(
                np.ascontiguousarray(strip.classes),
                None if strip.confidence is None else np.ascontiguousarray(strip.confidence),
                None if strip.area is None else np.ascontiguousarray(strip.area),
            )
