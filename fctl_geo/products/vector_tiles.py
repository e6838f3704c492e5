"""Vector tiles (MBTiles, PMTiles) for web maps: GDAL cuts polygons at the tiles and rounds them to 1/4096 of a tile."""

from __future__ import annotations

import json
import math
from pathlib import Path

from fctl_geo.products.vector_layer import VectorLayer

_EQUATOR_M = 40_075_016.7
_STEPS_A_TILE = 4096
_MOST_ZOOM = 18
_LEVELS = 8
"""Zoom levels in a file: at 0.3 m, from a town on one tile to single walls."""
_USUAL_M = 0.3


def tile_options(out: Path, layer: VectorLayer) -> dict[str, str]:
    """GDAL's dataset creation options: zoom levels that suit the pixels, and what the tiles are."""
    most = most_zoom(layer.pixel_m or _USUAL_M)
    return {
        "NAME": out.stem,
        "DESCRIPTION": json.dumps(dict(layer.metadata), sort_keys=True),
        "TYPE": "overlay",
        "MINZOOM": str(max(0, most - _LEVELS + 1)),
        "MAXZOOM": str(most),
    }


def most_zoom(pixel_m: float) -> int:
    """The first zoom level at which rounding moves a corner by less than half a pixel anywhere on Earth.

    Example: a step is 0.30 m at zoom 15 and 0.15 m at zoom 16, so pixels of 0.25 m ask for zoom 16.
    """
    step_m = _EQUATOR_M / _STEPS_A_TILE
    return min(_MOST_ZOOM, max(0, math.ceil(math.log2(step_m / pixel_m))))
