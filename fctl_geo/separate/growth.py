"""Kernel: cores grow back inside their class until they meet.

The way from a core to a pixel leads through pixels of the class; a step costs 3, a diagonal one 4 (the chamfer distance
of Borgefors, 1986, within 8 % of the Euclidean one). A diagonal step goes around a corner pixel of the class, never
between two pixels of other classes. Each pixel takes the number of the pixel above it, to its left, to its right, or
below, the first from which a cheapest way arrives; if the last step is diagonal, that of the pixel around which it
goes. So an object is 4-connected, and what a pixel belongs to depends on nothing farther away than `necks.halo_rows`.
"""

from __future__ import annotations

import numpy as np

from fctl_geo.separate.necks import DIAGONAL, STRAIGHT
from fctl_geo.system.kernels import inner, kernel

BUCKETS = DIAGONAL + 1
"""Pixels wait by their cost: the costs of those that wait differ by less than this."""
CLOSED, FAR = np.int16(-1), np.int16(32767)
"""Instead of the cost of a way: not of the class; not reached yet."""


@kernel
def grow_cores(classes, cores, class_id, farthest, tile_px, halo_px, numbers, begin):  # type: ignore[no-untyped-def]
    """Give the numbers of a class's cores to the pixels around them, tile by tile, so that a tile fits in the cache.

    Args:
        classes: (h, width) uint8.
        cores: (h, width) int32 numbers of cores, 0 elsewhere.
        class_id: the class.
        farthest: the highest cost of a way.
        tile_px: columns of a tile.
        halo_px: pixels around a pixel that its number depends on.
        numbers: (n, width) int32 of the rows from `begin` on, filled where pixels are of the class.
    """
    width = classes.shape[1]
    for left in range(0, width, tile_px):
        first, end = max(left - halo_px, 0), min(left + tile_px + halo_px, width)
        cost, number, cores_px, others_px = _start_tile(classes, cores, class_id, first, end)
        stride = end - first + 2
        if cores_px == 0:
            continue
        if others_px:
            _grow_tile(cost, number, stride, farthest, others_px)
        for row in range(numbers.shape[0]):
            at = (begin + row + 1) * stride + 1 - first
            for col in range(left, min(left + tile_px, width)):
                if cost[at + col] != CLOSED:
                    numbers[row, col] = number[at + col]


@inner
def _start_tile(classes, cores, class_id, first, end):  # type: ignore[no-untyped-def]
    """Costs and numbers of the columns first:end with a rim of closed pixels, so that each pixel has all neighbors.

    Returns:
        cost ((h + 2) * (end - first + 2),) int16: 0 in cores of the class, FAR elsewhere in it, otherwise CLOSED;
        number, likewise; how many pixels of the class are in cores, and how many are not.
    """
    height, stride = classes.shape[0], end - first + 2
    cost = np.full((height + 2) * stride, CLOSED, np.int16)
    number = np.zeros((height + 2) * stride, np.int32)
    cores_px = others_px = 0
    for row in range(height):
        at = (row + 1) * stride + 1 - first
        for col in range(first, end):
            if classes[row, col] == class_id:
                number[at + col] = cores[row, col]
                if cores[row, col]:
                    cost[at + col] = 0
                    cores_px += 1
                else:
                    cost[at + col] = FAR
                    others_px += 1
    return cost, number, cores_px, others_px


@inner
def _grow_tile(cost, number, stride, farthest, others_px):  # type: ignore[no-untyped-def]
    """Visit the pixels that are not in cores in the order of their costs; `cost` and `number` are changed in place."""
    waiting, count = np.empty((BUCKETS, others_px), np.int32), np.zeros(BUCKETS, np.int64)
    for at in range(stride, cost.shape[0] - stride):
        if cost[at] == FAR:
            cost[at] = _cost_beside_core(cost, at, stride)
            if cost[at] <= farthest:
                waiting[cost[at], count[cost[at]]] = at
                count[cost[at]] += 1
    for now in range(STRAIGHT, farthest + 1):
        bucket = now % BUCKETS
        for k in range(count[bucket]):
            at = int(waiting[bucket, k])
            if cost[at] != now:
                continue  # it was reached more cheaply since
            number[at] = _number_of(cost, number, at, now, stride)
            _reach_neighbors(cost, at, now, stride, farthest, waiting, count)
        count[bucket] = 0


@inner
def _cost_beside_core(cost, at, stride):  # type: ignore[no-untyped-def]
    """The cost of a pixel that touches a core, else FAR; a core pixel's neighbors are all of the class."""
    if cost[at - stride] == 0 or cost[at - 1] == 0 or cost[at + 1] == 0 or cost[at + stride] == 0:
        return np.int16(STRAIGHT)
    for down in (-stride, stride):
        if cost[at + down - 1] == 0 or cost[at + down + 1] == 0:
            return np.int16(DIAGONAL)
    return FAR


@inner
def _reach_neighbors(cost, at, now, stride, farthest, waiting, count):  # type: ignore[no-untyped-def]
    """Let the neighbors wait that are reached from a pixel more cheaply than before."""
    reached = now + STRAIGHT
    bucket = reached % BUCKETS
    for step in (-stride, -1, 1, stride):
        if reached < cost[at + step] and reached <= farthest:
            cost[at + step] = reached
            waiting[bucket, count[bucket]] = at + step
            count[bucket] += 1
    reached = now + DIAGONAL
    bucket = reached % BUCKETS
    for down in (-stride, stride):
        for right in (-1, 1):
            beside = at + down + right
            if reached < cost[beside] and reached <= farthest:
                if cost[at + down] == CLOSED and cost[at + right] == CLOSED:
                    continue
                cost[beside] = reached
                waiting[bucket, count[bucket]] = beside
                count[bucket] += 1


@inner
def _number_of(cost, number, at, now, stride):  # type: ignore[no-untyped-def]
    """The number of the pixel from which the cheapest way arrives, see the top of this file."""
    for step in (-stride, -1, 1, stride):
        if cost[at + step] == now - STRAIGHT:
            return number[at + step]
    for down in (-stride, stride):
        for right in (-1, 1):
            if cost[at + down + right] == now - DIAGONAL:
                if cost[at + down] != CLOSED:
                    return number[at + down]
                if cost[at + right] != CLOSED:
                    return number[at + right]
    return np.int32(0)
