"""Rows of a class raster on their way through the sieve and the tracer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.georef.area import BLOCK_PX as AREA_BLOCK_PX

CLASS_BITS = 255
"""The bits of a run's value that are its class; those above are the number of its object."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Some full rows of a class raster; strips of any height follow each other from top to bottom."""

    classes: npt.NDArray[np.uint8]
    """(h, width) class ids; 255 is nodata."""
    confidence: npt.NDArray[np.uint8] | None = None
    """(h, width) confidence in any unit, or None."""
    area: npt.NDArray[np.float64] | None = None
    """(h, ceil(width / 64)) area in m2 of one pixel in that row and block of 64 columns, or None."""
    objects: npt.NDArray[np.int32] | None = None
    """(h, width) number of the object, within its class, that a pixel belongs to, 0: to none; or None."""

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
        if self.objects is not None and (self.objects.shape != self.classes.shape or self.objects.dtype != np.int32):
            raise SettingsError(f"objects are {self.objects.shape} {self.objects.dtype}, expected int32 as the classes")

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.classes.shape[0])

    def rows(self, rows: slice) -> Strip:
        """Some of its rows, without a copy."""
        return Strip(*(None if array is None else array[rows] for array in self._arrays))  # type: ignore[arg-type]

    @property
    def _arrays(self) -> tuple[npt.NDArray[Any] | None, ...]:
        return self.classes, self.confidence, self.area, self.objects


def stack_strips(strips: Sequence[Strip]) -> Strip:
    """Several strips, from top to bottom, as one."""
    if len(strips) == 1:
        return strips[0]
    columns = zip(*(strip._arrays for strip in strips), strict=True)
    return Strip(*(None if arrays[0] is None else np.concatenate(arrays) for arrays in columns))  # type: ignore[arg-type]


def check_strips(strips: Iterable[Strip], width: int) -> Iterator[Strip]:
    """Yield the strips that have rows, as contiguous arrays.

    Raises:
        SettingsError: a strip of a different width, or a mix of strips with and without confidence, area or objects.
    """
    first: Strip | None = None
    for strip in strips:
        if strip.classes.shape[1] != width:
            raise SettingsError(f"a strip is {strip.classes.shape[1]} px wide, but the raster is {width} px wide")
        first = first or strip
        for name in ("confidence", "area", "objects"):
            if (getattr(strip, name) is None) != (getattr(first, name) is None):
                raise SettingsError(f"some strips have {name} and some do not")
        if strip.height:
            arrays = (None if array is None else np.ascontiguousarray(array) for array in strip._arrays)
            yield Strip(*arrays)  # type: ignore[arg-type]
