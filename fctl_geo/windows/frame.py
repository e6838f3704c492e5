"""Where a raster lies on the ground, without any library's object in it."""

from __future__ import annotations

from dataclasses import dataclass

from fctl_geo.windows.window import Window

Affine6 = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): x = a * col + b * row + c, y = d * col + e * row + f (pixel corners)."""


@dataclass(frozen=True, slots=True)
class RasterFrame:
    """Size and georeference of a raster to be written or that was read."""

    height: int
    width: int
    transform: Affine6
    crs_wkt: str
    """WKT2 of the CRS; empty: none, coordinates are pixels."""

    def cut(self, window: Window) -> RasterFrame:
        """The part of the frame that a window of its pixels covers."""
        a, b, c, d, e, f = self.transform
        row, col = window.row, window.col
        place = (a, b, a * col + b * row + c, d, e, d * col + e * row + f)
        return RasterFrame(window.height, window.width, place, self.crs_wkt)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width
