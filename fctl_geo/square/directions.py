"""The main directions of a group of objects, and lines of least squares.

An object's direction is the one, modulo 90 degrees, in which most of its outline runs: the peak of a histogram of its
simplified edges, weighted by the square of their lengths, and then the angle at which lines through the raw outline
along these edges, and at right angles to them, leave the least squares. A wing at another angle has a direction of its
own. Objects that touch share their directions where these differ by less than `SAME`: the longest one decides first,
and all of its edges in the group adjust it.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.sides import FIXED, FREE
from fctl_geo.system.kernels import inner, kernel

SAME = np.radians(12.0)
"""Directions that differ by less are one; edges that differ by less count as explained."""
TURNED = np.radians(20.0)
"""A second direction differs by at least this much: walls that bulge are not a wing."""
WING = 0.15
"""Least share of an outline that a second direction must explain; all shares are of squared lengths."""
ALONE, TOGETHER = 0.5, 0.75
"""An object has directions if the first explains this share of its outline, or both together that one."""
WALL_WEIGHT = 0.25
"""Walls between objects are less certain than the outline around them."""
QUARTER = np.pi / 2
MOMENTS = 6


@inner
def add_up(x, y):  # type: ignore[no-untyped-def]
    """(2 n - 1, 6) length, and integrals of x, y, xx, yy, xy along a line of n vertices, up to each place.

    Coordinates are relative to the first vertex. Place 2 k is vertex k, 2 k + 1 the middle of the edge that follows it.
    """
    n = x.shape[0]
    sums = np.zeros((2 * n - 1, MOMENTS), np.float64)
    for p in range(1, 2 * n - 1):
        k = (p - 1) // 2
        mx, my = (x[k] + x[k + 1]) / 2 - x[0], (y[k] + y[k + 1]) / 2 - y[0]
        if p % 2:
            ax, ay, bx, by = x[k] - x[0], y[k] - y[0], mx, my
        else:
            ax, ay, bx, by = mx, my, x[k + 1] - x[0], y[k + 1] - y[0]
        length = np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
        sums[p, 0] = sums[p - 1, 0] + length
        sums[p, 1] = sums[p - 1, 1] + length * (ax + bx) / 2
        sums[p, 2] = sums[p - 1, 2] + length * (ay + by) / 2
        sums[p, 3] = sums[p - 1, 3] + length * (ax * ax + ax * bx + bx * bx) / 3
        sums[p, 4] = sums[p - 1, 4] + length * (ay * ay + ay * by + by * by) / 3
        sums[p, 5] = sums[p - 1, 5] + length * (2 * ax * ay + 2 * bx * by + ax * by + ay * bx) / 6
    return sums


@inner
def between(sums, begin, end, out):  # type: ignore[no-untyped-def]
    """Fill in the integrals between two places; past the end of a closed line they count on, to any revolution."""
    period = sums.shape[0] - 1
    for m in range(MOMENTS):
        low = sums[begin % period, m] + begin // period * sums[period, m] if begin > period else sums[begin, m]
        high = sums[end % period, m] + end // period * sums[period, m] if end > period else sums[end, m]
        out[m] = high - low


@inner
def spread(moments):  # type: ignore[no-untyped-def]
    """(cxx - cyy, 2 cxy) of the line's scatter: a vector at twice the angle of its best line."""
    length = max(moments[0], 1e-9)
    cxx = moments[3] - moments[1] * moments[1] / length
    cyy = moments[4] - moments[2] * moments[2] / length
    cxy = moments[5] - moments[1] * moments[2] / length
    return cxx - cyy, 2 * cxy


@inner
def turn_from(angle, direction):  # type: ignore[no-untyped-def]
    """The angle's difference from the nearer of direction and direction + 90 degrees: -45 to 45 degrees."""
    return (angle - direction + QUARTER / 2) % QUARTER - QUARTER / 2


@inner
def _edges_of(arcs, region):  # type: ignore[no-untyped-def]
    """(E, 5) weight, length, angle and spread of a region's simplified edges."""
    count = 0
    for a in range(arcs.side.shape[0]):
        if arcs.left[a] == region or arcs.right[a] == region:
            count += arcs.drawn[a + 1] - arcs.drawn[a] - 1
    edges = np.zeros((count, 5), np.float64)
    moments = np.empty(MOMENTS, np.float64)
    n = 0
    for a in range(arcs.side.shape[0]):
        if not (arcs.left[a] == region or arcs.right[a] == region) or arcs.side[a] == FIXED:
            continue
        sums = add_up(arcs.x[arcs.raw[a] : arcs.raw[a + 1]], arcs.y[arcs.raw[a] : arcs.raw[a + 1]])
        weight = 1.0 if arcs.side[a] == FREE else WALL_WEIGHT
        for k in range(arcs.drawn[a], arcs.drawn[a + 1] - 1):
            dx, dy = arcs.points[k + 1, 0] - arcs.points[k, 0], arcs.points[k + 1, 1] - arcs.points[k, 1]
            between(sums, arcs.place[k], arcs.place[k + 1], moments)
            edges[n, 0], edges[n, 1], edges[n, 2] = weight, np.sqrt(dx * dx + dy * dy), np.arctan2(dy, dx)
            edges[n, 3], edges[n, 4] = spread(moments)
            n += 1
    return edges[:n]


