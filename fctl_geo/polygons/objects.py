"""Completed objects leave the tracer with every corner of their rings, to be squared together with those they touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.state import DONE
from fctl_geo.polygons.wkb import take_ring
from fctl_geo.system.kernels import kernel

if TYPE_CHECKING:
    from fctl_geo.polygons.batch import PolygonBatch


class Taken(NamedTuple):
    """The objects among the regions completed since the last call; K of them with R rings and n vertices."""

    row: npt.NDArray[np.int64]
    """(K,) their positions among all regions completed since the last call."""
    area: npt.NDArray[np.float64]
    """(K,) sum over the pixels."""
    is_part: npt.NDArray[np.bool_]
    """(K,) whether it is a part of a region that was cut."""
    rings: npt.NDArray[np.int64]
    """(K + 1,) where the rings of each begin in ring_ends."""
    ring_ends: npt.NDArray[np.int64]
    """(R,) where each ring ends; the exterior comes first."""
    corners: npt.NDArray[np.int64]
    flags: npt.NDArray[np.uint8]
    reach: npt.NDArray[np.uint16]
    """(n,) as in the tracer's state."""


class Outlines(Protocol):
    """Whoever gives objects other outlines than the tracer would."""

    @property
    def classes(self) -> frozenset[int]:
        """Those of objects."""

    @property
    def room_px(self) -> float:
        """No outline moves farther than this."""

    def redraw(self, batch: PolygonBatch, taken: Taken) -> PolygonBatch:
        """Replace the objects in a batch, which have no geometry yet, by those whose outlines are final."""


@kernel
def take_objects(st, objects):  # type: ignore[no-untyped-def]
    """Take the rings of completed objects out of the state, so that they are written without any.

    Args:
        objects: (256,) bool, True for the classes of objects.
    """
    count = n_rings = total = 0
    for k in range(st.scalar[DONE]):
        if objects[st.done[k, 2]]:
            count += 1
            ring = st.done[k, 1]
            following = st.holes[st.done[k, 0], 0]
            while ring >= 0:
                n_rings, total = n_rings + 1, total + st.length[ring]
                ring = following
                following = st.other[ring] if ring >= 0 else -1
    row, area, is_part = np.empty(count, np.int64), np.empty(count, np.float64), np.empty(count, np.bool_)
    rings, ring_ends = np.zeros(count + 1, np.int64), np.empty(n_rings, np.int64)
    corners, flags, reach = np.empty(total, np.int64), np.empty(total, np.uint8), np.empty(total, np.uint16)
    count = n_rings = total = 0
    for k in range(st.scalar[DONE]):
        if not objects[st.done[k, 2]]:
            continue
        label = st.done[k, 0]
        row[count], area[count], is_part[count] = k, st.area[label], st.group[label] >= 0
        ring = st.done[k, 1]
        following = st.holes[label, 0]
        while ring >= 0:
            total += take_ring(st, ring, corners[total:], flags[total:], reach[total:])
            ring_ends[n_rings] = total
            n_rings += 1
            ring = following
            following = st.other[ring] if ring >= 0 else -1
        st.done[k, 1] = st.holes[label, 0] = -1
        count += 1
        rings[count] = n_rings
    return Taken(row, area, is_part, rings, ring_ends, corners, flags, reach)
