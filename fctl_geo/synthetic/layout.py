"""The geometry of plans: convex blocks cut repeatedly by streets or borders, all bent by a smooth warp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) x (right) and y (down) in meters from the scene's center."""
MAIN, MINOR, DIRT, TRACK = range(4)
"""Kinds of streets."""


@dataclass(frozen=True, slots=True)
class Block:
    """A convex piece of land before the warp."""

    ring: Points
    """(N, 2) corners."""
    margins_m: NDArray[np.float64]
    """(N,) half width of the street along the edge from corner i to i + 1; 0: no street."""

    @property
    def center(self) -> NDArray[np.float64]:
        """Mean of the corners."""
        return np.asarray(self.ring.mean(axis=0))

    @property
    def area_m2(self) -> float:
        """Area by the shoelace formula."""
        x, y = self.ring[:, 0], self.ring[:, 1]
        return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


@dataclass(frozen=True, slots=True)
class Street:
    """A street's center line before the warp."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    half_width_m: float
    kind: int
    """MAIN, MINOR, DIRT or TRACK."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What divides two halves of a block."""

    half_width_m: float
    kind: int
    """Kind of street; -1: nothing visible."""


def clip_half(block: Block, point: Points, normal: Points, margin_m: float) -> Block | None:
    """Keep the side of a block to which the normal points; the new edge gets the margin; None if nothing is left."""
    side = (block.ring - point) @ normal
    ring, margins = [], []
    n = len(side)
    for i in range(n):
        j = (i + 1) % n
        if side[i] >= 0:
            ring.append(block.ring[i])
            margins.append(block.margins_m[i])
        if (side[i] >= 0) != (side[j] >= 0):
            t = side[i] / (side[i] - side[j])
            ring.append(block.ring[i] + t * (block.ring[j] - block.ring[i]))
            # leaving the kept side starts the new edge, coming back continues along the old one
            margins.append(margin_m if side[i] >= 0 else block.margins_m[i])
    return Block(np.array(ring), np.array(margins)) if len(ring) >= 3 else None


def long_axis(block: Block) -> Points:
    """Get the unit direction of the longer side of the smallest box around the block."""
    edges = np.roll(block.ring, -1, axis=0) - block.ring
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    best, axis = np.inf, np.array([1.0, 0.0])
    for edge, length in zip(edges, lengths, strict=True):
        if length < 1e-6:
            continue
        u = edge / length
        v = np.array([-u[1], u[0]])
        su, sv = np.ptp(block.ring @ u), np.ptp(block.ring @ v)
        if su * sv < best:
            best, axis = su * sv, (u if su >= sv else v)
    return np.asarray(axis)


def halve(block: Block, cut: Cut, jitter_rad: float, rng: np.random.Generator) -> tuple[list[Block], Street]:
    """Cut a block across its long axis near its middle."""
    axis = long_axis(block)
    along = block.ring @ axis
    where = along.min() + rng.uniform(0.4, 0.6) * np.ptp(along)
    point = block.center + axis * (where - block.center @ axis)
    a = rng.normal(0, jitter_rad)
    normal = np.array([axis[0] * np.cos(a) - axis[1] * np.sin(a), axis[0] * np.sin(a) + axis[1] * np.cos(a)])
    parts = [clip_half(block, point, side * normal, cut.half_width_m) for side in (1.0, -1.0)]
    halves = [p for p in parts if p is not None]
    t = np.array([-normal[1], normal[0]])
    reach = _crossings(block.ring, point, t)
    return halves, Street(point + t * reach[0], point + t * reach[1], cut.half_width_m, cut.kind)


def _crossings(ring: Points, point: Points, direction: Points) -> tuple[float, float]:
    """Get the distances from the point at which a line enters and leaves a convex ring."""
    normal = np.array([-direction[1], direction[0]])
    side = (ring - point) @ normal
    nxt = np.roll(side, -1)
    crossing = (side >= 0) != (nxt >= 0)
    t = side[crossing] / (side[crossing] - nxt[crossing])
    hits = ring[crossing] + t[:, None] * (np.roll(ring, -1, axis=0)[crossing] - ring[crossing])
    at = (hits - point) @ direction
    return (float(at.min()), float(at.max())) if at.size else (0.0, 0.0)


