"""Compares polygons with reference polygons on a plane: who matches whom, and how well the outlines agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from fctl_geo.assess.matching import Matches, Overlaps, match_objects
from fctl_geo.assess.outlines import OutlineErrors, compare_outlines
from fctl_geo.progress import Progress, Silent, check_cancelled

Shapes = NDArray[np.object_]
_OBJECTS = 20_000
"""Objects whose neighbors are looked up at a time."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who matches whom, and the outlines of those that match."""

    matches: Matches
    matched: NDArray[np.int64]
    """(K,) indices of the true objects that are matched."""
    outlines: OutlineErrors
    """(K,) of these."""


def compare_shapes(
    found: Shapes,
    truth: Shapes,
    found_class: NDArray[np.generic] | None = None,
    true_class: NDArray[np.generic] | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> Comparison:
    """Match the objects of each class, and measure the outlines of the matches.

    Args:
        found: (M,) valid polygons or multipolygons, in the plane of the truth.
        truth: (N,) the same.
        found_class, true_class: (M,), (N,); objects of different classes are strangers. None: all are of one class.
        progress: receives the progress of the stages "match" and "outlines".
    Law: exchanging the two sides exchanges matches and errors, except for `OutlineErrors.angle`.
    """
    overlaps = _overlaps(found, truth, found_class, true_class, progress)
    matches = match_objects(overlaps)
    matched = np.nonzero(matches.true.matched)[0]
    progress.stage("outlines", max(1, len(matched)))

    def advance(pairs: int) -> None:
        check_cancelled(progress)
        progress.advance(pairs)

    outlines = compare_outlines(found[matches.true.partner[matched]], truth[matched], advance)
    return Comparison(matches, matched, outlines)


def _overlaps(
    found: Shapes,
    truth: Shapes,
    found_class: NDArray[np.generic] | None,
    true_class: NDArray[np.generic] | None,
    progress: Progress,
) -> Overlaps:
    tree = shapely.STRtree(truth)
    none = np.empty(0, np.int64)
    trues, founds, areas = [none], [none], [np.empty(0)]
    progress.stage("match", max(1, len(found)))
    for start in range(0, len(found), _OBJECTS):
        check_cancelled(progress)
        j, i = tree.query(found[start : start + _OBJECTS], predicate="intersects")
        j += start
        if found_class is not None and true_class is not None:
            same = found_class[j] == true_class[i]
            i, j = i[same], j[same]
        area = shapely.area(shapely.intersection(found[j], truth[i]))
        some = area > 0  # the others only touch
        trues.append(i[some])
        founds.append(j[some])
        areas.append(area[some])
        progress.advance(min(_OBJECTS, len(found) - start))
    sides = shapely.area(truth), shapely.area(found)
    return Overlaps(np.concatenate(trues), np.concatenate(founds), np.concatenate(areas), *sides)
