"""One attempt at squaring a group: every arc gets a new line, or keeps its simplified one.

The outline around the group is squared as a whole, as if there were no walls; only arcs that must stay as they are
interrupt it. A courtyard whose outline cannot be squared keeps it. Nodes at which walls end slide along the new
outline: to the foot of the wall's middle if the wall meets the outline at about a right angle, otherwise to the foot
of the node itself, and into a corner that is near. Walls are then drawn straight between their nodes, unless the raw
wall bends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.sides import FIXED, FREE, WALL
from fctl_geo.square.lines import corners_of, reduce_lines
from fctl_geo.square.outcomes import MOVED, NEAR, SHORT
from fctl_geo.square.outline import FINE, check_band, first_lines, load, owner, slide_nodes
from fctl_geo.system.kernels import inner, kernel

DRAWS_IN = 8
"""How often lines that come too near to something else are shifted back, each time by what they lack."""
BENT = 2.0
"""A wall is bent if a raw vertex is farther than this many tolerances from the line between its ends."""


class Drawing(NamedTuple):
    """New lines for all arcs: a struct of arrays, for numba."""

    xy: npt.NDArray[np.int64]
    """(P, 2) vertices (column, row) in units of 1 / FINE px."""
    top: npt.NDArray[np.int64]
    """(1,) the number of vertices so far."""
    span: npt.NDArray[np.int64]
    """(A, 2) begin and end of each arc's vertices."""
    node: npt.NDArray[np.int64]
    """(N, 2) where the nodes are now."""
    trouble: npt.NDArray[np.int64]
    """(regions,) why the object's outline cannot be drawn like this (see `outcomes`); 0: it can."""


@kernel
def still_arcs(arcs, frozen):  # type: ignore[no-untyped-def]
    """(A,) the arcs that stay as they are, given the regions that do."""
    still = np.zeros(arcs.side.shape[0], np.bool_)
    for a in range(still.shape[0]):
        beside = arcs.right[a] >= 0 and frozen[arcs.right[a]]
        still[a] = arcs.side[a] == FIXED or frozen[arcs.left[a]] or beside
    return still


@inner
def _held_nodes(arcs, still):  # type: ignore[no-untyped-def]
    """(N,) the nodes that do not move."""
    held = ~arcs.slides
    for a in range(still.shape[0]):
        if still[a] and arcs.begin[a] >= 0:
            held[arcs.begin[a]] = held[arcs.end[a]] = True
    return held


@kernel
def redraw(arcs, still, n_regions, directions, choices, mode, tolerance_px):  # type: ignore[no-untyped-def]
    """Draw all arcs; `directions` and `choices` as from `find_directions`."""
    n_arcs, n_nodes = arcs.side.shape[0], arcs.node.shape[0]
    room = 8 * arcs.place.shape[0] + 16 * n_arcs + 64
    out = Drawing(
        np.empty((room, 2), np.int64), np.zeros(1, np.int64), np.zeros((n_arcs, 2), np.int64),
        np.empty((n_nodes, 2), np.int64), np.zeros(n_regions, np.int64),
    )  # fmt: skip
    for k in range(n_nodes):
        out.node[k, 0], out.node[k, 1] = (arcs.node[k] & 0xFFFFFFFF) * FINE, (arcs.node[k] >> 32) * FINE
    held = _held_nodes(arcs, still)
    follows = np.full(n_nodes, -1, np.int64)
    free = np.zeros(n_arcs, np.bool_)
    for a in range(n_arcs):
        free[a] = arcs.side[a] == FREE and not still[a]
        if free[a] and arcs.begin[a] >= 0 and not held[arcs.begin[a]]:
            follows[arcs.begin[a]] = a
    for closed in (False, True):
        for a in range(n_arcs):
            if free[a] and (closed or (arcs.begin[a] >= 0 and held[arcs.begin[a]])):
                chain = _chain_from(arcs, a, held, follows, free)
                _draw_outline(arcs, chain, closed, directions, choices, mode, tolerance_px, still, out)
    for a in range(n_arcs):
        if arcs.side[a] == WALL and not still[a]:
            _draw_wall(arcs, a, tolerance_px, out)
        elif out.span[a, 1] == 0:
            _keep(arcs, a, out)
    return out


@inner
def _chain_from(arcs, first, held, follows, free):  # type: ignore[no-untyped-def]
    """The arcs of the outline from `first` to the next node that is held, or all around."""
    chain = np.empty(arcs.side.shape[0], np.int64)
    n, a = 0, first
    while a >= 0 and free[a]:
        chain[n] = a
        n += 1
        free[a] = False
        a = follows[arcs.end[a]] if arcs.end[a] >= 0 and not held[arcs.end[a]] else -1
    return chain[:n]


@inner
def _keep(arcs, a, out):  # type: ignore[no-untyped-def]
    """Draw an arc as it was simplified, but between the present positions of its nodes."""
    out.span[a, 0] = out.top[0]
    for k in range(arcs.drawn[a], arcs.drawn[a + 1]):
        node = -1
        if k == arcs.drawn[a]:
            node = arcs.begin[a]
        elif k == arcs.drawn[a + 1] - 1:
            node = arcs.end[a]
        if node >= 0:
            _add(out, out.node[node, 0], out.node[node, 1])
        else:
            _add(out, np.int64(arcs.points[k, 0] * FINE), np.int64(arcs.points[k, 1] * FINE))
    out.span[a, 1] = out.top[0]


