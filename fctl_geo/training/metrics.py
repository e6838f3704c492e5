"""Confusion counts and the metrics computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.training.sources import IGNORE, AllowedTable


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is found; NaN if it is neither in the truth nor in the prediction."""

    name: str
    iou: float
    f1: float
    precision: float
    recall: float
    pixels: int
    """Pixels of the class in the truth."""


class Confusion:
    """Counts of (truth, prediction) over pixels with a full label, and of what partial labels rule out or allow."""

    def __init__(self, classes: int) -> None:
        self.counts = np.zeros((classes, classes), np.int64)
        """Rows: truth; columns: prediction."""
        self.ruled_out = np.zeros(classes, np.int64)
        """Pixels predicted as a class that their partial label ('not road') does not allow."""
        self.allowed = 0
        """Pixels whose prediction their partial label allows."""

    def add(self, guess: NDArray[np.integer], label: NDArray[np.uint8], table: AllowedTable) -> None:
        """Count a window of rows of the allowed table; missing labels are left out."""
        self.add_classes(guess, truth_of_rows(table)[label])
        self.add_partial(guess, label, {i: row for i, row in enumerate(table.rows) if len(row) > 1})

    def add_classes(self, guess: NDArray[np.integer], truth: NDArray[np.integer]) -> None:
        """Count a window of class indices; indices outside the classes are left out."""
        n = len(self.counts)
        known = (truth < n) & (guess < n)
        pairs = truth[known].astype(np.int64) * n + guess[known]
        self.counts += np.bincount(pairs, minlength=n * n).reshape(n, n)

    def add_partial(
        self, guess: NDArray[np.integer], label: NDArray[np.integer], allowed: Mapping[int, Sequence[int]]
    ) -> None:
        """Count the pixels of a window whose label allows several classes; `allowed` has their indices by label."""
        n = len(self.counts)
        for value, classes in allowed.items():
            guessed = np.bincount(guess[(label == value) & (guess < n)], minlength=n)
            self.allowed += int(guessed[list(classes)].sum())
            guessed[list(classes)] = 0
            self.ruled_out += guessed

    def copy(self) -> Confusion:
        same = Confusion(len(self.counts))
        same.counts, same.ruled_out, same.allowed = self.counts.copy(), self.ruled_out.copy(), self.allowed
        return same

    def __sub__(self, earlier: Confusion) -> Confusion:
        """The counts since an earlier state."""
        since = Confusion(len(self.counts))
        since.counts, since.ruled_out = self.counts - earlier.counts, self.ruled_out - earlier.ruled_out
        since.allowed = self.allowed - earlier.allowed
        return since

    def iou(self, names: list[str]) -> dict[str, float]:
        """IoU of every class in truth or prediction, and their mean over the classes in the truth as 'mIoU'."""
        values = {s.name: s.iou for s in self.scores(names) if not np.isnan(s.iou)}
        return {**values, "mIoU": self.mean_iou}

    def scores(self, names: list[str]) -> list[ClassScore]:
        """The metrics of each class."""
        both, true, guessed = self._sums()
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = zip(
                names, both / (true + guessed - both), 2 * both / (true + guessed), both / guessed, both / true, true,
                strict=True,
            )  # fmt: skip
            return [ClassScore(n, float(i), float(f), float(p), float(r), int(t)) for n, i, f, p, r, t in parts]

    def _sums(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Pixels that are correct, in the truth, and in the prediction, by class."""
        return np.diag(self.counts).astype(float), self.counts.sum(1), self.counts.sum(0) + self.ruled_out

    @property
    def judged(self) -> int:
        """Number of scored pixels."""
        return int(self.counts.sum() + self.ruled_out.sum()) + self.allowed

    @property
    def mean_iou(self) -> float:
        """Over the classes that occur in the truth."""
        both, true, guessed = self._sums()
        present = true > 0
        either = (true + guessed - both)[present]
        return float(np.mean(both[present] / either)) if present.any() else float("nan")

    @property
    def mean_f1(self) -> float:
        """Over the classes that occur in the truth."""
        both, true, guessed = self._sums()
        present = true > 0
        both_sides = (true + guessed)[present]
        return float(np.mean(2 * both[present] / both_sides)) if present.any() else float("nan")

    @property
    def accuracy(self) -> float:
        """Share of the scored pixels that are correct or allowed by their partial label."""
        return float((np.diag(self.counts).sum() + self.allowed) / self.judged) if self.judged else float("nan")


def truth_of_rows(table: AllowedTable) -> NDArray[np.uint8]:
    """(256,) class index of each label row that allows one class; IGNORE for the others."""
    truth = np.full(256, IGNORE, np.uint8)
    for i, row in enumerate(table.rows):
        if len(row) == 1:
            truth[i] = row[0]
    return truth
