"""Pictures of scenes and classes as RGB, and where they lie on the products' pixel grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.spec import Legend
from fctl_geo.windows.window import Window

if TYPE_CHECKING:
    from fctl_geo.scene.scene import Scene

RGB = NDArray[np.uint8]
_COLORS = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class View:
    """A picture of a part of a scene; its pixels may be larger or smaller than those of the products."""

    rgb: RGB
    """(h, w, 3)"""
    valid: NDArray[np.bool_]
    """(h, w) False where the scene has no data."""
    extent: tuple[float, float, float, float]
    """Left, top, right, bottom of the picture in pixels of the products."""


def view_scene(scene: Scene, window: Window, longest_px: int) -> View:
    """A picture of a window of the products, at most about `longest_px` wide and high; read from overviews.

    The picture may extend beyond the window by less than one of its own pixels, since it consists of whole pixels of
    a level of the scene's pyramid.

    Args:
        window: in pixels of the products (`scene.frame`).
    """
    corner = scene.frame_window
    factor = max(1, math.ceil(max(window.size_hw) / scene.output_scale / longest_px))
    step = factor * scene.output_scale
    row, row_end = _span(window.row + corner.row, window.row_end + corner.row, step)
    col, col_end = _span(window.col + corner.col, window.col_end + corner.col, step)
    rgb, valid = _read_rgb(scene, Window(row, col, row_end - row, col_end - col), factor)
    left, right = (edge * step - corner.col for edge in (col, col_end))
    top, bottom = (edge * step - corner.row for edge in (row, row_end))
    return View(rgb, valid, (left, top, right, bottom))


def picture_rgb(scene: Scene, window: Window) -> RGB:
    """(h, w, 3) uint8 of a window of the model's grid, white where there is no data.

    Red, green and blue are shown if the model reads them, or else its first band in gray.
    """
    rgb, _ = _read_rgb(scene, window, 1)
    return rgb


def class_colors(values: NDArray[np.uint8], legend: Legend) -> RGB:
    """(h, w, 3) uint8: each pixel in the color of its class, nodata white."""
    table = np.full((256, 3), 255, np.uint8)
    for info in legend:
        table[info.id] = info.color
    return table[values]


def _span(begin: int, end: int, step: float) -> tuple[int, int]:
    """The level pixels of `step` pixels each that cover [begin, end). Example: 5 to 11 in steps of 4: 1 to 3."""
    return math.floor(begin / step), math.ceil(end / step)


def _read_rgb(scene: Scene, window: Window, factor: int) -> tuple[RGB, NDArray[np.bool_]]:
    tile = scene.read(window, factor)
    names = [band.name for band in scene.info.bands]
    picks = [names.index(name) for name in _COLORS] if {*_COLORS} <= {*names} else [0, 0, 0]
    rgb = np.moveaxis(tile.pixels[picks], 0, -1)
    return np.where(tile.valid[..., None], rgb, np.uint8(255)), tile.valid
