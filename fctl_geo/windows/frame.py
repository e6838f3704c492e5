"""Where a raster lies on the ground, without any library's object in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fctl_geo.errors import SettingsError
from fctl_geo.windows.window import Window

Affine6 = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): x = a * col + b * row + c, y = d * col + e * row + f (pixel corners)."""


@dataclass(frozen=True, slots=True)
class RasterFrame:
    """Size and georeference of a raster that is written or was read.

    `fctl_geo.georef` determines the size of its pixels: from the CRS, else as stated, else it is unknown.
    """

    height: int
    width: int
    transform: Affine6
    crs_wkt: str
    """WKT2 of the CRS; empty: none, coordinates are pixels."""
    stated_gsd_m: float | None = None
    """Ground meters per pixel as given by the user, only if the CRS does not define them; None: not given."""

    def __post_init__(self) -> None:
        if self.stated_gsd_m is not None and not 0 < self.stated_gsd_m < math.inf:
            raise SettingsError(
                f"gsd is {self.stated_gsd_m} m", hint="give ground meters per pixel above 0, e.g. --gsd 0.25"
            )

    def cut(self, window: Window) -> RasterFrame:
        """The part of the frame that a window of its pixels covers."""
        a, b, c, d, e, f = self.transform
        row, col = window.row, window.col
        place = (a, b, a * col + b * row + c, d, e, d * col + e * row + f)
        return replace(self, height=window.height, width=window.width, transform=place)

    def coarser(self, scale: float, size_hw: tuple[int, int]) -> RasterFrame:
        """A grid from the same corner whose pixels are `scale` times as large, also on the ground."""
        a, b, c, d, e, f = self.transform
        place = (a * scale, b * scale, c, d * scale, e * scale, f)
        stated = None if self.stated_gsd_m is None else self.stated_gsd_m * scale
        return RasterFrame(*size_hw, place, self.crs_wkt, stated)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the smallest box around its corners, in its CRS."""
        a, b, c, d, e, f = self.transform
        xs = [a * col + b * row + c for col in (0, self.width) for row in (0, self.height)]
        ys = [d * col + e * row + f for col in (0, self.width) for row in (0, self.height)]
        return min(xs), min(ys), max(xs), max(ys)
