"""Kernels of the sieve: regions within a few rows, their borders, and the rounds in which small ones are settled."""

from __future__ import annotations

import numpy as np

from fctl_geo.polygons.runs import find_runs, root_of, run_area
from fctl_geo.polygons.strip import CLASS_BITS
from fctl_geo.system.kernels import inner, kernel

# The state of a region: the round in which it was settled (0: it is large), or one of these.
PENDING = 120
"""Small, complete, and not yet settled."""
LEFT = 121
"""Small, and too far from any large region: keeps its class."""
OPEN = 122
"""Undecided until more rows arrive."""
FIXED = 123
"""Nodata, or not of a class whose objects are joined: never changes and gives its class to no other region."""
NONE, WAIT = -1, -2
"""Instead of the value that a region takes: none yet; it has to wait for more rows."""


@kernel
def label_runs(classes, objects, listed):  # type: ignore[no-untyped-def]
    """Split rows into runs and join those that touch and have the same class.

    Args:
        classes: (h, width) uint8.
        objects: (h, width) int32, a run has one of them; or (h, 0).
        listed: (256,) bool, the classes whose runs are listed.
    Returns:
        first_run (h + 1,): row i has runs first_run[i]:first_run[i + 1]; begin, end (R,) columns; value (R,) int64
        object << 8 | class; region (R,): the first run, in raster order, of the run's region.
    """
    height, width = classes.shape
    words, no_objects = np.zeros(width // 8 + 1, np.uint64), np.empty(0, np.int32)
    start, row_value = np.zeros(width + 3, np.int64), np.zeros(width + 3, np.int64)
    first_run = np.zeros(height + 1, np.int64)
    begin, end, value = np.empty(width, np.int64), np.empty(width, np.int64), np.empty(width, np.int64)
    n_runs = 0
    for i in range(height):
        if n_runs + width > begin.shape[0]:
            begin, end, value = _doubled(begin), _doubled(end), _doubled(value)
        for run in range(1, find_runs(classes[i], no_objects, words, start, row_value)):
            if listed[row_value[run]]:
                begin[n_runs], end[n_runs], value[n_runs] = start[run], start[run + 1], row_value[run]
                n_runs = _split_run(objects[i], begin, end, value, n_runs)
        first_run[i + 1] = n_runs
    begin, end, value, region = begin[:n_runs], end[:n_runs], value[:n_runs], np.arange(n_runs)
    for i in range(1, height):
        _join_rows(first_run[i - 1], first_run[i], first_run[i + 1], begin, end, value, region)
    for run in range(n_runs):
        region[run] = root_of(region, run)
    return first_run, begin, end, value, region


@inner
def _doubled(array):  # type: ignore[no-untyped-def]
    """A copy with room for as much again."""
    larger = np.empty(2 * array.shape[0] + 64, array.dtype)
    larger[: array.shape[0]] = array
    return larger


@inner
def _split_run(objects, begin, end, value, run):  # type: ignore[no-untyped-def]
    """Split the last run of a class into runs of one object, if there are objects; returns the number of runs."""
    if objects.shape[0] == 0:
        return run + 1
    class_id, last = value[run], end[run]
    value[run] |= np.int64(objects[begin[run]]) << 8
    for col in range(begin[run] + 1, last):
        if objects[col] != objects[col - 1]:
            end[run] = col
            run += 1
            begin[run], end[run], value[run] = col, last, np.int64(objects[col]) << 8 | class_id
    return run + 1


@inner
def _join_rows(above, below, after, begin, end, value, region):  # type: ignore[no-untyped-def]
    """Unite the runs of two rows (above:below and below:after) that touch and have the same class."""
    up, down = above, below
    while up < below and down < after:
        if value[up] == value[down] and begin[up] < end[down] and begin[down] < end[up]:
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
def first_states(total, value, region, first_run, min_area, ended, changing):  # type: ignore[no-untyped-def]
    """(R,) state of each region before the first round, at its first run; `changing` (256,): the classes that may."""
    state = np.full(region.shape[0], LEFT, np.uint8)
    for run in range(region.shape[0]):
        if region[run] != run:
            continue
        if not changing[value[run] & CLASS_BITS]:
            state[run] = FIXED
        elif total[run] < min_area:
            state[run] = PENDING
        else:  # an unknown area (NaN) is not small
            state[run] = 0
    if not ended:
        for run in range(first_run[first_run.shape[0] - 2], first_run[first_run.shape[0] - 1]):
            if state[region[run]] == PENDING:
                state[region[run]] = OPEN
    return state


@inner
def _count_or_list(first_run, begin, end, region, state, at, neighbor, length):  # type: ignore[no-untyped-def]
    """Walk all borders; for each pending region advance its `at`, and record the border if the arrays have room."""
    for i in range(first_run.shape[0] - 1):
        for run in range(first_run[i] + 1, first_run[i + 1]):
            if end[run - 1] == begin[run]:
                _note(region[run - 1], region[run], 1, state, at, neighbor, length)
        if i == 0:
            continue
        up, down = first_run[i - 1], first_run[i]
        while up < first_run[i] and down < first_run[i + 1]:
            stop = min(end[up], end[down])
            shared = stop - max(begin[up], begin[down])
            if shared > 0:
                _note(region[up], region[down], shared, state, at, neighbor, length)
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
def list_borders(first_run, begin, end, region, state):  # type: ignore[no-untyped-def]
    """The borders of the pending regions: those of region k are neighbor, length [offset[k]:offset[k + 1]]."""
    n_runs = region.shape[0]
    counts = np.zeros(n_runs, np.int64)
    nothing = np.zeros(0, np.int64)
    _count_or_list(first_run, begin, end, region, state, counts, nothing, nothing)
    offset = np.zeros(n_runs + 1, np.int64)
    offset[1:] = np.cumsum(counts)
    neighbor, length = np.empty(offset[n_runs], np.int64), np.empty(offset[n_runs], np.int64)
    _count_or_list(first_run, begin, end, region, state, offset[:n_runs].copy(), neighbor, length)
    return offset, neighbor, length


@kernel
def settle(state, value, offset, neighbor, length, rounds, objects):  # type: ignore[no-untyped-def]
    """Run the rounds: `state` and `value` (the class) of the pending regions are changed in place.

    In round k a pending region takes the class with which it shares the longest border, counting only neighbors
    settled before round k. If one of its neighbors is open, it becomes open, too. With `objects`, only neighbors of its
    own class count, and a region that remains keeps its class alone.
    """
    pending = np.flatnonzero(state == PENDING)
    verdict = np.empty(pending.shape[0], np.int64)
    known, slot = np.empty(neighbor.shape[0], np.int64), np.empty(value.shape[0], np.int64)
    found = 0
    for k in np.argsort(value[neighbor]):  # slot: the position of a neighbor's value among those known
        if found == 0 or value[neighbor[k]] != known[found - 1]:
            known[found] = value[neighbor[k]]
            found += 1
        slot[neighbor[k]] = found - 1
    border = np.zeros(known.shape[0], np.int64)
    for k in range(1, rounds + 1):
        for n in range(pending.shape[0]):
            borders = slice(offset[pending[n]], offset[pending[n] + 1])
            own = value[pending[n]] & CLASS_BITS if objects else NONE
            verdict[n] = _verdict(k, own, state, slot, known, neighbor[borders], length[borders], border)
        kept = 0
        for n in range(pending.shape[0]):
            if verdict[n] == WAIT:
                state[pending[n]] = OPEN
            elif verdict[n] != NONE:
                state[pending[n]], slot[pending[n]] = k, verdict[n]
                value[pending[n]] = known[verdict[n]]
            else:
                pending[kept] = pending[n]
                kept += 1
        pending = pending[:kept]
    for n in range(pending.shape[0]):
        state[pending[n]] = LEFT
        if objects:
            value[pending[n]] &= CLASS_BITS


@inner
def _verdict(this_round, own, state, slot, known, neighbor, length, border):  # type: ignore[no-untyped-def]
    """The slot of the value that the region takes in this round, NONE yet, or WAIT for more rows.

    `own` is the class of the neighbors that count; NONE: all do. `border` is zero before and after.
    """
    for k in range(neighbor.shape[0]):
        if state[neighbor[k]] == OPEN:
            return WAIT
    best = NONE
    for k in range(neighbor.shape[0]):
        at = slot[neighbor[k]]
        if state[neighbor[k]] < this_round and (own == NONE or known[at] & CLASS_BITS == own):
            border[at] += length[k]
            if best == NONE or border[at] > border[best] or (border[at] == border[best] and at < best):
                best = at  # a tie goes to the smaller value
    for k in range(neighbor.shape[0]):
        border[slot[neighbor[k]]] = 0
    return best


@kernel
def first_open_row(first_run, region, state):  # type: ignore[no-untyped-def]
    """The first row with an open region; the number of rows if there is none."""
    height = first_run.shape[0] - 1
    for i in range(height):
        for run in range(first_run[i], first_run[i + 1]):
            if state[region[run]] == OPEN:
                return i
    return height


@kernel
def paint(target, shift, first_run, begin, end, value, region):  # type: ignore[no-untyped-def]
    """Write value >> shift of each region into the first rows (h, width)."""
    for i in range(target.shape[0]):
        for run in range(first_run[i], first_run[i + 1]):
            target[i, begin[run] : end[run]] = value[region[run]] >> shift


@kernel
def leave_at_edges(first_run, begin, end, region, state, width, at_top, at_bottom):  # type: ignore[no-untyped-def]
    """Regions that touch an edge of the raster, and would otherwise change, stay as they are: `state` in place."""
    height = first_run.shape[0] - 1
    for i in range(height):
        on_edge = (at_top and i == 0) or (at_bottom and i == height - 1)
        for run in range(first_run[i], first_run[i + 1]):
            touches = on_edge or begin[run] == 0 or end[run] == width
            if touches and (state[region[run]] == PENDING or state[region[run]] == OPEN):
                state[region[run]] = LEFT


@kernel
def fill(state, value, offset, neighbor, never):  # type: ignore[no-untyped-def]
    """Pending regions with neighbors of a single value, other than `never`, take it: in place."""
    for region in np.flatnonzero(state == PENDING):
        first = value[neighbor[offset[region]]] if offset[region] < offset[region + 1] else never
        for k in range(offset[region], offset[region + 1]):
            if value[neighbor[k]] != first:
                first = never
        state[region] = LEFT if first == never else 1
        if first != never:
            value[region] = first