@inner
def _main_direction(edges, left):  # type: ignore[no-untyped-def]
    """The direction of the edges in `left`, its spread, and how much it explains."""
    bins = np.zeros(90, np.float64)
    for k in range(edges.shape[0]):
        if left[k]:
            bins[int(np.degrees(edges[k, 2] % QUARTER)) % 90] += edges[k, 0] * edges[k, 1] ** 2
    best, most = 0, -1.0
    for b in range(90):
        total = 0.0
        for near in range(-4, 5):
            total += bins[(b + near) % 90] * (5 - abs(near))
        if total > most:
            best, most = b, total
    direction = np.radians(best + 0.5)
    for _ in range(2):
        u = v = explained = 0.0
        for k in range(edges.shape[0]):
            if not left[k] or abs(turn_from(edges[k, 2], direction)) > SAME:
                continue
            sign = edges[k, 0] if np.cos(2 * (edges[k, 2] - direction)) > 0 else -edges[k, 0]
            u, v, explained = u + sign * edges[k, 3], v + sign * edges[k, 4], explained + edges[k, 0] * edges[k, 1] ** 2
        if explained == 0.0:
            break
        direction = np.arctan2(v, u) / 2 % np.pi
    return direction, u, v, explained


@kernel
def find_directions(arcs, n_regions, wing_px):  # type: ignore[no-untyped-def]
    """The directions of a group (D,), in radians, and the first and second one of each region (R, 2), -1: none.

    At least two walls, each of at least `wing_px`, give a region its second direction.
    """
    candidates = np.zeros((2 * n_regions, 4), np.float64)  # direction, spread (2), how much it explains
    for region in range(n_regions):
        edges = _edges_of(arcs, region)
        left = np.ones(edges.shape[0], np.bool_)
        whole = (edges[:, 0] * edges[:, 1] ** 2).sum()
        total = 0.0
        for choice in range(2):
            if choice == 1 and left.sum() < 2:
                break
            direction, u, v, explained = _main_direction(edges, left)
            if explained == 0.0 or (choice == 1 and explained < WING * whole):
                break
            total += explained
            at = 2 * region + choice
            candidates[at, 0], candidates[at, 1], candidates[at, 2], candidates[at, 3] = direction, u, v, explained
            for k in range(edges.shape[0]):
                long = edges[k, 1] >= wing_px
                left[k] = left[k] and long and abs(turn_from(edges[k, 2], direction)) > TURNED
        if candidates[2 * region, 3] < ALONE * whole and total < TOGETHER * whole:
            candidates[2 * region : 2 * region + 2, 3] = 0.0
    return _share(candidates)


@inner
def _share(candidates):  # type: ignore[no-untyped-def]
    """Let candidates join those that explain more; the directions, and which of them each candidate has."""
    n = candidates.shape[0]
    of_region = np.full((n // 2, 2), -1, np.int64)
    directions, sums = np.empty(n, np.float64), np.zeros((n, 2), np.float64)
    count = 0
    while True:
        at = int(np.argmax(candidates[:, 3]))
        if candidates[at, 3] == 0.0:
            break
        chosen, least = -1, SAME
        for k in range(count):
            turn = abs(turn_from(candidates[at, 0], directions[k]))
            if turn < least:
                chosen, least = k, turn
        if chosen < 0:
            chosen = count
            directions[count] = candidates[at, 0]
            count += 1
        sign = 1.0 if np.cos(2 * (candidates[at, 0] - directions[chosen])) > 0 else -1.0
        sums[chosen, 0] += sign * candidates[at, 1]
        sums[chosen, 1] += sign * candidates[at, 2]
        of_region[at // 2, at % 2] = chosen
        candidates[at, 3] = 0.0
    for k in range(count):
        directions[k] = np.arctan2(sums[k, 1], sums[k, 0]) / 2 % np.pi
    return directions[:count], of_region
