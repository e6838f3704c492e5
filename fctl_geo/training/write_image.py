"""Writes an image as a plain TIFF without georeferencing."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_image(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, bands) 8-bit pixels as a tiled TIFF."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    height, width, bands = pixels.shape
    layout = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver="GTiff", dtype="uint8", count=bands, height=height, width=width, **layout
        ) as raster:
            raster.write(pixels.transpose(2, 0, 1))
