"""Draws one picture of a run: scene, classes and polygons side by side, as a whole and in the most varied places."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import OutputError
from fctl_geo.products.rings import PixelPolygon, count_polygons, read_rings
from fctl_geo.report.views import View, class_colors, view_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import NODATA, InputSpec, Legend
from fctl_geo.storage.whole_files import write_bytes_whole
from fctl_geo.windows.window import Window

DETAIL_PX = 640
"""Side of a detail, in pixels of the scene."""
DETAILS = 3
WHOLE_PX = 1000
"""The whole scene is read at reduced resolution, about this many pixels per side."""
MOST_POLYGONS = 30_000
"""Above this number the whole scene shows classes instead, because the outlines would merge into one blot."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture, which notebooks show by themselves."""

    png: bytes = field(repr=False)
    """The PNG file."""

    def save(self, path: str | Path) -> Path:
        """Write the PNG completely or not at all.

        Raises:
            OutputError: the file cannot be written.
        """
        path = Path(path)
        write_bytes_whole(path, self.png)
        return path

    def _repr_png_(self) -> bytes:
        return self.png


def draw_picture(
    scene_path: str | Path,
    classes_path: Path,
    polygons_path: Path | None,
    *,
    spec: InputSpec,
    settings: SceneSettings = SceneSettings(),  # noqa: B008 - frozen
    title: str,
) -> Picture:
    """Draw scene, classes and polygons of a run on the grid of its products; requires matplotlib.

    Args:
        polygons_path: .gpkg or .fgb; None: the classes are drawn over the scene instead.
        spec: the model's input; its red, green and blue are shown, or else its first band in gray.
        settings: those of the run, which decide which part of the scene its products cover.
        title: a title line at the top of the picture.
    Raises:
        OutputError: matplotlib is not installed.
    """
    from fctl_geo.raster.reader import open_class_raster
    from fctl_geo.scene import open_scene

    if settings.grid == "scene":
        spec = replace(spec, gsd_m=None)  # the scene's own pixels, not those that the model reads
    with open_scene(scene_path, spec, settings) as scene, open_class_raster(classes_path) as classes:
        height, width = classes.frame.size_hw
        factor = -(-max(height, width) // WHOLE_PX)
        small = classes.shrunk((-(-height // factor), -(-width // factor)))
        windows = [Window(0, 0, height, width), *choose_details(small, factor, (height, width))]
        sheet = _Sheet(windows, classes.legend, title)
        for window, axes in zip(windows, sheet.axes_rows, strict=True):
            whole = window is windows[0]
            values = small if whole and factor > 1 else classes.read(window)
            many = whole and polygons_path is not None and count_polygons(polygons_path) > MOST_POLYGONS
            rings = None
            if polygons_path is not None and not many:
                rings = read_rings(polygons_path, classes.frame, window)
            axes[0].set_ylabel("the whole scene" if whole else f"row {window.row:,}, column {window.col:,}")
            _draw_row(axes, window, view_scene(scene, window, WHOLE_PX), values, rings, classes.legend)
    return Picture(sheet.png())


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


def _draw_row(
    axes: list[Any],
    window: Window,
    view: View,
    values: NDArray[np.uint8],
    polygons: list[PixelPolygon] | None,
    legend: Legend,
) -> None:
    left, top, right, bottom = view.extent
    extent = (window.col, window.col_end, window.row_end, window.row)
    coarse = values.shape != window.size_hw
    smooth = "antialiased" if coarse else "nearest"
    axes[0].imshow(view.rgb, extent=(left, right, bottom, top), interpolation=smooth)
    axes[1].imshow(class_colors(values, legend), extent=extent, interpolation=smooth)
    axes[2].imshow(view.rgb, extent=(left, right, bottom, top), interpolation=smooth)
    if polygons is None:
        drawn = ~np.isin(values, [info.id for info in legend if info.background] + [NODATA])
        axes[2].imshow(np.dstack([class_colors(values, legend), drawn * np.uint8(150)]), extent=extent)
    else:
        _draw_polygons(axes[2], polygons, legend, fine=not coarse)
    for axis in axes:
        axis.set_xlim(window.col, window.col_end)
        axis.set_ylim(window.row_end, window.row)


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
    """The figure: a row of three images per window, with a legend below. No pyplot: no window, no global state."""

    def __init__(self, windows: list[Window], legend: Legend, title: str) -> None:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
            from matplotlib.patches import Patch
        except ImportError:
            raise OutputError("drawing a picture needs matplotlib", hint="pip install 'fctl-geo[demo]'") from None

        shapes = [window.height / window.width for window in windows]
        self._figure = Figure(figsize=(15, 5 * sum(shapes) + 1.2), layout="constrained")
        FigureCanvasAgg(self._figure)
        grid = self._figure.subplots(len(windows), 3, squeeze=False, gridspec_kw={"height_ratios": shapes})
        self.axes_rows = [list(row) for row in grid]
        for axis, head in zip(self.axes_rows[0], ("scene", "classes", "polygons"), strict=True):
            axis.set_title(head)
        for axis in grid.ravel():
            axis.set_xticks([])
            axis.set_yticks([])
        self._figure.suptitle(title)
        patches = [Patch(facecolor=info.hex, edgecolor="gray", label=info.name) for info in legend]
        self._figure.legend(handles=patches, loc="outside lower center", ncols=min(8, max(1, len(patches))))

    def png(self) -> bytes:
        file = io.BytesIO()
        self._figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
        return file.getvalue()
