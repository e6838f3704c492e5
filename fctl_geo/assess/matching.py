"""Which objects are found: the one definition of a match, and of merged, split, missed, and false objects.

Objects may be polygons or regions of a raster; what is needed of them are their areas and the areas they share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_IOU = 0.5
"""Intersection over union from which two objects match."""
IOU_STEPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""0.5, 0.55, ..., 0.95: the thresholds over which COCO averages (Lin et al. 2014)."""
NONE = -1
"""Partner of an object that has none."""

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The pairs of a true and a found object that share some area."""

    true: Indices
    """(P,) index of the true object."""
    found: Indices
    """(P,) index of the found object."""
    area: Floats
    """(P,) area that the two share; each pair occurs once."""
    true_area: Floats
    """(N,) area of each true object."""
    found_area: Floats
    """(M,) area of each found object."""

    @property
    def iou(self) -> Floats:
        """(P,) intersection over union."""
        return self.area / (self.true_area[self.true] + self.found_area[self.found] - self.area)


@dataclass(frozen=True, slots=True)
class Side:
    """What became of the objects of one side."""

    partner: Indices
    """Index of the object of the other side that it matches; `NONE`: it matches none."""
    iou: Floats
    """With its partner; without one, the highest with any object of the other side."""
    merged: Bools
    """True objects: it shares a found object with another one, and more than half of each lies in that. Found objects:
    it is such an object, which holds several true ones."""
    split: Bools
    """True objects: more than half of each of several found objects lies in it. Found objects: it is one of those."""

    @property
    def matched(self) -> Bools:
        return np.asarray(self.partner != NONE)

    @property
    def alone(self) -> Bools:
        """Neither matched nor merged nor split: a true object is then missed, a found one is false."""
        return ~(self.matched | self.merged | self.split)


@dataclass(frozen=True, slots=True)
class Matches:
    """What became of all objects."""

    true: Side
    """(N,) arrays."""
    found: Side
    """(M,) arrays."""


@dataclass(frozen=True, slots=True)
class ObjectScore:
    """Objects of one class."""

    truth: int
    found: int
    matched: int
    merged: int = 0
    """True objects that share a found object with another one; more than half of each lies in it."""
    split: int = 0
    """True objects that contain more than half of each of two or more found objects."""
    missed: int = 0
    """True objects that are neither matched nor merged nor split."""
    false: int = 0
    """Found objects that match no true one, hold no several of them, and are no part of a split one."""
    mean_f1: float = float("nan")
    """Mean F1 over the thresholds 0.5, 0.55, ..., 0.95 of IoU."""

    @property
    def f1(self) -> float:
        return _f1(self.matched, self.truth, self.found)

    @property
    def precision(self) -> float:
        return self.matched / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        return self.matched / self.truth if self.truth else float("nan")


def match_objects(overlaps: Overlaps) -> Matches:
    """Match objects one to one, the pair with the highest IoU first (the first in order among equals).

    Objects of one side that do not overlap each other have at most one candidate above an IoU of 0.5, so the order
    only matters where they do.

    Law: the matches at a higher threshold are those of the pairs that reach it.
    """
    true = np.full(len(overlaps.true_area), NONE, np.int64)
    found = np.full(len(overlaps.found_area), NONE, np.int64)
    iou = overlaps.iou
    order = np.lexsort((overlaps.found, overlaps.true, -iou))
    kept = order[iou[order] >= LEAST_IOU]
    iou_true, iou_found = np.zeros(len(true)), np.zeros(len(found))
    np.maximum.at(iou_true, overlaps.true, iou)
    np.maximum.at(iou_found, overlaps.found, iou)
    for i, j, value in zip(*(a[kept].tolist() for a in (overlaps.true, overlaps.found, iou)), strict=True):
        if true[i] == NONE and found[j] == NONE:
            true[i], found[j] = j, i
            iou_true[i] = iou_found[j] = value
    held = 2 * overlaps.area > overlaps.true_area[overlaps.true]
    part = 2 * overlaps.area > overlaps.found_area[overlaps.found]
    merged, hosts = _sharing(overlaps.true[held], overlaps.found[held], len(true), len(found))
    parts, split = _sharing(overlaps.found[part], overlaps.true[part], len(found), len(true))
    return Matches(Side(true, iou_true, merged, split), Side(found, iou_found, hosts, parts))


def score_objects(matches: Matches, true: Bools | None = None, found: Bools | None = None) -> ObjectScore:
    """Count the objects.

    Args:
        true, found: (N,), (M,) which objects count; None: all. The partner of an object that counts must count, too.
    """
    ours = np.ones(len(matches.true.partner), bool) if true is None else true
    theirs = np.ones(len(matches.found.partner), bool) if found is None else found
    iou = matches.true.iou[ours & matches.true.matched]
    n, m = int(ours.sum()), int(theirs.sum())
    return ObjectScore(
        truth=n,
        found=m,
        matched=len(iou),
        merged=int((ours & matches.true.merged).sum()),
        split=int((ours & matches.true.split).sum()),
        missed=int((ours & matches.true.alone).sum()),
        false=int((theirs & matches.found.alone).sum()),
        mean_f1=float(np.mean([_f1(int((iou >= least).sum()), n, m) for least in IOU_STEPS])),
    )


def _f1(matched: int, truth: int, found: int) -> float:
    return 2 * matched / (truth + found) if truth + found else float("nan")


def _sharing(guests: Indices, hosts: Indices, guest_count: int, host_count: int) -> tuple[Bools, Bools]:
    """Which objects lie in a host together with others, and which hosts hold several: guests 0, 1, 2 in 5, 5, 6."""
    several = np.bincount(hosts, minlength=host_count) > 1
    sharing = np.zeros(guest_count, bool)
    sharing[guests[several[hosts]]] = True
    return sharing, several
