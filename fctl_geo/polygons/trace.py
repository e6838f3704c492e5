"""From class raster to polygons as the raster streams by (the same polygons as GDAL's Polygonize, 4-connected)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.batch import PolygonBatch
from fctl_geo.polygons.pixel_numbers import pixel_numbers
from fctl_geo.polygons.strip import Strip, check_strips
from fctl_geo.settings import MAX_VERTICES
from fctl_geo.windows.frame import Affine6

if TYPE_CHECKING:
    from fctl_geo.polygons.objects import Outlines
    from fctl_geo.polygons.room import ObjectRoom

__all__ = ["CutRegions", "PolygonBatch", "Strip", "trace_polygons"]

ROWS_AT_ONCE = 256
"""Finished polygons are handed on at least every this many rows."""


@dataclass(slots=True)
class CutRegions:
    """Which polygons are parts of one region: filled by the tracer, complete at the end of the raster."""

    object_ids: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(G,) the object_id of each group g; the same for groups that met."""
    parts: int = 0
    """Number of polygons that are parts of a region."""

    @property
    def count(self) -> int:
        """Number of regions that were cut."""
        return len(np.unique(self.object_ids))

    def resolve(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The final object_ids for the tracer's preliminary ones, where -1 - g stands for group g."""
        if not len(self.object_ids):
            return ids
        return np.where(ids < 0, self.object_ids[np.maximum(-1 - ids, 0)], ids)


def trace_polygons(
    strips: Iterable[Strip],
    *,
    width: int,
    transform: Affine6,
    skip: frozenset[int] = frozenset({255}),
    simplify_px: float = 0.0,
    smooth: bool = False,
    kept: frozenset[int] = frozenset(),
    outlines: Outlines | None = None,
    max_vertices: int = MAX_VERTICES,
    cut: CutRegions | None = None,
) -> Iterator[PolygonBatch]:
    """Yield every 4-connected region of one class as one polygon, holes included, as soon as it is complete.

    If the strips have objects, a region is 4-connected pixels of one object.
    Memory holds one row, the boundaries of the regions that are still open, and the polygons of the current batch.
    Regions of more than `max_vertices` vertices are cut along rows that are multiples of 16 (see `cut`).

    Args:
        strips: the raster from top to bottom, in strips of any height.
        width: columns of the raster.
        transform: from pixel corners to map coordinates.
        skip: classes that get no polygons.
        simplify_px: no border moves farther than this, in rows or columns; at most 4; 0 keeps the pixel edges.
            Neighbors keep their shared borders, see `simplify`. Pixels and confidence are those of the raster.
        smooth: round the corners of borders, see `smooth`; no border moves farther than the tolerance or 2 pixels.
        kept: classes whose borders are not smoothed.
        outlines: draws the outlines of objects in its own way (the room `square`); needs a tolerance.
        max_vertices: limit for open regions; with its last rows and closing edges a polygon may have a few more.
        cut: filled with what is known about the regions that were cut.
    Yields:
        Batches of at least one polygon. Exterior rings run counterclockwise in map coordinates, holes clockwise.
    Raises:
        SettingsError: strips that do not match `width` or each other; a negative tolerance.
    Law: the heights of the strips change where batches end, but never a byte of a polygon or the order of polygons.
    The parts of a region add up to what it would be in one piece, and have the object_id it would have.
    """
    from fctl_geo.polygons.clearance import with_clearance  # load numba only when tracing
    from fctl_geo.polygons.simplify import MAX_TOLERANCE_PX
    from fctl_geo.polygons.smooth import LEAST_REACH_PX

    if not simplify_px >= 0:
        raise SettingsError(f"the tolerance is {simplify_px} px", hint="give 0 or more")
    assert simplify_px or not outlines, "outlines are redrawn within a tolerance"
    simplify_px = min(simplify_px, MAX_TOLERANCE_PX)
    tracer = _Tracer(width, transform, skip, simplify_px, smooth, kept, max_vertices, outlines)
    slices = _slices(check_strips(strips, width))
    room = None
    if outlines:
        slices, room = _with_one_background(slices, skip), _room(outlines)
    limit_px = ceil(2 * max(simplify_px, LEAST_REACH_PX if smooth else 0.0))
    for rows in with_clearance(slices, width, limit_px, room) if limit_px else _without_clearance(slices, width):
        yield from tracer.trace(*rows)
    if cut is not None:
        tracer.report_cuts(cut)


Rows = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.uint8]]


