"""Boundaries as segments, points along them, and the nearest point of another boundary for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from fctl_geo.system.kernels import kernel

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Shapes = NDArray[np.object_]

_CHUNK = 32
"""Segments that share a bounding box, by which most of a long boundary is skipped."""


@dataclass(frozen=True, slots=True)
class Points:
    """Some points for each of several objects."""

    xy: Floats
    """(P, 2)."""
    starts: Indices
    """(N + 1,) where the points of each object start, and the last ones end."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The boundaries of polygons, holes included, as segments; those without length are left out."""

    segments: Floats
    """(S, 4) x0, y0, x1, y1."""
    starts: Indices
    """(N + 1,) where the segments of each object start, and the last ones end."""

    @staticmethod
    def of(shapes: Shapes) -> Boundaries:
        """The boundaries of (N,) polygons or multipolygons."""
        parts, owner = shapely.get_parts(shapes, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        real = (ring[1:] == ring[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
        segments = np.hstack([xy[:-1], xy[1:]])[real]
        counts = np.bincount(owner[part[ring[:-1][real]]], minlength=len(shapes))
        return Boundaries(segments, _starts(counts))

    def along(self, shares: Sequence[float] | Floats) -> Points:
        """Points at some shares of the length of every segment; at 0: each vertex once."""
        at = np.array(shares)[None, :, None]
        xy = self.segments[:, None, :2] * (1 - at) + self.segments[:, None, 2:] * at
        return Points(xy.reshape(-1, 2), self.starts * len(shares))

    def spread(self, count: int) -> Points:
        """`count` points for each object, at equal distances along all of its rings."""
        x0, y0, x1, y1 = self.segments.T
        ends = np.concatenate([[0.0], np.cumsum(np.hypot(x1 - x0, y1 - y0))])
        begin, end = ends[self.starts[:-1], None], ends[self.starts[1:], None]
        at = (begin + (np.arange(count) + 0.5) / count * (end - begin)).ravel()
        first, last = np.repeat(self.starts[:-1], count), np.repeat(self.starts[1:] - 1, count)
        on = np.clip(np.searchsorted(ends, at, side="right") - 1, first, last)
        share = ((at - ends[on]) / (ends[on + 1] - ends[on]))[:, None]
        xy = self.segments[on, :2] * (1 - share) + self.segments[on, 2:] * share
        return Points(xy, np.arange(len(self.starts)) * count)


def nearest(points: Points, boundaries: Boundaries) -> tuple[Floats, Floats]:
    """The nearest point of each object's boundary for each of its points.

    Returns:
        (P,) distance, and (P, 2) the nearest point.
    """
    feet = np.empty_like(points.xy)
    square = np.empty(len(points.xy))
    _nearest(points.xy, points.starts, boundaries.segments, boundaries.starts, square, feet)
    return np.sqrt(square), feet


def _starts(counts: NDArray[np.integer]) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@kernel
def _nearest(xy, xy_starts, segments, segment_starts, square, feet):  # type: ignore[no-untyped-def]
    for n in range(len(xy_starts) - 1):
        first, end = segment_starts[n], segment_starts[n + 1]
        chunks = (end - first + _CHUNK - 1) // _CHUNK
        boxes = np.empty((chunks, 4))
        for c in range(chunks):
            part = segments[first + c * _CHUNK : min(end, first + (c + 1) * _CHUNK)]
            boxes[c, 0] = min(part[:, 0].min(), part[:, 2].min())
            boxes[c, 1] = min(part[:, 1].min(), part[:, 3].min())
            boxes[c, 2] = max(part[:, 0].max(), part[:, 2].max())
            boxes[c, 3] = max(part[:, 1].max(), part[:, 3].max())
        near = 0  # the next point is most likely near the same segments
        for k in range(xy_starts[n], xy_starts[n + 1]):
            x, y = xy[k]
            best = np.inf
            start = near
            for turn in range(chunks):
                c = (start + turn) % chunks
                dx = max(boxes[c, 0] - x, 0.0, x - boxes[c, 2])
                dy = max(boxes[c, 1] - y, 0.0, y - boxes[c, 3])
                if dx * dx + dy * dy >= best:
                    continue
                for s in range(first + c * _CHUNK, min(end, first + (c + 1) * _CHUNK)):
                    x0, y0, x1, y1 = segments[s]
                    ax, ay = x1 - x0, y1 - y0
                    t = ((x - x0) * ax + (y - y0) * ay) / (ax * ax + ay * ay)
                    t = min(1.0, max(0.0, t))
                    px, py = x0 + t * ax, y0 + t * ay
                    d = (x - px) ** 2 + (y - py) ** 2
                    if d < best:
                        best, near = d, c
                        feet[k, 0], feet[k, 1] = px, py
            square[k] = best
