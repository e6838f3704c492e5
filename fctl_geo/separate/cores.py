"""The cores of objects: the pixels that lie deep inside their class, and which of them belong together."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.strip import Strip, stack_strips
from fctl_geo.system.kernels import inner, kernel


class CoreLabels:
    """Labels the cores of a raster as it streams by: a new label wherever a core begins from above.

    Law: a stretch of a core has the same label however the raster is cut into strips.
    """

    def __init__(
        self,
        width: int,
        classes: frozenset[int],
        neck_px: float,
        numbers: npt.NDArray[np.int32] = np.empty(0, np.int32),  # noqa: B008
    ) -> None:
        self._separated = np.isin(np.arange(256), list(classes))
        self._near = near_table(neck_px)
        self._width, self._numbers = width, numbers
        self._parent = np.zeros(1024, np.int32)
        self._count = 1  # label 0: no core

    def add(self, strips: Iterator[Strip]) -> Iterator[tuple[Strip, npt.NDArray[np.int32]]]:
        """Yield the strips again, cut differently; with the numbers (h, width) of cores if known, 0 elsewhere."""
        below = len(self._near) - 1
        up = np.full(self._width, len(self._near), np.uint8)
        last, above = np.empty(0, np.uint8), np.zeros(self._width, np.int32)
        held: list[Strip] = []
        for strip in strips:
            last = last if last.size else strip.classes[0].copy()
            window = stack_strips([*held, strip])
            ready = max(window.height - below, 0)
            if ready:
                yield window.rows(slice(0, ready)), self._label(window, ready, last, up, above)
            held = [window.rows(slice(ready, None))]
        if held and held[0].height:
            yield held[0], self._label(held[0], held[0].height, last, up, above)

    def _label(
        self,
        window: Strip,
        ready: int,
        last: npt.NDArray[np.uint8],
        up: npt.NDArray[np.uint8],
        above: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.int32]:
        numbered: npt.NDArray[np.int32]
        rule, known = (self._separated, self._near), (self._parent, self._count, self._numbers)
        numbered, self._parent, self._count = label_cores(window.classes, ready, *rule, last, up, above, *known)
        return numbered

    def numbers(self) -> npt.NDArray[np.int32]:
        """(labels,) the core of each label: 1, 2, ... in the order of their first pixels; 0 for label 0."""
        numbers: npt.NDArray[np.int32] = number_roots(self._parent, self._count)
        return numbers


def near_table(neck_px: float) -> npt.NDArray[np.int64]:
    """How many columns to each side of a pixel `v` rows away from another class are nearer to it than half a neck.

    Half a neck reaches from the center of the other class's pixel to that of the core's: neck_px / 2 + 0.5.
    Example: a neck of 4 px is 2.5 px: 2 columns in the same row, 2 one row away, 1 two rows away.

    Returns:
        (ceil(neck_px / 2 + 0.5),) for v = 0, 1, ...; farther rows are never that near.
    """
    reach_px = neck_px / 2 + 0.5
    rows = range(math.ceil(reach_px))
    return np.array([math.ceil(math.sqrt(reach_px**2 - v**2)) - 1 for v in rows], np.int64)


@kernel
def label_cores(classes, ready, separated, near, last, up, above, parent, count, numbers):  # type: ignore[no-untyped-def]
    """Label the cores of the first `ready` rows, and number them if the numbers are known.

    Args:
        classes: (h, width) uint8, with at least near.shape[0] - 1 rows below those, unless the raster ends.
        separated: (256,) bool, the classes that have cores.
        near: from `near_table`.
        last, up, above: (width,) class, rows to another class above (at most near.shape[0]), and label of the row
            before; they are changed to those of the last row labelled.
        parent: (M,) int32 union-find; the first label of a core in raster order is its root.
        count: labels so far, including label 0.
        numbers: (labels,) int32 number of the core that a label belongs to; or (0,).
    Returns:
        numbered (ready, width) int32, 0: no core, or (0, width) without numbers; parent, which may have been enlarged;
        count.
    """
    height, width = classes.shape
    far = near.shape[0]
    down = np.empty((ready, width), np.uint8)
    below = np.full(width, far, np.uint8)
    for i in range(height - 1, -1, -1):
        if i + 1 < height:
            _count_rows(classes[i], classes[i + 1], below, far)
        if i < ready:
            down[i] = below
    numbered = np.zeros((ready if numbers.shape[0] else 0, width), np.int32)
    labels, deep = np.empty(width, np.int32), np.empty(width, np.bool_)
    for i in range(ready):
        row = classes[i]
        _count_rows(row, last, up, far)
        labels[:] = 0
        end = 0
        while end < width:
            begin = end
            while end < width and row[end] == row[begin]:
                end += 1
            if separated[row[begin]]:
                _find_deep(begin, end, up, down[i], near, deep)
                if count + (end - begin) > parent.shape[0]:
                    larger = np.empty(2 * parent.shape[0] + width, np.int32)
                    larger[:count] = parent[:count]
                    parent = larger
                count = _label_run(begin, end, deep, above, labels, parent, count)
                if numbers.shape[0]:
                    for col in range(begin, end):
                        numbered[i, col] = numbers[labels[col]]
        last[:], above[:] = row, labels
    return numbered, parent, count


@inner
def _count_rows(row, beside, rows, far):  # type: ignore[no-untyped-def]
    """From the rows to another class counted at `beside`, count those at the next row; at most `far`."""
    one = np.uint8(1)
    for col in range(row.shape[0]):
        more = rows[col] + np.uint8(rows[col] < far)
        rows[col] = more if row[col] == beside[col] else one


@inner
def _find_deep(begin, end, up, down, near, deep):  # type: ignore[no-untyped-def]
    """Mark the pixels of a run that no pixel of another class is near to: from the left, then from the right."""
    far, width = near.shape[0], deep.shape[0]
    reach = begin - 1 + near[0] if begin > 0 else np.int64(-1)
    for col in range(begin, end):
        rows = min(up[col], down[col])
        if rows < far:
            reach = max(reach, col + near[rows])
        deep[col] = col > reach
    reach = end - near[0] if end < width else np.int64(width)
    for col in range(end - 1, begin - 1, -1):
        rows = min(up[col], down[col])
        if rows < far:
            reach = min(reach, col - near[rows])
        deep[col] = deep[col] and col < reach


@inner
def _label_run(begin, end, deep, above, labels, parent, count):  # type: ignore[no-untyped-def]
    """Label each stretch of core pixels in a run like the first one above it, and unite it with all that it touches."""
    col = begin
    while col < end:
        first = col
        while col < end and deep[col]:
            col += 1
        if col == first:
            col += 1
            continue
        label = np.int32(0)
        for k in range(max(first - 1, 0), min(col + 1, above.shape[0])):
            if above[k] == 0 or above[k] == label:
                continue
            if label == 0:
                label = above[k]
            else:
                _unite(parent, label, above[k])
        if label == 0:
            label = np.int32(count)
            parent[label] = label
            count += 1
        labels[first:col] = label
    return count


@inner
def _unite(parent, one, two):  # type: ignore[no-untyped-def]
    """Unite two labels; the smaller root, whose first pixel comes first, becomes the root of both."""
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    while parent[two] != two:
        parent[two] = parent[parent[two]]
        two = parent[two]
    parent[max(one, two)] = min(one, two)


@kernel
def number_roots(parent, count):  # type: ignore[no-untyped-def]
    """(count,) int32 number of each label's core: 1, 2, ... in the order of their first pixels; 0 for label 0."""
    number = np.zeros(count, np.int32)
    cores = 0
    for label in range(1, count):  # a root is smaller than all of its labels
        if parent[label] == label:
            cores += 1
            number[label] = cores
        else:
            number[label] = number[parent[label]]
    return number
