"""A class raster cut into strips, to show that their heights change nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.strip import Strip


def cut_strips(
    classes: npt.NDArray[np.uint8], cuts: Sequence[int] | None = None, area: npt.NDArray[np.float64] | None = None
) -> list[Strip]:
    """The raster in strips that begin at the rows in `cuts`, with their part of the table of pixel areas."""
    at = sorted(set(cuts or []))
    areas = [None] * (len(at) + 1) if area is None else np.split(area, at)
    return [Strip(part, area=rows) for part, rows in zip(np.split(classes, at), areas, strict=True)]
