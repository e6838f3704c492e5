"""Kernels of the sieve: regions within a few rows, their borders, and the rounds in which small ones are settled."""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.runs import find_runs, root_of, run_area
from fctl_geo.system.kernels import inner, kernel

# The state of a region: the round in which it was settled (0: it is large), or one of these.
PENDING = 120
"""Small, complete, and not yet settled."""
LEFT = 121
"""Small, and too far from any large region: keeps its class."""
OPEN = 122
"""Undecided until more rows arrive."""
NODATA_REGION = 123
"""Nodata: never changes and gives its class to no other region."""
NODATA_CLASS = 255


@kernel
def label_runs(classes):  # type: ignore[no-untyped-def]
    """Split rows into runs and join those that touch and have the same class.

    Args:
        classes: (h, width) uint8.
    Returns:
        first_run (h + 1,): row i has runs first_run[i]:first_run[i + 1]; begin, end (R,) columns; value (R,) classes;
        region (R,): the first run, in raster order, of the run's region.
    """
    height, width = classes.shape
    words = np.zeros(width // 8 + 1, np.uint64)
    start, row_value = np.zeros(width + 3, np.int64), np.zeros(width + 3, np.int64)
    first_run = np.zeros(height + 1, np.int64)
    for i in range(height):
        first_run[i + 1] = first_run[i] + find_runs(classes[i], words, start, row_value) - 1
    n_runs = first_run[height]
    begin, end, region = np.empty(n_runs, np.int64), np.empty(n_runs, np.int64), np.arange(n_runs)
    value = np.empty(n_runs, np.uint8)
    for i in range(height):
        n = find_runs(classes[i], words, start, row_value) - 1
        begin[first_run[i] : first_run[i + 1]] = start[1 : n + 1]
        end[first_run[i] : first_run[i + 1]] = start[2 : n + 2]
        value[first_run[i] : first_run[i + 1]] = row_value[1 : n + 1]
        if i:
            _join_rows(first_run[i - 1], first_run[i], first_run[i + 1], end, value, region)
    for run in range(n_runs):
        region[run] = root_of(region, run)
    return first_run, begin, end, value, region


@inner
def _join_rows(above, below, after, end, value, region):  # type: ignore[no-untyped-def]
    """Unite the runs of two rows (above:below and below:after) that touch and have the same class."""
    up, down = above, below
    while up < below and down < after:
        if value[up] == value[down]:
            one, two = root_of(region, up), root_of(region, down)
            region[max(one, two)] = min(one, two)
        stop = min(end[up], end[down])
        up, down = up + (end[up] == stop), down + (end[down] == stop)


@kernel
def sum_areas(area, first_run, begin, end, region):  # type: ignore[no-untyped-def]
    """(R,) area of each region, at its first run; summed in raster order, independent of how rows are split."""
    total = np.zeros(region.shape[0])
    for i in range(first_run.shape[0] - 1):
        for run in range(first_run[i], first_run[i + 1]):
            total[region[run]] += run_area(area[i], begin[run], end[run])
    return total


@kernel
def first_states(total, value, region, first_run, min_area, ended):  # type: ignore[no-untyped-def]
    """(R,) state of each region before the first round, at its first run."""
    state = np.full(region.shape[0], PENDING, np.uint8)
    for run in range(region.shape[0]):
        if value[run] == NODATA_CLASS:
            state[run] = NODATA_REGION
        elif not total[run] < min_area:  # an unknown area (NaN) is not small
            state[run] = 0
    if not ended:
        for run in range(first_run[first_run.shape[0] - 2], first_run[first_run.shape[0] - 1]):
            if state[region[run]] == PENDING:
                state[region[run]] = OPEN
    return state


@inner
def _count_or_list(first_run, end, region, state, at, neighbor, length):  # type: ignore[no-untyped-def]
    """Walk all borders; for each pending region advance its `at`, and record the border if the arrays have room."""
    for i in range(first_run.shape[0] - 1):
        for run in range(first_run[i] + 1, first_run[i + 1]):
            _note(region[run - 1], region[run], 1, state, at, neighbor, length)
        if i == 0:
            continue
        up, down, col = first_run[i - 1], first_run[i], 0
        while up < first_run[i] and down < first_run[i + 1]:
            stop = min(end[up], end[down])
            _note(region[up], region[down], stop - col, state, at, neighbor, length)
            col = stop
            up, down = up + (end[up] == stop), down + (end[down] == stop)


@inner
def _note(one, two, shared, state, at, neighbor, length):  # type: ignore[no-untyped-def]
    if one == two:
        return
    for region, beside in ((one, two), (two, one)):
        if state[region] == PENDING:
            if length.shape[0]:
                neighbor[at[region]], length[at[region]] = beside, shared
            at[region] += 1


@kernel
def list_borders(first_run, end, region, state):  # type: ignore[no-untyped-def]
    """The borders of the pending regions: those of region k are neighbor, length [offset[k]:offset[k + 1]]."""
    n_runs = region.shape[0]
    counts = np.zeros(n_runs, np.int64)
    nothing = np.zeros(0, np.int64)
    _count_or_list(first_run, end, region, state, counts, nothing, nothing)
    offset = np.zeros(n_runs + 1, np.int64)
    offset[1:] = np.cumsum(counts)
    neighbor, length = np.empty(offset[n_runs], np.int64), np.empty(offset[n_runs], np.int64)
    _count_or_list(first_run, end, region, state, offset[:n_runs].copy(), neighbor, length)
    return offset, neighbor, length


@kernel
def settle(state, value, offset, neighbor, length, rounds):  # type: ignore[no-untyped-def]
    """Run the rounds: `state` and `value` (the class) of the pending regions are changed in place.

    In round k a pending region takes the class with which it shares the longest border, counting only neighbors
    settled before round k. If one of its neighbors is open, it becomes open, too.
    """
    pending = np.flatnonzero(state == PENDING)
    verdict = np.empty(pending.shape[0], np.int64)
    border = np.zeros(256, np.int64)
    for k in range(1, rounds + 1):
        for n in range(pending.shape[0]):
            verdict[n] = _verdict(k, pending[n], state, value, offset, neighbor, length, border)
        kept = 0
        for n in range(pending.shape[0]):
            if verdict[n] == -2:
                state[pending[n]] = OPEN
            elif verdict[n] >= 0:
                state[pending[n]], value[pending[n]] = k, verdict[n]
            else:
                pending[kept] = pending[n]
                kept += 1
        pending = pending[:kept]
    for n in range(pending.shape[0]):
        state[pending[n]] = LEFT


@inner
def _verdict(this_round, region, state, value, offset, neighbor, length, border):  # type: ignore[no-untyped-def]
    """The class that the region takes in this round, -1 for none yet, -2 if it has to wait for more rows."""
    found = False
    border[:] = 0
    for k in range(offset[region], offset[region + 1]):
        beside = neighbor[k]
        if state[beside] == OPEN:
            return -2
        if state[beside] < this_round:
            border[value[beside]] += length[k]
            found = True
    return border.argmax() if found else -1  # argmax: a tie goes to the smaller class id


@kernel
def paint(classes, first_run, begin, end, region, state, value):  # type: ignore[no-untyped-def]
    """Write the regions' classes into `classes` and return the first row that has an open region (h: none has)."""
    height = classes.shape[0]
    first_open = height
    for i in range(height):
        for run in range(first_run[i], first_run[i + 1]):
            classes[i, begin[run] : end[run]] = value[region[run]]
            if state[region[run]] == OPEN:
                first_open = min(first_open, i)
    return first_open
