"""What is known about an edge of a boundary: two clearances, and what lies on its other side, packed into 16 bits.

Bits 0-6: the clearance of `clearance`; bit 7: a class of objects is on either side (`kept`), so that the edge is not to
be smoothed; bits 8-13: that of the group of objects (`room`); bits 14-15: FREE, WALL, FIXED.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.strip import CLASS_BITS
from fctl_geo.system.kernels import inner

FREE, WALL, FIXED = 0, 1, 2
"""For an edge of an object: beyond it is no polygon; another object; or a polygon of another class, the rest of an
object that was cut, or nothing because the raster ends."""
MAX_ROOM_PX = 63
KEPT = np.uint16(128)


@inner
def least(one, two):  # type: ignore[no-untyped-def]
    """The smaller of both clearances, of edges that have no sides yet."""
    return np.uint16(min(one & 255, two & 255) | (min(one >> 8, two >> 8) << 8))


@inner
def side_of(p, q, traced, squared, kept):  # type: ignore[no-untyped-def]
    """What an edge between pixels of the values p and q (-1: outside the raster) is to an object, in place."""
    one, two = p >= 0 and squared[p & CLASS_BITS], q >= 0 and squared[q & CLASS_BITS]
    side = FREE
    if one and two:
        side = FIXED if p == q else WALL
    elif one or two:
        other = q if one else p
        side = FIXED if other < 0 or traced[other & CLASS_BITS] else FREE
    keep = (p >= 0 and kept[p & CLASS_BITS]) or (q >= 0 and kept[q & CLASS_BITS])
    return np.uint16(side << 14) | (KEPT if keep else np.uint16(0))


@inner
def clearance_of(edge):  # type: ignore[no-untyped-def]
    """The edge's clearance, in pixels."""
    return edge & 127


@inner
def is_kept(edge):  # type: ignore[no-untyped-def]
    """Whether a class of objects is on either side."""
    return (edge & KEPT) != 0


@inner
def room_of(edge):  # type: ignore[no-untyped-def]
    """The clearance of the group around the edge, in pixels."""
    return (edge >> 8) & 63


@inner
def side_in(edge):  # type: ignore[no-untyped-def]
    """FREE, WALL or FIXED."""
    return edge >> 14
