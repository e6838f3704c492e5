"""Where patches lie along one side of a scene."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache

from fctl_geo.spec import Layout


@dataclass(frozen=True, slots=True)
class PatchAxis:
    """Patches of one size along a side of `size_px`; each overlaps the next.

    strided: patch k starts at k * stride - overlap / 2, so the outermost patches extend beyond the scene. Example:
    patch 8, overlap 2: -1, 5, 11, ... fitted: the fewest patches that overlap by at least `overlap_px`, evenly spaced
    from the first pixel to the last, halves rounded to even (the released evaluator). Example: 2,448 px, patch 508,
    overlap 50: 0, 388, 776, 1164, 1552, 1940. A side shorter than a patch has a single patch, centered on it.
    """

    size_px: int
    patch_px: int
    overlap_px: int
    layout: Layout = "strided"
    mirrored: bool = False
    """Place the patches where those of the mirrored side would be: rounding shifts some of them by a pixel."""

    @property
    def count(self) -> int:
        if self.layout == "strided":
            return math.ceil(self.size_px / self.stride_px)
        return len(self._starts)

    @property
    def stride_px(self) -> int:
        """Largest distance between the starts of consecutive patches."""
        return self.patch_px - self.overlap_px

    def start(self, k: int) -> int:
        """First pixel of patch k."""
        return k * self.stride_px - self.overlap_px // 2 if self.layout == "strided" else self._starts[k]

    def overlaps(self, k: int) -> tuple[int, int]:
        """Pixels of patch k shared with the previous and with the next patch."""
        if self.layout == "strided":
            return self.overlap_px, self.overlap_px
        before = self.start(k - 1) + self.patch_px - self.start(k) if k > 0 else 0
        after = self.start(k) + self.patch_px - self.start(k + 1) if k < self.count - 1 else 0
        return before, after

    def core(self, k: int) -> tuple[int, int]:
        """The pixels from the middle of one overlap to that of the next: each pixel is in exactly one core."""
        before, after = self.overlaps(k)
        begin, end = self.start(k) + before // 2, self.start(k) + self.patch_px - after + after // 2
        return max(0, begin), min(self.size_px, end)

    def touching(self, begin: int, end: int) -> range:
        """The patches that cover any pixel of [begin, end); for fitted layouts, seen from either end."""
        if self.layout == "strided":
            first = (begin + self.overlap_px // 2 - self.patch_px) // self.stride_px + 1
            last = (end - 1 + self.overlap_px // 2) // self.stride_px
            return range(max(0, first), min(self.count - 1, last) + 1)
        first = bisect_right(self._starts, begin - self.patch_px - 1)
        return range(first, bisect_left(self._starts, end + 1))

    def mirror(self) -> PatchAxis:
        """The axis seen from its other end; this axis itself if the patches coincide."""
        other = replace(self, mirrored=not self.mirrored)
        return self if self.layout == "strided" or other._starts == self._starts else other

    @property
    def _starts(self) -> tuple[int, ...]:
        starts = _fitted_starts(self.size_px, self.patch_px, self.overlap_px)
        if not self.mirrored:
            return starts
        return tuple(self.size_px - self.patch_px - start for start in reversed(starts))


@lru_cache(maxsize=64)
def _fitted_starts(size_px: int, patch_px: int, overlap_px: int) -> tuple[int, ...]:
    """First pixels of evenly spaced patches, with the released code's arithmetic: 1,017 px -> 0, 254, 509."""
    free = size_px - patch_px
    if free <= 0:
        return (free // 2,)
    count = math.ceil(size_px / patch_px)
    while patch_px - free / (count - 1) < overlap_px:
        count += 1
    step = free / (count - 1)
    return (*(round(k * step) for k in range(count - 1)), free)
