"""A figure: images side by side with a heading each, drawn without a window."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from PIL import Image

WIDTH_IN = 11.0
DPI = 130
QUALITY = 86
RED = "#d64541"


def open_sheet(headings: Sequence[str], *, rows: int = 1, aspect: float = 1.0) -> tuple[Figure, NDArray[Any]]:
    """A figure with one image a column, and the axes (rows, columns).

    Args:
        headings: one a column; an empty one is left out.
        aspect: height of an image over its width.
    """
    columns = len(headings)
    heading_in = 0.32 if any(headings) else 0.0
    figure = Figure(figsize=(WIDTH_IN, rows * WIDTH_IN / columns * aspect + heading_in), layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.0, hspace=0.0)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axis, heading in zip(grid[0], headings, strict=True):
        if heading:
            axis.set_title(heading, fontsize=12)
    for axis in grid.ravel():
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_color("#999999")
    return figure, grid


def show(axis: Any, image: NDArray[Any], *, extent: Sequence[float] | None = None, **how: Any) -> None:
    """Show (3, H, W), (H, W, 3 or 4), or (H, W) in its pixel coordinates."""
    if image.ndim == 3 and image.shape[0] == 3:
        image = image.transpose(1, 2, 0)
    height, width = image.shape[:2]
    axis.imshow(image, extent=extent or (0, width, height, 0), **{"interpolation": "antialiased", **how})


def outline(
    axis: Any,
    polygons: Iterable[shapely.Geometry],
    *,
    fill: Any = RED,
    edge: Any = "#7d1f1c",
    alpha: float = 0.3,
    width: float = 1.2,
) -> None:
    """Draw polygons, given in pixels. `fill` and `edge` are colors, or lists of one color a polygon."""
    paths = [_path(part) for polygon in polygons for part in shapely.get_parts(polygon)]
    for faces, lines, opacity in ((fill, "none", alpha), ("none", edge, 1.0)):
        axis.add_collection(
            PathCollection(
                paths, facecolors=faces, edgecolors=lines, alpha=opacity, linewidths=width, joinstyle="miter"
            )
        )


def _path(polygon: shapely.Polygon) -> Outline:
    rings = [polygon.exterior, *polygon.interiors]
    return Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings))


def look_at(axis: Any, left: float, top: float, width: float, height: float) -> None:
    """Show this part of the scene alone."""
    axis.set_xlim(left, left + width)
    axis.set_ylim(top + height, top)


def save(figure: Figure, path: Path) -> None:
    """Write the figure as JPEG: the same figure gives the same bytes."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
    Image.open(drawn).convert("RGB").save(path, quality=QUALITY, optimize=True)
