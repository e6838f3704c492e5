"""Everything the tracer knows about the rows above: arrays whose slots are reused, so that they stay small."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.runs import OUTSIDE

JUNCTION = np.uint8(128)
"""Node flag: three or more boundaries meet here, or it is a corner of the raster."""
PINCH = np.uint8(64)
"""Node flag: a diagonal neighbor has the same class; the ring may pass here a second time."""

# slots of State.scalar
NODE_TOP, NODE_FREE, NODE_LIVE, LABEL_TOP, LABEL_FREE, LABEL_LIVE, DONE, CLOSED, EDGES, ROW, SIDE = range(11)
GROUPS, CUT_ROW = 11, 12
SCALARS = 13


class State(NamedTuple):
    """Everything known about the rows above: a struct of arrays, for numba."""

    scalar: npt.NDArray[np.int64]
    """The scalars; see the slots above."""
    # nodes
    corner: npt.NDArray[np.int64]
    """(N,) row << 32 | column of the node."""
    next: npt.NDArray[np.int32]
    """(N,) the next node along the boundary; for a free slot, the next free slot."""
    other: npt.NDArray[np.int32]
    """(N,) for one end of a chain, its other end; for the start of a closed ring, the next ring of the same region."""
    length: npt.NDArray[np.int32]
    """(N,) for a chain's first node, the number of nodes."""
    flags: npt.NDArray[np.uint8]
    """(N,) JUNCTION, PINCH."""
    reach: npt.NDArray[np.uint16]
    """(N,) least clearances along the edge that leads to the node, and its side (only with clearances); see `sides`."""
    # labels
    parent: npt.NDArray[np.int32]
    """(M,) union-find; for a free slot, the next free slot."""
    pixels: npt.NDArray[np.int64]
    area: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.int64]
    """(M,) sums over the pixels of the region."""
    least: npt.NDArray[np.uint8]
    """(M,) least confidence among them; 255: none is known."""
    first: npt.NDArray[np.int64]
    """(M,) row << 32 | column of the first pixel in raster order."""
    holes: npt.NDArray[np.int32]
    """(M, 2) first and last of the closed holes, which are linked by `other`."""
    hole_nodes: npt.NDArray[np.int64]
    """(M,) nodes that the holes had when they were closed."""
    nodes: npt.NDArray[np.int64]
    """(M,) scratch space for `cut`: all nodes of the region so far."""
    cut: npt.NDArray[np.bool_]
    """(M,) the region ends at the current row, whatever lies below."""
    group: npt.NDArray[np.int32]
    """(M,) the group of parts to which the region belongs; -1: it was never cut."""
    # groups: the parts of a region that was cut; a few bytes per more than `max_vertices` vertices, never reused
    group_parent: npt.NDArray[np.int32]
    """(G,) union-find."""
    group_first: npt.NDArray[np.int64]
    """(G,) row << 32 | column of the first pixel in raster order of all parts."""
    # runs of equal class in the row above and the current row
    start: npt.NDArray[np.int32]
    """(2, width + 3) run k >= 1 begins here; run 0 and the last one are OUTSIDE."""
    value: npt.NDArray[np.int64]
    """(2, width + 3) object << 8 | class of the run."""
    label: npt.NDArray[np.int32]
    """(2, width + 3) label of the run; -1: none yet."""
    edge: npt.NDArray[np.int32]
    """(2, width + 3, 2) the vertical edge at the run's start: last node of the left and of the right region."""
    edge_reach: npt.NDArray[np.uint16]
    """(2, width + 3) least clearances along the vertical edge so far."""
    words: npt.NDArray[np.uint64]
    """One row, padded: the row is scanned eight pixels at a time."""
    # regions that are complete but not yet written
    done: npt.NDArray[np.int32]
    """(D, 3) label, start node of the exterior ring, class."""
    closed: npt.NDArray[np.int32]
    """(D,) start nodes of holes that are closed but not yet simplified (only with clearances; not those of objects)."""
    merged: npt.NDArray[np.int32]
    """(width + 3,) labels that were merged into others in this row."""


_LABELS = (
    "parent", "pixels", "area", "confidence", "least", "first", "holes", "hole_nodes", "nodes", "cut", "group",
)  # fmt: skip


def new_state(width: int) -> State:
    """The state before the first row."""
    runs = width + 3
    nodes, labels = 8 * runs + 64, 2 * runs + 64
    scalar = np.zeros(SCALARS, np.int64)
    scalar[NODE_FREE] = scalar[LABEL_FREE] = scalar[CUT_ROW] = -1
    return State(
        scalar=scalar,
        corner=np.empty(nodes, np.int64),
        next=np.empty(nodes, np.int32),
        other=np.empty(nodes, np.int32),
        length=np.empty(nodes, np.int32),
        flags=np.empty(nodes, np.uint8),
        reach=np.empty(nodes, np.uint16),
        parent=np.empty(labels, np.int32),
        pixels=np.empty(labels, np.int64),
        area=np.empty(labels, np.float64),
        confidence=np.empty(labels, np.int64),
        least=np.empty(labels, np.uint8),
        first=np.empty(labels, np.int64),
        holes=np.empty((labels, 2), np.int32),
        hole_nodes=np.empty(labels, np.int64),
        nodes=np.empty(labels, np.int64),
        cut=np.empty(labels, np.bool_),
        group=np.empty(labels, np.int32),
        group_parent=np.empty(runs, np.int32),
        group_first=np.empty(runs, np.int64),
        start=np.zeros((2, runs), np.int32),
        value=np.full((2, runs), OUTSIDE, np.int64),
        label=np.full((2, runs), -1, np.int32),
        edge=np.zeros((2, runs, 2), np.int32),
        edge_reach=np.zeros((2, runs), np.uint16),
        words=np.zeros(width // 8 + 1, np.uint64),
        done=np.empty((4 * runs + 64, 3), np.int32),
        closed=np.empty(4 * runs + 64, np.int32),
        merged=np.empty(runs, np.int32),
    )


def grow(state: State, more_nodes: int = 0) -> State:
    """The same state with room for another row, and more nodes; arrays are doubled, so that growing is rare."""
    runs = state.merged.shape[0]
    wanted: dict[str, Any] = {}
    nodes = int(state.scalar[NODE_LIVE]) + max(8 * runs, more_nodes)
    if state.corner.shape[0] < nodes:
        for name in ("corner", "next", "other", "length", "flags", "reach"):
            wanted[name] = _larger(getattr(state, name), nodes)
    if state.parent.shape[0] - state.scalar[LABEL_LIVE] < runs:
        for name in _LABELS:
            wanted[name] = _larger(getattr(state, name))
    if state.group_parent.shape[0] - state.scalar[GROUPS] < runs:
        for name in ("group_parent", "group_first"):
            wanted[name] = _larger(getattr(state, name))
    return state._replace(**wanted)


def closing_nodes(state: State) -> int:
    """Number of nodes of the rings that were closed since the last call of `simplify_closed`."""
    holes, exteriors = state.closed[: state.scalar[CLOSED]], state.done[: state.scalar[DONE], 1]
    return int(state.length[holes].sum(dtype=np.int64) + state.length[exteriors].sum(dtype=np.int64))


def _larger(array: npt.NDArray[Any], least: int = 0) -> npt.NDArray[Any]:
    larger = np.empty((max(2 * array.shape[0], least), *array.shape[1:]), array.dtype)
    larger[: array.shape[0]] = array
    return larger
