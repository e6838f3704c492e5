"""The outline of a group as few lines in its main directions: what squaring does to one stretch of outline.

Each simplified edge gets a class: one of its object's directions, or that plus 90 degrees (with mode 45, plus 45 and
135, too; with mode ANY, a long edge at another angle keeps its own). Neighboring edges of the same class become one
line; where they lie farther apart than `STEP` tolerances, a step at right angles connects them. A line that would be
shorter than `SHORTEST` tolerances between its corners is given up: its neighbors become one line if they have the same
class, and otherwise meet without it. Every line is the one of least squares, in its direction, through the raw outline
of its stretch; its corners are where it meets its neighbors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fctl_geo.square.directions import MOMENTS, QUARTER, SAME, between, spread, turn_from
from fctl_geo.system.kernels import inner

ANY = 0
"""Mode: right angles, but long edges at other angles keep their own."""
STEP = 1.5
"""Neighboring lines of the same class become one if they are at most this many tolerances apart."""
SHORTEST = 2.0
"""A wall is at least this many tolerances long."""
LONG = 6.0
"""In mode ANY, edges longer than this many tolerances may keep their own direction."""
PARALLEL = 0.25
"""Sine of the angle below which lines are considered parallel."""
OWN = -1
"""Class of a line with a direction of its own."""


class Lines(NamedTuple):
    """Up to C lines in the order of the outline; those beyond the current number are meaningless."""

    kind: npt.NDArray[np.int64]
    """(C,) class: 4 times the direction plus the number of 45-degree turns from it, or OWN."""
    stretch: npt.NDArray[np.int64]
    """(C, 2) the places on the raw outline where the line begins and ends."""
    at: npt.NDArray[np.float64]
    """(C, 2) a point of the line."""
    way: npt.NDArray[np.float64]
    """(C, 2) its unit vector, in the direction of the outline."""
    length: npt.NDArray[np.float64]
    """(C,) of the raw outline along it."""


class Outline(NamedTuple):
    """A stretch of raw outline: a closed ring (its last vertex is its first), or between two nodes that do not move."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    """(n,) its vertices."""
    sums: npt.NDArray[np.float64]
    """See `directions.add_up`."""
    closed: bool


@inner
def position(outline, place):  # type: ignore[no-untyped-def]
    """The coordinates of a place."""
    place = place % (2 * (outline.x.shape[0] - 1)) if outline.closed else place
    k = place // 2
    if place % 2:
        return (outline.x[k] + outline.x[k + 1]) / 2, (outline.y[k] + outline.y[k + 1]) / 2
    return outline.x[k], outline.y[k]


@inner
def classify(angle, length, choices, directions, mode, tolerance_px):  # type: ignore[no-untyped-def]
    """The class of an edge: of the region's two `choices` among the directions, the one that is nearer."""
    best, least = np.int64(0), 10.0
    for choice in range(2):
        if choices[choice] < 0:
            continue
        direction = directions[choices[choice]]
        turn = abs(turn_from(angle, direction))
        if turn >= least:
            continue
        least = turn
        if mode == 45:
            steps = np.int64(np.round((angle - direction) / (QUARTER / 2)))
        else:
            steps = 2 * np.int64(np.round((angle - direction) / QUARTER))
        best = 4 * choices[choice] + steps % 4
    if mode == ANY and least > SAME and length > LONG * tolerance_px:
        return np.int64(OWN)
    return best


