"""What the width of a neck means: how far cores grow, which rows that takes, and which objects are too small."""

from __future__ import annotations

from fctl_geo.settings import PolygonSettings

LEAST_NECK_PX = 2.0
"""Everything is as wide as a smaller neck, up to the rounding to whole pixels."""
MOST_NECK_PX = 256.0
"""The most that the counts of rows in `cores` hold."""
REACH_NECKS = 1.0
"""How far cores grow, in necks."""
LEAST_OBJECT = 2.0
"""Smaller objects are joined to others, in squares of a neck."""
STRAIGHT, DIAGONAL = 3, 4
"""What a step to the next pixel costs, see `growth`."""
ROWS_AT_ONCE, LEAST_TILE_PX = 256, 256
"""Rows and columns in which cores grow at once, at least."""


def least_object(settings: PolygonSettings) -> float:
    """The area below which an object is joined to another one (m2; px without a CRS)."""
    return max(settings.min_area_m2, LEAST_OBJECT * settings.neck_m**2)


def farthest(neck_px: float) -> int:
    """The highest cost of a way from a core to a pixel that belongs to it."""
    return round(STRAIGHT * REACH_NECKS * neck_px)


def halo_rows(neck_px: float) -> int:
    """Rows above and below a pixel that its number depends on, given the cores.

    Numbers are handed on from pixel to pixel. A straight step lowers the cost by 3; the detour around a corner lowers
    it by 2, or by 1 and then by 3: at least 2 a step on average. From a cost of C, s steps leave at most C - 2 s, and
    what a pixel of that cost depends on is at most (C - 2 s) / 3 rows away: s + (C - 2 s) / 3 is at most C / 2.
    """
    return farthest(neck_px) // 2 + 2


def window_rows(neck_px: float) -> int:
    """The most rows that are looked at together, if strips have no more rows than `ROWS_AT_ONCE`."""
    return 4 * halo_rows(min(neck_px, MOST_NECK_PX)) + 2 * ROWS_AT_ONCE
