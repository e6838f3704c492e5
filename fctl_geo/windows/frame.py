"""Where a raster lies on the ground, without any library's object in it."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width
