"""Objects wait until all objects that they touch, and those that these touch, are complete; then they are squared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.batch import PolygonBatch, join_batches
from fctl_geo.polygons.cut import OPEN_POLYGONS
from fctl_geo.windows.frame import Affine6

if TYPE_CHECKING:
    from fctl_geo.polygons.objects import Taken


@dataclass(slots=True)
class _Object:
    """One completed object."""

    order: int
    """Objects are numbered as they are completed."""
    row: PolygonBatch
    """Its polygon, but without geometry."""
    area: float
    """Sum over its pixels."""
    is_part: bool
    ring_ends: npt.NDArray[np.int64]
    corners: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]
    reach: npt.NDArray[np.uint16]


@dataclass(slots=True)
class _Group:
    """Objects that touch each other."""

    number: int
    """That of its first object."""
    objects: list[_Object]
    vertices: int
    open_walls: int = 0
    """Walls to objects that are not yet complete."""
    given_up: bool = False
    """It became too large: its objects are no longer held."""
    joined: _Group | None = None
    """The group to which its objects have moved."""


class Squarer:
    """Squares the objects among the polygons that pass through (`polygons.objects.Outlines`).

    Args:
        classes: those of objects.
        transform: (6,) from pixel corners to the map.
        tolerance_px: how far outlines may move, see `group`; at most 9.
        mode: 90, 45, or 0 for any direction.
        max_vertices: groups with more vertices are not squared, nor the largest ones where all groups that wait have
            more than `OPEN_POLYGONS` times as many.
    """

    def __init__(
        self, classes: frozenset[int], transform: Affine6, tolerance_px: float, mode: int, max_vertices: int
    ) -> None:
        from fctl_geo.polygons.sides import MAX_ROOM_PX
        from fctl_geo.square.band import MOST_MOVED
        from fctl_geo.square.outline import FINE

        self.classes = classes
        tolerance_px = min(float(tolerance_px), MAX_ROOM_PX / (2 * MOST_MOVED))
        self.room_px = MOST_MOVED * tolerance_px
        self._transform = np.array(transform, np.float64)
        self._transform[[0, 1, 3, 4]] /= FINE
        self._doubled = 2 * FINE * FINE
        self._tolerance_px, self._mode, self._max_vertices = tolerance_px, mode, max_vertices
        self._behind: dict[int, _Group] = {}
        """By wall: the group that waits for the object behind it."""
        self._waiting: dict[int, _Group] = {}
        """The groups that hold objects, by number."""
        self._held = self._count = 0

    def redraw(self, batch: PolygonBatch, taken: Taken) -> PolygonBatch:
        """Replace objects by the groups that they complete; everything else keeps its place."""
        if not len(taken.row):
            return batch
        pieces, start = [], 0
        for k, row in enumerate(taken.row.tolist()):
            pieces.append(batch.part(start, row))
            pieces += self._add(self._object(batch.part(row, row + 1), taken, k))
            start = row + 1
        pieces.append(batch.part(start, len(batch)))
        return join_batches(pieces)

    def _object(self, row: PolygonBatch, taken: Taken, k: int) -> _Object:
        first, last = int(taken.rings[k]), int(taken.rings[k + 1])
        begin = int(taken.ring_ends[first - 1]) if first else 0
        part = slice(begin, int(taken.ring_ends[last - 1]))
        self._count += 1
        ends = taken.ring_ends[first:last] - begin
        values = (taken.corners[part], taken.flags[part], taken.reach[part])
        return _Object(self._count, row, float(taken.area[k]), bool(taken.is_part[k]), ends, *values)

    def _add(self, one: _Object) -> list[PolygonBatch]:
        """Add an object to its group; the polygons that this completes."""
        from fctl_geo.square.arcs import wall_keys

        group = _Group(one.order, [one], len(one.corners))
        self._waiting[group.number] = group
        self._held += group.vertices
        for key in wall_keys(one.corners, one.flags, one.reach, one.ring_ends).tolist():
            other = self._behind.pop(key, None)
            if other is None:
                self._behind[key] = group
                group.open_walls += 1
            else:
                other = _root(other)
                other.open_walls -= 1
                group = self._join(other, group)
        done = self._release(group) if group.open_walls == 0 or group.given_up else []
        if group.vertices > self._max_vertices:
            done += self._give_up(group)
        while self._held > OPEN_POLYGONS * self._max_vertices:
            done += self._give_up(max(self._waiting.values(), key=lambda group: (group.vertices, -group.number)))
        return done

    def _join(self, one: _Group, two: _Group) -> _Group:
        if one is two:
            return one
        if one.number > two.number:
            one, two = two, one
        one.objects += two.objects
        one.vertices += two.vertices
        one.open_walls += two.open_walls
        one.given_up |= two.given_up
        two.joined = one
        self._waiting.pop(two.number, None)
        if one.objects:
            self._waiting[one.number] = one
        two.objects = []
        return one

    def _give_up(self, group: _Group) -> list[PolygonBatch]:
        group.given_up = True
        return self._release(group)

    def _release(self, group: _Group) -> list[PolygonBatch]:
        """Square the objects that a group holds, or, if it was given up, write them as they were simplified."""
        from fctl_geo.polygons.wkb import write_rings
        from fctl_geo.square.group import Rings, square_group
        from fctl_geo.square.outcomes import CUT, LARGE, PLAIN

        members = sorted(group.objects, key=lambda one: one.order)
        self._held -= group.vertices
        self._waiting.pop(group.number, None)
        group.objects, group.vertices = [], 0
        if not members:
            return []
        joined = join_batches([one.row for one in members])
        ring_counts = [len(one.ring_ends) for one in members]
        region = np.repeat(np.arange(len(members)), ring_counts)
        starts = np.cumsum([0] + [len(one.corners) for one in members])
        ends = np.concatenate([one.ring_ends + start for one, start in zip(members, starts[:-1], strict=True)])
        why = np.array([LARGE if group.given_up else CUT if one.is_part else PLAIN for one in members])
        corners, flags = (np.concatenate([getattr(one, name) for one in members]) for name in ("corners", "flags"))
        reach = np.concatenate([one.reach for one in members])
        rings, outcome, iou = square_group(
            Rings(corners, flags, ends, region), reach, why, self._tolerance_px, self._mode
        )
        wkb, offsets, doubled = write_rings(*rings, self._transform)
        area = np.array([one.area for one in members]) * (doubled / (self._doubled * joined.pixels))
        joined = replace(joined, wkb=wkb, offsets=offsets, area_m2=area)
        return [replace(joined, outline=outcome.astype(np.uint8), outline_iou=iou.astype(np.float32))]


def _root(group: _Group) -> _Group:
    while group.joined is not None:
        group = group.joined
    return group