def _slices(strips: Iterable[Strip]) -> Iterator[Rows]:
    """Slices of the strips in the form the kernel expects: classes, objects, area and confidence, none of them None."""
    for strip in strips:
        area = np.ones((strip.height, 1)) if strip.area is None else strip.area
        # a width of 0 means that there are none
        objects = np.empty((strip.height, 0), np.int32) if strip.objects is None else strip.objects
        confidence = np.empty((strip.height, 0), np.uint8) if strip.confidence is None else strip.confidence
        for begin in range(0, strip.height, ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            yield strip.classes[rows], objects[rows], area[rows], confidence[rows]


def _with_one_background(slices: Iterator[Rows], skip: frozenset[int]) -> Iterator[Rows]:
    """Make all classes that get no polygons one, so that borders between them do not hold up outlines."""
    table = np.arange(256, dtype=np.uint8)
    table[list(skip)] = min(skip, default=0)
    for classes, objects, area, confidence in slices:
        yield table[classes], objects, area, confidence


def _room(outlines: Outlines) -> ObjectRoom:
    from fctl_geo.polygons.room import ObjectRoom
    from fctl_geo.polygons.sides import MAX_ROOM_PX

    table = np.arange(256, dtype=np.uint8)
    table[list(outlines.classes)] = min(outlines.classes)
    return ObjectRoom(table, min(ceil(2 * outlines.room_px), MAX_ROOM_PX))


def _without_clearance(slices: Iterator[Rows], width: int) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Output in the same form as `with_clearance`, for tracing pixel edges as they are."""
    for rows in slices:
        yield *rows, np.empty((rows[0].shape[0], 0), np.uint16)
    classes, objects = np.empty((0, width), np.uint8), np.empty((0, 0), np.int32)
    yield classes, objects, np.empty((0, 1)), np.empty((0, 0), np.uint8), np.empty((1, 0), np.uint16)


class _Tracer:
    """The kernel's state between slices."""

    def __init__(
        self,
        width: int,
        transform: Affine6,
        skip: frozenset[int],
        tolerance_px: float,
        smooth: bool,
        kept: frozenset[int],
        max_vertices: int,
        outlines: Outlines | None,
    ) -> None:
        from fctl_geo.polygons.smooth import UNIT
        from fctl_geo.polygons.state import new_state

        self._tolerance_px, self._smooth = tolerance_px, smooth
        self._redrawing = tolerance_px > 0 or smooth
        self._state = new_state(width)
        self._numbers, self._max_vertices = pixel_numbers(transform), max_vertices
        self._grid = UNIT if self._redrawing else 1  # redrawn rings are in fractions of a pixel
        self._transform = np.array(transform, np.float64)
        self._squared = np.zeros(256, np.bool_)
        self._kept = np.isin(np.arange(256), list(kept))
        self._outlines = outlines
        if outlines:
            self._squared[list(outlines.classes)] = True
        self._transform[[0, 1, 3, 4]] /= self._grid
        self._parts = 0
        self._traced = np.array([class_id not in skip for class_id in range(256)])
        self._squared &= self._traced
        self._has_confidence = False

    def trace(
        self,
        classes: npt.NDArray[np.uint8],
        objects: npt.NDArray[np.int32],
        area: npt.NDArray[np.float64],
        confidence: npt.NDArray[np.uint8],
        clear: npt.NDArray[np.uint8],
    ) -> Iterator[PolygonBatch]:
        """Trace some rows (none: the raster ends) and yield the polygons that they complete."""
        from fctl_geo.polygons.chains import trace_rows
        from fctl_geo.polygons.state import closing_nodes, grow

        self._has_confidence |= confidence.shape[1] > 0
        done, steps = 0, max(classes.shape[0], 1)
        while done < steps:
            self._state = grow(self._state)
            done = trace_rows(
                self._state,
                classes,
                objects,
                area,
                confidence,
                clear,
                self._traced,
                self._squared,
                self._kept,
                self._max_vertices,
                done,
            )
            if self._redrawing:
                from fctl_geo.polygons.simplify import MOST_GROWTH, simplify_closed

                if self._smooth:
                    self._state = grow(self._state, (MOST_GROWTH - 1) * closing_nodes(self._state))
                simplify_closed(self._state, self._squared, self._tolerance_px, self._smooth)
            batch = self._redrawn(self._outlines) if self._outlines else self._written()
            if len(batch):
                yield batch

    def _written(self) -> PolygonBatch:
        from fctl_geo.polygons.wkb import write_done

        return self._batch(*write_done(self._state, self._transform, self._grid))

    def _redrawn(self, outlines: Outlines) -> PolygonBatch:
        from fctl_geo.polygons.objects import take_objects

        taken = take_objects(self._state, self._squared)
        return outlines.redraw(self._written(), taken)

    def _batch(
        self,
        wkb: npt.NDArray[np.uint8],
        offsets: npt.NDArray[np.int64],
        class_id: npt.NDArray[np.uint8],
        pixels: npt.NDArray[np.int64],
        area: npt.NDArray[np.float64],
        confidence_sum: npt.NDArray[np.int64],
        least: npt.NDArray[np.uint8],
        first: npt.NDArray[np.int64],
        group: npt.NDArray[np.int64],
    ) -> PolygonBatch:
        mean, least_of_all = confidence_sum / pixels, least.astype(np.float32)
        if not self._has_confidence:
            mean[:] = least_of_all[:] = np.nan
        is_part = group >= 0
        self._parts += int(is_part.sum())
        object_id = np.where(is_part, -1 - group, self._number(first))
        count = len(class_id)
        return PolygonBatch(
            wkb, offsets, class_id, pixels, area, mean.astype(np.float32), least_of_all, object_id,
            np.zeros(count, np.uint8), np.full(count, np.nan, np.float32),
        )  # fmt: skip

    def _number(self, pixel: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The numbers of pixels given as row << 32 | column."""
        return self._numbers.of(pixel >> 32, pixel & 0xFFFFFFFF)

    def report_cuts(self, cut: CutRegions) -> None:
        """Fill in what is known about the regions that were cut, once all rows are traced."""
        from fctl_geo.polygons.state import GROUPS

        groups = slice(0, int(self._state.scalar[GROUPS]))
        parent = self._state.group_parent[groups]
        root = np.arange(groups.stop, dtype=parent.dtype)
        while (parent[root] != root).any():
            root = parent[root]
        cut.object_ids, cut.parts = self._number(self._state.group_first[root]), self._parts
