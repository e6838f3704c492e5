"""How many objects (buildings) are found in rasters: regions, or numbered pixels, counted band by band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fctl_geo.assess.matching import ObjectScore, Overlaps, match_objects, score_objects
from fctl_geo.system.kernels import kernel


class ObjectMatcher:
    """Counts objects band by band; keeps some bytes per object and one row, never the whole image."""

    def __init__(self) -> None:
        self._sides = (_Labels(), _Labels())
        self._pairs: list[NDArray[np.int64]] = []
        self._counts: list[NDArray[np.int64]] = []

    def start(self) -> None:
        """Start another image: nothing above touches the next band, and its numbers mean other objects."""
        for labels in self._sides:
            labels.start()

    def add(self, guess: NDArray[np.generic], truth: NDArray[np.generic]) -> None:
        """Add the next rows of prediction and truth, at full width.

        Args:
            guess, truth: (h, w) bool masks, whose 4-connected regions are objects, or int64 numbers of objects
                (0: none). The same kind for all bands of an image.
        """
        found, true = (labels.add(part) for labels, part in zip(self._sides, (guess, truth), strict=True))
        both = (found > 0) & (true > 0)
        pairs, counts = np.unique(true[both].astype(np.int64) << 32 | found[both], return_counts=True)
        self._pairs.append(pairs)
        self._counts.append(counts)

    def score(self) -> ObjectScore:
        """All objects so far."""
        found, true = self._sides
        if not self._pairs:
            return ObjectScore(0, 0, 0)
        pairs, counts = np.concatenate(self._pairs), np.concatenate(self._counts)
        roots = true.roots()[pairs >> 32] << 32 | found.roots()[pairs & 0xFFFFFFFF]
        unique, index = np.unique(roots, return_inverse=True)
        both = np.bincount(index, weights=counts, minlength=len(unique))
        areas_true, areas_found = true.areas(), found.areas()
        overlaps = Overlaps(
            unique >> 32, unique & 0xFFFFFFFF, both.astype(float), areas_true.astype(float), areas_found.astype(float)
        )
        return score_objects(match_objects(overlaps), areas_true > 0, areas_found > 0)


class _Labels:
    """Labels of objects, row by row: given numbers, or 4-connected regions, joined when they turn out to be one."""

    def __init__(self) -> None:
        self._parent = np.zeros(1, np.int64)
        self._area = np.zeros(1, np.int64)
        self._count = 1  # label 0: nothing
        self._above: NDArray[np.int64] | None = None
        self._label_of: dict[int, int] = {}

    def start(self) -> None:
        self._above = None
        self._label_of = {}

    def add(self, rows: NDArray[np.generic]) -> NDArray[np.int64]:
        return self._add_regions(rows) if rows.dtype == np.bool_ else self._add_numbered(rows)

    def _add_numbered(self, numbers: NDArray[np.generic]) -> NDArray[np.int64]:
        unique, index, counts = np.unique(numbers, return_inverse=True, return_counts=True)
        labels = np.zeros(len(unique), np.int64)
        for k, number in enumerate(unique.tolist()):
            if number:
                labels[k] = self._label_of.setdefault(number, self._count)
                self._count = max(self._count, int(labels[k]) + 1)
        fresh = self._count - len(self._parent)
        self._parent = np.concatenate([self._parent, np.arange(len(self._parent), self._count)])
        self._area = np.concatenate([self._area, np.zeros(fresh, np.int64)])
        self._area[labels[labels > 0]] += counts[labels > 0]
        return labels[index].reshape(numbers.shape)

    def _add_regions(self, mask: NDArray[np.generic]) -> NDArray[np.int64]:
        height, width = mask.shape
        above = self._above if self._above is not None else np.zeros(width, np.int64)
        most = self._count + height * (width // 2 + 1)
        if len(self._parent) < most:
            grow = most - len(self._parent)
            self._parent = np.concatenate([self._parent, np.zeros(grow, np.int64)])
            self._area = np.concatenate([self._area, np.zeros(grow, np.int64)])
        labels = np.zeros(mask.shape, np.int64)
        self._count = _label_rows(mask, above, labels, self._parent, self._area, self._count)
        self._parent, self._area = self._parent[: self._count], self._area[: self._count]
        self._above = labels[-1].copy()
        return labels

    def roots(self) -> NDArray[np.int64]:
        """The final label of each provisional label."""
        parent = self._parent.copy()
        while True:
            up = parent[parent]
            if (up == parent).all():
                return parent
            parent = up

    def areas(self) -> NDArray[np.int64]:
        """Pixels by final label; 0 for labels that were merged into others."""
        return np.bincount(self.roots(), weights=self._area, minlength=self._count).astype(np.int64)


@kernel
def _label_rows(mask, above, labels, parent, area, count):  # type: ignore[no-untyped-def]
    height, width = mask.shape
    for i in range(height):
        for j in range(width):
            if not mask[i, j]:
                continue
            up = above[j] if i == 0 else labels[i - 1, j]
            left = labels[i, j - 1] if j > 0 else 0
            if up == 0 and left == 0:
                parent[count] = count
                labels[i, j] = count
                count += 1
            elif up and left and up != left:
                a, b = up, left
                while parent[a] != a:
                    a = parent[a]
                while parent[b] != b:
                    b = parent[b]
                low, high = min(a, b), max(a, b)
                parent[high] = low
                parent[up], parent[left] = low, low
                labels[i, j] = low
            else:
                labels[i, j] = up + left if up == 0 or left == 0 else up
            area[labels[i, j]] += 1
    return count
