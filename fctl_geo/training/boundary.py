"""How accurate contours are: the boundary F-score of each class, and the IoU in a narrow band along them (trimap).

Csurka et al. 2013, What is a good evaluation measure for semantic segmentation?; Kohli et al. 2009 for the trimap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fctl_geo.training.metrics import Confusion


class BoundaryScore:
    """Counts of boundary pixels that match or do not, window by window."""

    def __init__(self, classes: int, tolerance_px: int) -> None:
        self.classes, self.tolerance_px = classes, tolerance_px
        self.trimap = Confusion(classes)
        """Of the pixels within the tolerance of a boundary of the truth."""
        self._met = np.zeros((classes, 2), np.int64)
        self._all = np.zeros((classes, 2), np.int64)

    @property
    def halo_px(self) -> int:
        """Number of pixels around a window that must be passed with it."""
        return self.tolerance_px + 1

    def add(self, guess: NDArray[np.uint8], truth: NDArray[np.uint8], core: tuple[slice, slice]) -> None:
        """Count the part `core` of a window of class indices.

        Args:
            guess, truth: (h, w), 255 = not scored (in both), with a halo around the core unless the scene ends there.
        """
        near_any = np.zeros(truth.shape, np.bool_)
        for index in np.union1d(np.unique(truth), np.unique(guess)):
            if index >= self.classes:
                continue
            edges = [_edges(a, int(index)) for a in (guess, truth)]
            near = [self._near(edge) for edge in edges]
            near_any |= near[1]
            for k in (0, 1):  # 0: predicted edges near those of the truth (precision), 1: the reverse (recall)
                self._met[index, k] += (edges[k] & near[1 - k])[core].sum()
                self._all[index, k] += edges[k][core].sum()
        self.trimap.add_classes(np.where(near_any, guess, 255)[core], np.where(near_any, truth, 255)[core])

    def f_scores(self) -> NDArray[np.float64]:
        """(classes,) harmonic mean of the shares of boundary pixels that match; NaN for a class without any."""
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = self._met / self._all
            scores = 2 * shares[:, 0] * shares[:, 1] / shares.sum(1)
        one_sided = (self._all > 0).any(1) & ~(self._met > 0).all(1)
        return np.where(one_sided, 0.0, scores)

    def _near(self, edge: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Within the tolerance along rows and columns (a square)."""
        if not edge.any():
            return edge
        near = edge
        for axis in (0, 1):
            lines = near if axis == 0 else near.T  # one axis after the other gives a square
            grown = lines.copy()
            for away in range(1, self.tolerance_px + 1):
                grown[away:] |= lines[:-away]
                grown[:-away] |= lines[away:]
            near = grown if axis == 0 else grown.T
        return near


def _edges(classes: NDArray[np.uint8], index: int) -> NDArray[np.bool_]:
    """Pixels of a class with a neighbor (of four) of another class; pixels that are not scored do not count."""
    inside = classes == index
    other = ~inside & (classes != 255)
    edge = np.zeros_like(inside)
    edge[1:] |= other[:-1]
    edge[:-1] |= other[1:]
    edge[:, 1:] |= other[:, :-1]
    edge[:, :-1] |= other[:, 1:]
    found: NDArray[np.bool_] = edge & inside
    return found
