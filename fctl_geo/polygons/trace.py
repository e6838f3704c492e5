"""Class raster in, polygons out, while the raster streams by (the polygons of GDAL's Polygonize, 4-connected)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.strip import Strip, check_strips
from fctl_geo.windows.frame import Affine6

if TYPE_CHECKING:
    from fctl_geo.polygons.chains import State

__all__ = ["PolygonBatch", "Strip", "trace_polygons"]

ROWS_AT_ONCE = 256
"""Finished polygons leave the memory at least this often."""


@dataclass(frozen=True, slots=True)
class PolygonBatch:
    """Some polygons, one region each, in the order in which the raster's rows complete them."""

    wkb: npt.NDArray[np.uint8]
    """All polygons' WKB, one after the other."""
    offsets: npt.NDArray[np.int64]
    """(N + 1,) polygon i is wkb[offsets[i]:offsets[i + 1]], as in an Arrow LargeBinary array."""
    class_id: npt.NDArray[np.uint8]
    """(N,) class of the region."""
    pixels: npt.NDArray[np.int64]
    """(N,) pixels of the region."""
    area_m2: npt.NDArray[np.float64]
    """(N,) sum of the area of the region's pixels; in pixels times `pixel_area` where strips have no area."""
    confidence: npt.NDArray[np.float32]
    """(N,) mean confidence of the region's pixels, in the unit of the strips; NaN where strips have none."""
    first_pixel: npt.NDArray[np.int64]
    """(N, 2) row and column of the region's first pixel in raster order: a key that no two regions share."""

    def __len__(self) -> int:
        return int(self.class_id.shape[0])


def trace_polygons(
    strips: Iterable[Strip],
    *,
    width: int,
    transform: Affine6,
    skip: frozenset[int] = frozenset({255}),
    simplify_px: float = 0.0,
    pixel_area: float = 1.0,
) -> Iterator[PolygonBatch]:
    """Give every 4-connected region of one class as one polygon, holes included, as soon as it is complete.

    Memory holds one row, the boundaries of the regions that are still open, and the polygons of the batch at hand.

    Args:
        strips: the raster from top to bottom, in strips of any heights.
        width: columns of the raster.
        transform: pixel corners to map coordinates.
        skip: classes that get no polygon.
        simplify_px: tolerance of the simplification in pixels; 0: edges on pixel edges. See `simplify`.
        pixel_area: area of a pixel where strips bring no area of their own.
    Yields:
        Batches of at least one polygon. Exterior rings run counter-clockwise in map coordinates, holes clockwise.
    Raises:
        SettingsError: strips that do not fit `width` or each other.
    Law: heights of strips change where batches end, never a byte of a polygon or their order.
    """
    from fctl_geo.polygons.chains import new_state

    state = new_state(width)
    traced = np.array([class_id not in skip for class_id in range(256)])
    has_confidence = False
    for strip in check_strips(strips, width):
        has_confidence = strip.confidence is not None
        for rows in _kernel_rows(strip, pixel_area):
            state, batches = _trace(state, rows, traced, transform, has_confidence)
            yield from batches
    end = (np.empty((0, width), np.uint8), np.empty((0, 1)), np.empty((0, 0), np.uint8))
    state, batches = _trace(state, end, traced, transform, has_confidence)
    yield from batches


Rows = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64], npt.NDArray[np.uint8]]


def _kernel_rows(strip: Strip, pixel_area: float) -> Iterator[Rows]:
    """Slices of the strip as the kernel wants them: classes, area and confidence, the last two never None."""
    area = np.full((strip.height, 1), pixel_area) if strip.area is None else strip.area
    confidence = np.empty((strip.height, 0), np.uint8) if strip.confidence is None else strip.confidence
    for begin in range(0, strip.height, ROWS_AT_ONCE):
        rows = slice(begin, begin + ROWS_AT_ONCE)
        yield strip.classes[rows], area[rows], confidence[rows]


def _trace(
    state: State, rows: Rows, traced: npt.NDArray[np.bool_], transform: Affine6, has_confidence: bool
) -> tuple[State, list[PolygonBatch]]:
    """Trace some rows; returns the state after them and the polygons that they completed."""
    from fctl_geo.polygons.chains import grow, trace_rows
    from fctl_geo.polygons.wkb import write_done

    batches = []
    done, height = 0, max(rows[0].shape[0], 1)
    while done < height:
        state = grow(state)
        done = trace_rows(state, *rows, traced, done, False)
        written = write_done(state, np.array(transform, np.float64))
        if written[2].size:
            batches.append(_batch(written, has_confidence))
    return state, batches


def _batch(written: tuple[Any, ...], has_confidence: bool) -> PolygonBatch:
    wkb, offsets, class_id, pixels, area, confidence_sum, first_pixel = written
    mean = confidence_sum / pixels if has_confidence else np.full(pixels.shape, np.nan)
    return PolygonBatch(wkb, offsets, class_id, pixels, area, mean.astype(np.float32), first_pixel)
