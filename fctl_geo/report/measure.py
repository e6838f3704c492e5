"""Measures a class raster for a report: confidence by class, and where the classes change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.georef.area import pixel_areas
from fctl_geo.polygons.strips import read_strips
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import ClassRaster
from fctl_geo.spec import NODATA


@dataclass(frozen=True, slots=True)
class Changes:
    """Neighboring pixels on either side of each line between rows (or columns), both of which have a class."""

    pairs: NDArray[np.int64]
    """(lines,) how many there are; line k lies between rows k and k + 1."""
    unequal: NDArray[np.int64]
    """(lines,) how many have two different classes."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in one pass."""

    confidence: NDArray[np.int64]
    """(256, 101) pixels by class and percent; all 0 if the confidence is unknown."""
    rows: Changes
    cols: Changes


def measure(raster: ClassRaster, confidence: ClassRaster | None, progress: Progress) -> Measured:
    """Measure a class raster in strips, from top to bottom; memory holds a strip and four numbers a row and column."""
    height, width = raster.frame.size_hw
    percent = np.zeros((256, 101), np.int64)
    rows = Changes(np.zeros(max(0, height - 1), np.int64), np.zeros(max(0, height - 1), np.int64))
    cols = Changes(np.zeros(width - 1, np.int64), np.zeros(width - 1, np.int64))
    progress.stage("report", height)
    above: NDArray[np.uint8] = np.empty((0, width), np.uint8)
    start = 0
    for strip in read_strips(raster, confidence, pixel_areas(raster.frame), progress):
        classes = np.concatenate([above, strip.classes])
        first = start - len(above)
        pairs, unequal = _compare(classes[:-1], classes[1:])
        rows.pairs[first : first + len(pairs)] = pairs.sum(1)
        rows.unequal[first : first + len(pairs)] = unequal.sum(1)
        pairs, unequal = _compare(strip.classes[:, :-1], strip.classes[:, 1:])
        cols.pairs[:] += pairs.sum(0)
        cols.unequal[:] += unequal.sum(0)
        if strip.confidence is not None:
            percent += _histogram(strip.classes, strip.confidence)
        above, start = strip.classes[-1:], start + strip.height
    return Measured(percent, rows, cols)


def _compare(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    pairs = (one != NODATA) & (other != NODATA)
    return pairs, pairs & (one != other)


def _histogram(classes: NDArray[np.uint8], percent: NDArray[np.uint8]) -> NDArray[np.int64]:
    known = classes != NODATA
    keys = classes[known].astype(np.int32) * 101 + np.minimum(percent[known], 100)
    return np.bincount(keys, minlength=256 * 101).reshape(256, 101)
