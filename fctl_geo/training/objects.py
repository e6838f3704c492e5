"""How many objects (buildings) are found: connected regions of truth and guess, matched where their IoU is 0.5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.system.kernels import kernel


@dataclass(frozen=True, slots=True)
class ObjectScore:
    """Objects of one class."""

    truth: int
    found: int
    matched: int

    @property
    def f1(self) -> float:
        return 2 * self.matched / (self.truth + self.found) if self.truth + self.found else float("nan")

    @property
    def precision(self) -> float:
        return self.matched / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        return self.matched / self.truth if self.truth else float("nan")


class ObjectMatcher:
    """Counts objects while bands of rows stream by; keeps some bytes an object and one row, never the image."""

    def __init__(self, least_iou: float = 0.5) -> None:
        self.least_iou = least_iou
        self._labels = (_Labels(), _Labels())
        self._pairs: list[NDArray[np.int64]] = []
        self._counts: list[NDArray[np.int64]] = []

    def start(self) -> None:
        """The next band begins another image: nothing above touches it."""
        for labels in self._labels:
            labels.start()

    def add(self, guess: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
        """The next rows, full width, of the masks of guess and truth."""
        found, true = (labels.add(mask) for labels, mask in zip(self._labels, (guess, truth), strict=True))
        both = (found > 0) & (true > 0)
        pairs, counts = np.unique(true[both].astype(np.int64) << 32 | found[both], return_counts=True)
        self._pairs.append(pairs)
        self._counts.append(counts)

    def score(self) -> ObjectScore:
        """All objects so far."""
        found, true = self._labels
        if not self._pairs:
            return ObjectScore(0, 0, 0)
        pairs, counts = np.concatenate(self._pairs), np.concatenate(self._counts)
        roots = true.roots()[pairs >> 32] << 32 | found.roots()[pairs & 0xFFFFFFFF]
        unique, index = np.unique(roots, return_inverse=True)
        both = np.bincount(index, weights=counts, minlength=len(unique))
        areas_true, areas_found = true.areas(), found.areas()
        either = areas_true[unique >> 32] + areas_found[unique & 0xFFFFFFFF] - both
        good = both >= self.least_iou * either
        matched = min(len(np.unique(unique[good] >> 32)), len(np.unique(unique[good] & 0xFFFFFFFF)))
        return ObjectScore(int((areas_true > 0).sum()), int((areas_found > 0).sum()), matched)


class _Labels:
    """Labels of 4-connected regions, row by row; those that turn out to be one are joined (union-find)."""

    def __init__(self) -> None:
        self._parent = np.zeros(1, np.int64)
        self._area = np.zeros(1, np.int64)
        self._count = 1  # label 0: nothing
        self._above: NDArray[np.int64] | None = None

    def start(self) -> None:
        self._above = None

    def add(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
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
        """The lasting label of every label given."""
        parent = self._parent.copy()
        while True:
            up = parent[parent]
            if (up == parent).all():
                return parent
            parent = up

    def areas(self) -> NDArray[np.int64]:
        """Pixels by lasting label; 0 for labels that went up in others."""
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
