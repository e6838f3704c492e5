"""What a report shows of the polygons: their sizes, and, if they are not too many, their outlines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.products.columns import GEOMETRY
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.windows.frame import RasterFrame

if TYPE_CHECKING:
    import pyarrow as pa

MOST_OUTLINES = 20_000
MOST_CORNERS = 300_000
"""About 2 MB of the page."""
SIZES = tuple(step * 10**power for power in range(8) for step in (1, 2, 5))
"""Bounds of the classes of size: 1, 2, 5, 10, ... (m2, or px)."""


@dataclass(slots=True)
class ReportObjects:
    """Collects what a report shows of the polygons; `look` at their file once it is complete."""

    frame: RasterFrame
    factor: int
    """Pixels of the products per pixel of the map: finer details of outlines are left out."""
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((256, len(SIZES) + 1), np.int64))
    """(256, sizes + 1) polygons by class and size; column k has those from SIZES[k - 1] to below SIZES[k]."""
    outlines: list[list[int | list[int]]] = field(default_factory=list)
    """The class id of each polygon, then its rings: steps from corner to corner (right, down) in tenths of a pixel."""
    left_out: int = 0
    """Number of polygons whose outlines are too many for a page."""

    def look(self, polygons: PolygonFile) -> None:
        """Look at all polygons, chunk by chunk."""
        corners = 0 if polygons.count <= MOST_OUTLINES else MOST_CORNERS + 1
        for chunk in polygons.batches():
            ids = chunk.column("class_id").to_numpy()
            self._count(ids, chunk)
            if corners <= MOST_CORNERS:
                corners += self._add_outlines(ids, chunk)
        if corners > MOST_CORNERS:
            self.outlines, self.left_out = [], polygons.count

    def _count(self, ids: NDArray[np.int16], chunk: pa.RecordBatch) -> None:
        (name,) = (name for name in ("area_m2", "area_px") if name in chunk.schema.names)
        areas = chunk.column(name).to_numpy(zero_copy_only=False)
        known = ~np.isnan(areas)
        np.add.at(self.sizes, (ids[known], np.searchsorted(SIZES, areas[known], side="right")), 1)

    def _add_outlines(self, ids: NDArray[np.int16], chunk: pa.RecordBatch) -> int:
        """Add the outlines of a chunk; returns the number of corners."""
        import shapely

        a, b, c, d, e, f = self.frame.transform
        to_pixels = np.linalg.inv(np.array([(a, b, c), (d, e, f), (0, 0, 1)]))

        def pixels(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return xy @ to_pixels[:2, :2].T + to_pixels[:2, 2]

        shapes = shapely.from_wkb(chunk.column(GEOMETRY).to_numpy(zero_copy_only=False))
        shapes = shapely.simplify(shapely.transform(shapes, pixels), max(0.75, self.factor / 2))
        corners = 0
        for class_id, shape in zip(ids.tolist(), shapes, strict=True):
            for part in shapely.get_parts(shape):
                rings = [_steps(shapely.get_coordinates(ring)) for ring in (part.exterior, *part.interiors)]
                self.outlines.append([class_id, *rings])
                corners += sum(map(len, rings)) // 2
        return corners


def _steps(ring: NDArray[np.float64]) -> list[int]:
    """Steps in tenths of a pixel, the first from the origin. Example: (1, 1), (2, 1), (2, 3): 10 10 10 0 0 20."""
    tenths = np.round(ring[:-1] * 10).astype(np.int64)
    return [int(step) for step in np.diff(tenths, axis=0, prepend=0).ravel()]
