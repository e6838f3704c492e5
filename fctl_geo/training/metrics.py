"""Confusion counts and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.training.sources import IGNORE, AllowedTable


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is found; NaN where it is neither in the truth nor in the guess."""

    name: str
    iou: float
    f1: float
    precision: float
    recall: float
    pixels: int
    """Of it in the truth."""


class Confusion:
    """Counts of (truth, guess) over pixels with a full label."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), np.int64)
        """Rows: truth; columns: guess."""

    def add(self, guess: NDArray[np.integer], label: NDArray[np.uint8], table: AllowedTable) -> None:
        """Count a window; partial and missing labels are left out."""
        self.add_classes(guess, truth_of_rows(table)[label])

    def add_classes(self, guess: NDArray[np.integer], truth: NDArray[np.integer]) -> None:
        """Count a window of class indices; indices outside the classes are left out."""
        n = len(self.counts)
        known = (truth < n) & (guess < n)
        pairs = truth[known].astype(np.int64) * n + guess[known]
        self.counts += np.bincount(pairs, minlength=n * n).reshape(n, n)

    def iou(self, names: list[str]) -> dict[str, float]:
        """IoU of every class that occurs in truth or guess, and their mean over the classes in the truth as 'mIoU'."""
        values = {s.name: s.iou for s in self.scores(names) if not np.isnan(s.iou)}
        return {**values, "mIoU": self.mean_iou}

    def scores(self, names: list[str]) -> list[ClassScore]:
        """All that is said of each class."""
        both = np.diag(self.counts).astype(float)
        true, guessed = self.counts.sum(1), self.counts.sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = zip(
                names, both / (true + guessed - both), 2 * both / (true + guessed), both / guessed, both / true, true,
                strict=True,
            )  # fmt: skip
            return [ClassScore(n, float(i), float(f), float(p), float(r), int(t)) for n, i, f, p, r, t in parts]

    @property
    def mean_iou(self) -> float:
        """Over the classes that occur in the truth."""
        true = self.counts.sum(1)
        both = np.diag(self.counts)
        present = true > 0
        either = (true + self.counts.sum(0) - both)[present]
        return float(np.mean(both[present] / either)) if present.any() else float("nan")

    @property
    def mean_f1(self) -> float:
        """Over the classes that occur in the truth."""
        true, both = self.counts.sum(1), np.diag(self.counts)
        present = true > 0
        both_sides = (true + self.counts.sum(0))[present]
        return float(np.mean(2 * both[present] / both_sides)) if present.any() else float("nan")

    @property
    def accuracy(self) -> float:
        """Share of the judged pixels that are right."""
        total = self.counts.sum()
        return float(np.diag(self.counts).sum() / total) if total else float("nan")


def truth_of_rows(table: AllowedTable) -> NDArray[np.uint8]:
    """(256,) class index of each label row that allows one class; IGNORE for the others."""
    truth = np.full(256, IGNORE, np.uint8)
    for i, row in enumerate(table.rows):
        if len(row) == 1:
            truth[i] = row[0]
    return truth
