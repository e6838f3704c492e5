"""Confusion counts and what is read off them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fctl_geo.training.sources import IGNORE, AllowedTable


class Confusion:
    """Counts of (truth, guess) over pixels with a full label."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), np.int64)
        """Rows: truth; columns: guess."""

    def add(self, guess: NDArray[np.integer], label: NDArray[np.uint8], table: AllowedTable) -> None:
        """Count a window; partial and missing labels are left out."""
        truth_of = np.full(256, IGNORE, np.int64)
        for i, row in enumerate(table.rows):
            if len(row) == 1:
                truth_of[i] = row[0]
        self.add_classes(guess, truth_of[label])

    def add_classes(self, guess: NDArray[np.integer], truth: NDArray[np.integer]) -> None:
        """Count a window of class ids; ids outside the classes are left out."""
        n = len(self.counts)
        known = (truth < n) & (guess < n)
        pairs = truth[known].astype(np.int64) * n + guess[known]
        self.counts += np.bincount(pairs, minlength=n * n).reshape(n, n)

    def iou(self, names: list[str]) -> dict[str, float]:
        """IoU of every class that occurs in truth or guess, and their mean over the classes in the truth as 'mIoU'."""
        both = np.diag(self.counts).astype(float)
        either = self.counts.sum(0) + self.counts.sum(1) - both
        values = {n: b / e for n, b, e in zip(names, both, either, strict=True) if e > 0}
        present = [n for n, t in zip(names, self.counts.sum(1), strict=True) if t > 0]
        return {**values, "mIoU": float(np.mean([values[n] for n in present])) if present else float("nan")}
