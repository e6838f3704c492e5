"""Small compressed images, embedded in a page as data URIs."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.report.views import RGB
from fctl_geo.spec import NODATA, Legend

Color = tuple[int, int, int]


def photo_uri(rgb: RGB, quality: int = 82) -> str:
    """(h, w, 3) uint8 as a JPEG."""
    return _uri("JPEG", rgb.transpose(2, 0, 1), quality=quality)


def drawing_uri(rgb: RGB) -> str:
    """(h, w, 3) uint8 as a PNG, without loss."""
    return _uri("PNG", rgb.transpose(2, 0, 1), zlevel=9)


def classes_uri(classes: NDArray[np.uint8], colors: Mapping[int, Color]) -> str:
    """(h, w) class ids as a PNG with a palette, transparent where there is no class."""
    palette = {class_id: (*color, 255) for class_id, color in colors.items()} | {NODATA: (255, 255, 255, 0)}
    return _uri("PNG", classes[None], palette, zlevel=9)


def distinct_colors(legend: Legend) -> dict[int, Color]:
    """The legend's colors by id; one that an earlier class has already is changed until no other class has it.

    A page can then tell the class of a pixel from its color. Example: #ff0000 twice gives #ff0000 and #ff0001.
    """
    colors: dict[int, Color] = {}
    taken: set[int] = set()
    for info in legend:
        red, green, blue = info.color
        number = red << 16 | green << 8 | blue
        while number in taken:
            number = (number + 1) % (1 << 24)
        taken.add(number)
        colors[info.id] = (number >> 16, number >> 8 & 255, number & 255)
    return colors


def _uri(driver: str, bands: NDArray[np.uint8], palette: Mapping[int, Any] | None = None, **options: Any) -> str:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    count, height, width = bands.shape
    with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED="NO"), MemoryFile() as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        shape = {"height": height, "width": width, "count": count, "dtype": "uint8"}
        with memory.open(driver=driver, **shape, **options) as file:
            if palette is not None:
                file.write_colormap(1, palette)
            file.write(np.ascontiguousarray(bands))
        text = base64.b64encode(memory.read()).decode("ascii")
    return f"data:image/{driver.lower()};base64,{text}"
