"""Draws one picture of a run: scene, classes and polygons side by side, as a whole and in the most varied places."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.products.rings import PixelPolygon, count_polygons, read_rings
from fctl_geo.spec import NODATA, InputSpec, Legend
from fctl_geo.windows.window import Window

if TYPE_CHECKING:
    from fctl_geo.raster.reader import ClassRaster
    from fctl_geo.scene.scene import Scene

DETAIL_PX = 640
"""Side of a detail, in pixels of the scene."""
DETAILS = 3
WHOLE_PX = 1000
"""The whole scene is read at reduced resolution, about this many pixels per side."""
MOST_POLYGONS = 30_000
"""Above this number the whole scene shows classes instead, because the outlines would merge into one blot."""

RGB = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Panel:
    """One row of the picture."""

    title: str
    window: Window
    factor: int
    """Scene pixels per picture pixel."""


def draw_picture(scene_path: str | Path, classes_path: Path, polygons_path: Path, out: Path, *, bands: tuple[str, ...],
                 title: str) -> Path:  # fmt: skip
    """Draw scene, classes and polygons of a run on the scene's own grid to a PNG; requires matplotlib.

    Args:
        bands: the model's bands; red, green and blue are shown, or else the first band in gray.
        title: a title line at the top of the picture.
    """
    from fctl_geo.raster.reader import open_class_raster
    from fctl_geo.scene import open_scene

    spec = InputSpec(bands=bands, gsd_m=None)
    with open_scene(scene_path, spec) as scene, open_class_raster(classes_path) as classes:
        height, width = classes.frame.size_hw
        factor = -(-max(height, width) // WHOLE_PX)
        small = classes.shrunk((-(-height // factor), -(-width // factor)))
        panels = [Panel("the whole scene", Window(0, 0, height, width), factor)]
        for window in choose_details(small, factor, (height, width)):
            panels.append(Panel(f"row {window.row:,}, column {window.col:,}", window, 1))
        sheet = _Sheet(panels, classes.legend, title)
        for panel, axes in zip(panels, sheet.axes_rows, strict=True):
            coarse = small if panel.factor > 1 else None
            _draw_row(panel, axes, scene, classes, small=coarse, polygons_path=polygons_path)
    sheet.save(out)
    return out


def choose_details(small: NDArray[np.uint8], factor: int, size_hw: tuple[int, int]) -> list[Window]:
    """Up to three separate windows in which the classes are most mixed.

    Args:
        small: the class raster, every `factor`-th pixel.
        size_hw: size of the class raster itself.
    """
    side = max(1, DETAIL_PX // factor)
    scored = []
    for row in range(0, max(1, small.shape[0] - side + 1), max(1, side // 2)):
        for col in range(0, max(1, small.shape[1] - side + 1), max(1, side // 2)):
            scored.append((-_mixture(small[row : row + side, col : col + side]), row, col))
    chosen: list[tuple[int, int]] = []
    for _, row, col in sorted(scored):
        if all(max(abs(row - r), abs(col - c)) >= 2 * side for r, c in chosen):
            chosen.append((row, col))
        if len(chosen) == DETAILS:
            break
    whole = Window(0, 0, *size_hw)
    return [Window(row * factor, col * factor, DETAIL_PX, DETAIL_PX).clip(whole) for row, col in sorted(chosen)]


def _mixture(values: NDArray[np.uint8]) -> float:
    """Shannon entropy of the classes, reduced by the share of nodata."""
    counts = np.bincount(values.ravel(), minlength=256)[:NODATA]
    if not counts.any():
        return 0.0
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum() * counts.sum() / values.size)


def picture_rgb(scene: Scene, window: Window, factor: int) -> RGB:
    """(h, w, 3) uint8 of a window of the scene, white where there is no data."""
    level = Window(window.row // factor, window.col // factor, -(-window.height // factor), -(-window.width // factor))
    tile = scene.read(level, factor)
    names = [band.name for band in scene.info.bands]
    picks = (
        [names.index(name) for name in ("red", "green", "blue")] if {"red", "green", "blue"} <= {*names} else [0, 0, 0]
    )
    rgb = np.moveaxis(tile.pixels[picks], 0, -1)
    if rgb.dtype != np.uint8:
        low, high = np.percentile(rgb, [2, 98])
        rgb = np.clip((rgb - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    return np.where(tile.valid[..., None], rgb, np.uint8(255))


def class_colors(values: NDArray[np.uint8], legend: Legend) -> RGB:
    """(h, w, 3) uint8: each pixel in the color of its class, nodata white."""
    table = np.full((256, 3), 255, np.uint8)
    for info in legend:
        table[info.id] = info.color
    return table[values]


def _draw_row(
    panel: Panel,
    axes: list[Any],
    scene: Scene,
    classes: ClassRaster,
    *,
    small: NDArray[np.uint8] | None,
    polygons_path: Path,
) -> None:
    window, legend = panel.window, classes.legend
    rgb = picture_rgb(scene, window, panel.factor)
    values = classes.read(window) if small is None else small
    extent = (window.col, window.col_end, window.row_end, window.row)
    for axis, picture in zip(axes, (rgb, class_colors(values, legend), rgb), strict=True):
        axis.imshow(picture, extent=extent, interpolation="nearest" if panel.factor == 1 else "antialiased")
    if panel.factor > 1 and count_polygons(polygons_path) > MOST_POLYGONS:
        drawn = ~np.isin(values, [info.id for info in legend if info.background] + [NODATA])
        fill = np.dstack([class_colors(values, legend), drawn * np.uint8(150)])
        axes[2].imshow(fill, extent=extent)
    else:
        _draw_polygons(axes[2], read_rings(polygons_path, classes.frame, window), legend, fine=panel.factor == 1)
    for axis in axes:
        axis.set_xlim(window.col, window.col_end)
        axis.set_ylim(window.row_end, window.row)
    axes[0].set_ylabel(panel.title)


def _draw_polygons(axis: Any, polygons: list[PixelPolygon], legend: Legend, *, fine: bool) -> None:
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path as Outline

    for info in legend:
        paths = [
            Outline.make_compound_path(*(Outline(ring, closed=True) for ring in polygon.rings))
            for polygon in polygons
            if polygon.class_id == info.id
        ]
        red, green, blue = (channel / 255 for channel in info.color)
        axis.add_collection(
            PathCollection(
                paths,
                facecolors=[(red, green, blue, 0.25 if fine else 0.5)],
                edgecolors=[(red * 0.6, green * 0.6, blue * 0.6, 1.0)],
                linewidths=1.0 if fine else 0.2,
            )
        )


class _Sheet:
    """The figure: a row of three images per panel, with a legend below. No pyplot: no window, no global state."""

    def __init__(self, panels: list[Panel], legend: Legend, title: str) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        shapes = [panel.window.height / panel.window.width for panel in panels]
        self._figure = Figure(figsize=(15, 5 * sum(shapes) + 1.2), layout="constrained")
        FigureCanvasAgg(self._figure)
        grid = self._figure.subplots(len(panels), 3, squeeze=False, gridspec_kw={"height_ratios": shapes})
        self.axes_rows = [list(row) for row in grid]
        for axis, head in zip(self.axes_rows[0], ("scene", "classes", "polygons"), strict=True):
            axis.set_title(head)
        for axis in grid.ravel():
            axis.set_xticks([])
            axis.set_yticks([])
        self._figure.suptitle(title)
        patches = [Patch(facecolor=info.hex, edgecolor="gray", label=info.name) for info in legend]
        self._figure.legend(handles=patches, loc="outside lower center", ncols=min(8, max(1, len(patches))))

    def save(self, out: Path) -> None:
        """Write the PNG completely or not at all."""
        aside = out.with_name(f".{out.stem}.partial.png")
        try:
            self._figure.savefig(aside, dpi=100, metadata={"Software": None})
            aside.replace(out)
        finally:
            aside.unlink(missing_ok=True)