@inner
def _fit(lines, k, outline, directions):  # type: ignore[no-untyped-def]
    """Set point, direction and length of a line from its stretch."""
    moments = np.empty(MOMENTS, np.float64)
    begin, end = lines.stretch[k, 0], lines.stretch[k, 1]
    between(outline.sums, begin, end, moments)
    ax, ay = position(outline, begin)
    bx, by = position(outline, end)
    lines.length[k] = moments[0]
    if moments[0] > 0:
        lines.at[k, 0] = outline.x[0] + moments[1] / moments[0]
        lines.at[k, 1] = outline.y[0] + moments[2] / moments[0]
    else:
        lines.at[k, 0], lines.at[k, 1] = ax, ay
    if lines.kind[k] == OWN:
        u, v = spread(moments)
        angle = np.arctan2(v, u) / 2
    else:
        angle = directions[lines.kind[k] // 4] + lines.kind[k] % 4 * (QUARTER / 2)
    cos, sin = np.cos(angle), np.sin(angle)
    sign = 1.0 if cos * (bx - ax) + sin * (by - ay) >= 0 else -1.0
    lines.way[k, 0], lines.way[k, 1] = sign * cos, sign * sin


@inner
def _remove(lines, k, n):  # type: ignore[no-untyped-def]
    lines.kind[k : n - 1] = lines.kind[k + 1 : n].copy()
    lines.length[k : n - 1] = lines.length[k + 1 : n].copy()
    for column in range(2):
        lines.stretch[k : n - 1, column] = lines.stretch[k + 1 : n, column].copy()
        lines.at[k : n - 1, column] = lines.at[k + 1 : n, column].copy()
        lines.way[k : n - 1, column] = lines.way[k + 1 : n, column].copy()
    return n - 1


@inner
def _insert(lines, k, n):  # type: ignore[no-untyped-def]
    """Make room for a line before the k-th."""
    lines.kind[k + 1 : n + 1] = lines.kind[k:n].copy()
    lines.length[k + 1 : n + 1] = lines.length[k:n].copy()
    for column in range(2):
        lines.stretch[k + 1 : n + 1, column] = lines.stretch[k:n, column].copy()
        lines.at[k + 1 : n + 1, column] = lines.at[k:n, column].copy()
        lines.way[k + 1 : n + 1, column] = lines.way[k:n, column].copy()
    return n + 1


@inner
def _merge(lines, one, two, n, outline, directions):  # type: ignore[no-untyped-def]
    """Make lines one..two one, in the direction of the longer of both; they may wrap around the ring's start."""
    period = 2 * (outline.x.shape[0] - 1)
    begin, end = lines.stretch[one, 0], lines.stretch[two, 1]
    while end < begin:
        end += period
    if lines.length[two] > lines.length[one]:
        lines.kind[one] = lines.kind[two]
    lines.stretch[one, 0], lines.stretch[one, 1] = begin, end
    _fit(lines, one, outline, directions)
    gone = (two - one) % n
    for _ in range(gone):
        at = (one + 1) % n
        n = _remove(lines, at, n)
        if at <= one:
            one -= 1
    return n


@inner
def _are_parallel(lines, one, two):  # type: ignore[no-untyped-def]
    return abs(lines.way[one, 0] * lines.way[two, 1] - lines.way[one, 1] * lines.way[two, 0]) < PARALLEL


@inner
def _apart(lines, one, two):  # type: ignore[no-untyped-def]
    """How far to the left of line `one` the point of line `two` is."""
    dx, dy = lines.at[two, 0] - lines.at[one, 0], lines.at[two, 1] - lines.at[one, 1]
    return lines.way[one, 0] * dy - lines.way[one, 1] * dx


@inner
def _unite(lines, n, outline, directions, tolerance_px):  # type: ignore[no-untyped-def]
    """Make parallel neighbors one line, or connect them by a step; returns the number of lines."""
    k = 0
    while k < (n if outline.closed else n - 1) and n > 1:
        after = (k + 1) % n
        if not _are_parallel(lines, k, after):
            k += 1
            continue
        apart = _apart(lines, k, after)
        same_way = lines.way[k, 0] * lines.way[after, 0] + lines.way[k, 1] * lines.way[after, 1] > 0
        if abs(apart) <= STEP * tolerance_px or not same_way or n + 1 >= lines.kind.shape[0]:
            n = _merge(lines, k, after, n, outline, directions)
            k = max(min(k, n - 1) - 1, 0)
            continue
        n = _insert(lines, k + 1, n)
        step, longer = k + 1, k if lines.length[k] >= lines.length[(k + 2) % n] else (k + 2) % n
        place = lines.stretch[k, 1]
        lines.kind[step] = lines.kind[longer] // 4 * 4 + (lines.kind[longer] + 2) % 4
        lines.stretch[step, 0] = lines.stretch[step, 1] = place
        lines.at[step, 0], lines.at[step, 1] = position(outline, place)
        lines.length[step] = 0.0
        turn = 1.0 if apart > 0 else -1.0
        lines.way[step, 0], lines.way[step, 1] = -turn * lines.way[longer, 1], turn * lines.way[longer, 0]
        k += 2
    return n


@inner
def meeting(lines, one, two):  # type: ignore[no-untyped-def]
    """Where two lines meet, and whether they do."""
    turn = lines.way[one, 0] * lines.way[two, 1] - lines.way[one, 1] * lines.way[two, 0]
    if abs(turn) < PARALLEL / 2:
        return lines.at[two, 0], lines.at[two, 1], False
    dx, dy = lines.at[two, 0] - lines.at[one, 0], lines.at[two, 1] - lines.at[one, 1]
    t = (dx * lines.way[two, 1] - dy * lines.way[two, 0]) / turn
    return lines.at[one, 0] + t * lines.way[one, 0], lines.at[one, 1] + t * lines.way[one, 1], True


@inner
def _hold_ends(lines, n, outline):  # type: ignore[no-untyped-def]
    """Let the first and last line of an open outline pass through its ends."""
    if not outline.closed:
        lines.at[0, 0], lines.at[0, 1] = outline.x[0], outline.y[0]
        lines.at[n - 1, 0], lines.at[n - 1, 1] = outline.x[-1], outline.y[-1]


@inner
def corners_of(lines, n, outline):  # type: ignore[no-untyped-def]
    """(n + 1, 2) where the lines meet, line k leading from corner k to corner k + 1; and whether all of them do."""
    corners = np.empty((n + 1, 2), np.float64)
    found = True
    for k in range(1, n):
        corners[k, 0], corners[k, 1], meet = meeting(lines, k - 1, k)
        found = found and meet
    if outline.closed:
        corners[0, 0], corners[0, 1], meet = meeting(lines, n - 1, 0)
        corners[n] = corners[0]
        found = found and meet
    else:
        corners[0, 0], corners[0, 1] = outline.x[0], outline.y[0]
        corners[n, 0], corners[n, 1] = outline.x[-1], outline.y[-1]
    return corners, found


@inner
def _shortest(lines, corners, n):  # type: ignore[no-untyped-def]
    """The line with the least length between its corners, negative if they have changed places; and that length."""
    best, least = -1, np.inf
    for k in range(n):
        dx, dy = corners[k + 1, 0] - corners[k, 0], corners[k + 1, 1] - corners[k, 1]
        length = dx * lines.way[k, 0] + dy * lines.way[k, 1]
        if length < least - 1e-9:
            best, least = k, length
    return best, least


@inner
def _give_up(lines, k, n, outline, directions):  # type: ignore[no-untyped-def]
    """Remove a short line; neighbors of the same class become one."""
    before, after = k - 1, k + 1
    if outline.closed:
        before, after = (k - 1) % n, (k + 1) % n
    if before >= 0 and after < n and before != after and _are_parallel(lines, before, after):
        return _merge(lines, before, after, n, outline, directions)
    return _remove(lines, k, n)


@inner
def reduce_lines(lines, n, outline, directions, tolerance_px):  # type: ignore[no-untyped-def]
    """Fit, unite and give up lines until none is too short.

    Returns:
        The number of lines, and a line at which this fails (-1: none).
    """
    for k in range(n):
        _fit(lines, k, outline, directions)
    least = 3 if outline.closed else 1
    short = 0
    for _ in range(4 * n + 8):
        n = _unite(lines, n, outline, directions, tolerance_px)
        if n < least:
            return n, 0
        _hold_ends(lines, n, outline)
        corners, met = corners_of(lines, n, outline)
        short, length = _shortest(lines, corners, n)
        if length >= SHORTEST * tolerance_px or n <= (4 if outline.closed else 1):
            return n, -1 if met and length > 0 else short
        n = _give_up(lines, short, n, outline, directions)
        for k in range(n):
            if lines.length[k] > 0:
                _fit(lines, k, outline, directions)
    return n, short