@inner
def _add(out, x, y):  # type: ignore[no-untyped-def]
    top = out.top[0]
    out.xy[top, 0], out.xy[top, 1] = x, y
    out.top[0] = top + 1


@inner
def _draw_wall(arcs, a, tolerance_px, out):  # type: ignore[no-untyped-def]
    if arcs.begin[a] < 0:
        _keep(arcs, a, out)
        return
    ax, ay = out.node[arcs.begin[a], 0] / FINE, out.node[arcs.begin[a], 1] / FINE
    bx, by = out.node[arcs.end[a], 0] / FINE, out.node[arcs.end[a], 1] / FINE
    length = np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
    for k in range(arcs.raw[a] + 1, arcs.raw[a + 1] - 1):
        away = abs((arcs.x[k] - ax) * (by - ay) - (arcs.y[k] - ay) * (bx - ax))
        if away >= BENT * tolerance_px * length:
            _keep(arcs, a, out)
            return
    out.span[a, 0] = out.top[0]
    for node in (arcs.begin[a], arcs.end[a]):
        _add(out, out.node[node, 0], out.node[node, 1])
    out.span[a, 1] = out.top[0]


@inner
def _draw_outline(arcs, chain, closed, directions, choices, mode, tolerance_px, still, out):  # type: ignore[no-untyped-def]
    """Square the arcs of a chain as one outline, and let the nodes between them slide along it."""
    outline, room, offset = load(arcs, chain, closed)
    lines, n = first_lines(arcs, chain, offset, directions, choices, mode, tolerance_px)
    n, bad_line = reduce_lines(lines, n, outline, directions, tolerance_px)
    is_hole = closed and _is_hole(outline)
    if bad_line >= 0:
        if not is_hole:
            out.trouble[owner(arcs, chain, offset, lines.stretch[bad_line, 0])] = SHORT
            out.trouble[owner(arcs, chain, offset, lines.stretch[bad_line, 1])] = SHORT
        return
    bad, lacking = np.zeros(n, np.int64), np.zeros(n, np.float64)
    for attempt in range(DRAWS_IN + 1):
        corners, _ = corners_of(lines, n, outline)
        corners = np.round(corners * FINE) / FINE
        bad[:] = 0
        place = check_band(lines, n, outline, room, corners, tolerance_px, bad, lacking)
        if attempt == DRAWS_IN or not _draw_in(lines, n, closed, bad, lacking):
            break
    if is_hole and bad.any():
        return
    for k in range(n):
        if bad[k]:
            out.trouble[owner(arcs, chain, offset, place[k])] = bad[k]
            out.trouble[owner(arcs, chain, offset, place[k + 1])] = bad[k]
    along = slide_nodes(arcs, chain, offset, closed, lines, n, outline, corners, tolerance_px, still, out)
    _cut_up(arcs, chain, closed, corners, along, out)


@inner
def _draw_in(lines, n, closed, bad, lacking):  # type: ignore[no-untyped-def]
    """Shift the lines that come too near to something else back toward the group; False if that does not help."""
    shifted = False
    for k in range(n):
        if bad[k] == MOVED or (bad[k] == NEAR and not closed and k in (0, n - 1)):
            return False
        if bad[k] == NEAR:
            lines.at[k, 0] += lacking[k] * lines.way[k, 1]
            lines.at[k, 1] -= lacking[k] * lines.way[k, 0]
            shifted = True
    return shifted


@inner
def _is_hole(outline):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(outline.x.shape[0] - 1):
        ax, ay = outline.x[k] - outline.x[0], outline.y[k] - outline.y[0]
        total += ax * (outline.y[k + 1] - outline.y[0]) - (outline.x[k + 1] - outline.x[0]) * ay
    return total > 0


@inner
def _cut_up(arcs, chain, closed, corners, along, out):  # type: ignore[no-untyped-def]
    """Give each arc of the chain its part of the new outline."""
    n = corners.shape[0] - 1
    for i in range(chain.shape[0]):
        a = chain[i]
        out.span[a, 0] = out.top[0]
        if along[0] < 0:  # no node: the ring begins anywhere
            for k in range(n + 1):
                _add(out, np.int64(np.round(corners[k, 0] * FINE)), np.int64(np.round(corners[k, 1] * FINE)))
            out.span[a, 1] = out.top[0]
            return
        _add(out, out.node[arcs.begin[a], 0], out.node[arcs.begin[a], 1])
        k = int(np.floor(along[i])) + 1
        while k < along[i + 1]:
            at = k % n if closed else k
            _add(out, np.int64(np.round(corners[at, 0] * FINE)), np.int64(np.round(corners[at, 1] * FINE)))
            k += 1
        _add(out, out.node[arcs.end[a], 0], out.node[arcs.end[a], 1])
        out.span[a, 1] = out.top[0]