def subdivide(
    block: Block,
    wanted_m2: Callable[[Points], float],
    choose_cut: Callable[[Block, int], Cut],
    jitter_rad: float,
    rng: np.random.Generator,
    keep: Callable[[Block], bool] = lambda _: True,
) -> tuple[list[Block], list[Street]]:
    """Cut a block until its pieces have roughly the desired area.

    Args:
        wanted_m2: desired area at a point.
        choose_cut: what divides a block at a depth of the recursion.
        keep: False for a block that will not be visible.
    """
    leaves: list[Block] = []
    streets: list[Street] = []
    todo = [(block, 0)]
    while todo:
        piece, depth = todo.pop()
        if not keep(piece):
            continue
        if piece.area_m2 < wanted_m2(piece.center) * rng.uniform(0.9, 1.9) or depth > 16:
            leaves.append(piece)
            continue
        halves, street = halve(piece, choose_cut(piece, depth), jitter_rad, rng)
        if street.kind >= 0:
            streets.append(street)
        todo.extend((half, depth + 1) for half in halves)
    return leaves, streets


def inset(block: Block, extra_m: float) -> Block | None:
    """Remove the streets (and a little more) along a block's edges; None if nothing is left."""
    inner: Block | None = block
    center = block.center
    for i in range(len(block.ring)):
        a, b = block.ring[i], block.ring[(i + 1) % len(block.ring)]
        length = float(np.hypot(*(b - a)))
        if length < 1e-6 or block.margins_m[i] <= 0:
            continue
        normal = np.array([-(b - a)[1], (b - a)[0]]) / length
        normal = normal if (center - a) @ normal > 0 else -normal
        if inner is None:
            return None
        inner = clip_half(inner, a + normal * (block.margins_m[i] + extra_m), normal, block.margins_m[i])
    return inner


@dataclass(frozen=True, slots=True)
class Warp:
    """A smooth bend of the plane that turns straight cuts into organic streets."""

    waves: NDArray[np.float64]
    """(M, 5): wave vector x, y, phase, amplitude x, y."""

    @staticmethod
    def draw(rng: np.random.Generator, strength_m: float) -> Warp:
        """Draw four waves of 250 to 700 m."""
        a = rng.uniform(0, 2 * np.pi, 4)
        k = 2 * np.pi / rng.uniform(250, 700, 4)
        amp = rng.normal(0, strength_m / 2, (4, 2)) if strength_m > 0 else np.zeros((4, 2))
        return Warp(np.column_stack([np.cos(a) * k, np.sin(a) * k, rng.uniform(0, 7, 4), amp]))

    def __call__(self, points: Points) -> Points:
        """Bend points, (..., 2) to (..., 2)."""
        phase = points @ self.waves[:, :2].T + self.waves[:, 2]
        return np.asarray(points + np.sin(phase) @ self.waves[:, 3:])


def densify(line: Points, spacing_m: float, *, closed: bool = False) -> Points:
    """Add points so that none are farther apart than the spacing."""
    ends = np.roll(line, -1, axis=0) if closed else line[1:]
    out = []
    for a, b in zip(line, ends, strict=closed):
        n = max(1, int(np.ceil(np.hypot(*(b - a)) / spacing_m)))
        out.append(a + (b - a) * np.arange(n)[:, None] / n)
    if not closed:
        out.append(line[-1:])
    return np.concatenate(out)


def inside_ring(ring: Points, p: Points, margin_m: float) -> bool:
    """Whether a point lies inside a convex ring, away from its edges."""
    edges = np.roll(ring, -1, axis=0) - ring
    cross = edges[:, 0] * (p - ring)[:, 1] - edges[:, 1] * (p - ring)[:, 0]
    signed = cross / np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)
    return bool((signed > margin_m).all() or (signed < -margin_m).all())
