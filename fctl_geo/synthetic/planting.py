"""Trees, bushes, hedges, orchards and woods as lists of crowns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.layout import Block, Points, Warp, densify, inside_ring
from fctl_geo.synthetic.look import Look
from fctl_geo.synthetic.solids import Frame
from fctl_geo.synthetic.style import BARE, CONIFER, PALM, ROUND
from fctl_geo.synthetic.water import WaterField

COLUMNS = 9
"""x, y, radius, height, kind, r, g, b (linear), seed."""


@dataclass(slots=True)
class Trees:
    """A growing list of crowns."""

    parts: list[NDArray[np.float64]] = field(default_factory=list)

    def array(self) -> NDArray[np.float64]:
        """All crowns, (T, COLUMNS)."""
        return np.concatenate(self.parts) if self.parts else np.zeros((0, COLUMNS))

    def plant(
        self,
        rng: np.random.Generator,
        look: Look,
        points: Points,
        radius: NDArray[np.float64],
        *,
        kind: int | None = None,
        spread: float = 1.0,
    ) -> None:
        """Put crowns at points (N, 2) with radii (N,); kinds and colors are drawn from the look."""
        n = len(points)
        if n == 0:
            return
        weights = np.array(look.style.trees)
        kinds = rng.choice(4, n, p=weights / weights.sum()) if kind is None else np.full(n, kind)
        palette = np.array(look.style.leaves, dtype=np.float64)
        color = (
            palette[rng.integers(len(palette), size=n)]
            + rng.normal(0, 7 * spread, (n, 1))
            + rng.normal(0, 1, (n, 3)) * spread * np.array([4.5, 3.0, 1.5])
        )
        color[kinds == CONIFER] = color[kinds == CONIFER] * 0.5 + np.array([22.0, 32.0, 22.0])
        color[kinds == BARE] = color[kinds == BARE] * 0.4 + np.array([72.0, 64.0, 54.0])
        r = radius * np.choose(kinds, [1.0, 0.7, 0.75, 0.95])
        height = np.choose(kinds, [1.9 * r + 1.0, 4.0 * r + 2.0, 2.0 * r + 5.0, 1.9 * r + 1.0]) * rng.uniform(
            0.8, 1.2, n
        )
        rgb = (np.clip(color, 5, 250) / 255.0) ** 2.2
        self.parts.append(
            np.column_stack([points, r, np.minimum(height, 24.0), kinds, rgb, rng.integers(1 << 20, size=n)])
        )

    def scatter(
        self,
        rng: np.random.Generator,
        look: Look,
        warp: Warp,
        block: Block,
        count: float,
        water: WaterField,
        around: tuple[Frame, tuple[float, float]] | None = None,
    ) -> None:
        """Plant about this many trees and bushes in a block, few of them over the house."""
        n = int(rng.poisson(max(count, 0.0)))
        if n == 0:
            return
        corners = block.ring[rng.integers(len(block.ring), size=(n, 3))]
        weights = rng.dirichlet([0.8, 0.8, 0.8], n)
        points = warp((corners * weights[..., None]).sum(axis=1))
        radius = np.clip(rng.lognormal(0.75, 0.5, n), 0.6, 6.5)
        keep = water.at(points) > 1.0
        if around is not None:
            frame, (hu, hv) = around
            d = points - np.array([frame.x, frame.y])
            c, s = np.cos(frame.angle), np.sin(frame.angle)
            out = np.maximum(np.abs(d[:, 0] * c + d[:, 1] * s) - hu, np.abs(d[:, 1] * c - d[:, 0] * s) - hv)
            keep &= out > 0.35 * radius
        self.plant(rng, look, points[keep], radius[keep])

    def forest(
        self, rng: np.random.Generator, look: Look, warp: Warp, block: Block, water: WaterField, gsd_m: float
    ) -> None:
        """Fill a block with woods of uneven density."""
        spacing = max(rng.uniform(3.2, 6.5), 2.2 * gsd_m)
        points, edge = _lattice(rng, block, spacing, 0.45)
        if len(points) == 0:
            return
        k = 2 * np.pi / 60
        thin = 0.5 + 0.5 * np.sin(points[:, 0] * k + 3 * np.sin(points[:, 1] * k / 1.7))
        keep = (rng.random(len(points)) < 0.97 - 0.5 * (1 - look.green) * thin) & (
            edge > rng.uniform(-1, 3, len(points))
        )
        points = warp(points[keep])
        points = points[water.at(points) > 2.0]
        radius = spacing * np.clip(rng.lognormal(-0.5, 0.3, len(points)), 0.3, 1.25)
        mono = rng.random() < 0.4
        kind = int(rng.choice(4, p=np.array(look.style.trees) / sum(look.style.trees))) if mono else None
        if kind == PALM or (kind is None and look.style.trees[PALM] < 0.3):
            kind = ROUND if look.style.trees[BARE] + look.style.trees[CONIFER] < 0.1 else None
        self.plant(rng, look, points, radius, kind=kind, spread=1.2)

    def orchard(
        self, rng: np.random.Generator, look: Look, warp: Warp, block: Block, angle: float, water: WaterField
    ) -> None:
        """Plant equal trees in rows."""
        points, edge = _lattice(rng, block, rng.uniform(4.0, 7.5), 0.04, angle)
        points = warp(points[edge > 2.0])
        points = points[water.at(points) > 3.0]
        kind = (
            PALM
            if look.style.trees[PALM] > 0.3 and rng.random() < 0.7
            else BARE
            if look.style.trees[BARE] > 0.3
            else ROUND
        )
        self.plant(
            rng, look, points, rng.uniform(1.3, 2.4) * rng.uniform(0.85, 1.15, len(points)), kind=kind, spread=0.5
        )

    def hedgerow(
        self, rng: np.random.Generator, look: Look, warp: Warp, ring: Points, water: WaterField, *, wild: bool
    ) -> None:
        """Plant a hedge along some edges of a ring: clipped in gardens, uneven with trees between fields."""
        for i in range(len(ring)):
            if rng.random() < 0.45:
                continue
            line = warp(densify(np.stack([ring[i], ring[(i + 1) % len(ring)]]), 2.2 if wild else 0.8))
            line = line[(water.at(line) > 1.5) & (rng.random(len(line)) < (0.8 if wild else 0.97))]
            n = len(line)
            radius = np.clip(rng.lognormal(0.5, 0.45, n), 0.8, 4.5) if wild else np.full(n, rng.uniform(0.6, 0.95))
            jitter = rng.normal(0, 0.8 if wild else 0.05, (n, 2))
            self.plant(rng, look, line + jitter, radius, kind=None if wild else ROUND, spread=1.0 if wild else 0.4)

    def along(self, rng: np.random.Generator, look: Look, point: Points) -> None:
        """Plant one street tree."""
        self.plant(rng, look, point[None], np.array([rng.uniform(1.2, 3.2)]))

    def groves(self, rng: np.random.Generator, look: Look, warp: Warp, block: Block, water: WaterField) -> None:
        """Plant a few irregular groves and thickets in a block."""
        for _ in range(int(rng.integers(1, 5))):
            center = rng.dirichlet(np.full(len(block.ring), 0.7)) @ block.ring
            n, size = int(rng.integers(5, 90)), rng.uniform(2.5, 5.5)
            spread = size * np.sqrt(n) * rng.uniform(0.35, 0.7)
            points = warp(center + rng.normal(0, 1, (n, 2)) * spread * rng.uniform(0.5, 1.0, 2))
            inside = np.array([inside_ring(warp(block.ring), p, 1.0) for p in points])
            points = points[inside & (water.at(points) > 1.0)]
            self.plant(rng, look, points, size * rng.uniform(0.3, 0.8, len(points)))

    def riverside(self, rng: np.random.Generator, look: Look, water: WaterField, extent_m: float) -> None:
        """Plant bushes and trees in clumps along the shores."""
        n = int(min(40_000, look.tree_density * (extent_m / 3.2) ** 2))
        points = rng.uniform(-0.5, 0.5, (n, 2)) * extent_m
        d = water.at(points)
        clump = np.sin(points[:, 0] / 31.0 + 2 * np.sin(points[:, 1] / 23.0)) > -0.1
        keep = (d > 0.8) & (d < 9.0) & clump & (rng.random(n) < 0.8)
        self.plant(rng, look, points[keep], np.clip(rng.lognormal(0.6, 0.5, int(keep.sum())), 0.6, 5.0))


def _lattice(
    rng: np.random.Generator, block: Block, spacing_m: float, jitter: float, angle: float | None = None
) -> tuple[Points, NDArray[np.float64]]:
    """Points of a rotated, jittered lattice inside a block, and their distances to its edge."""
    a = rng.uniform(0, np.pi) if angle is None else angle
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    local = block.ring @ turn
    u = np.arange(local[:, 0].min(), local[:, 0].max(), spacing_m)
    v = np.arange(local[:, 1].min(), local[:, 1].max(), spacing_m)
    grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    points = (grid + rng.normal(0, jitter * spacing_m * 0.6, grid.shape)) @ turn.T
    edges = np.roll(block.ring, -1, axis=0) - block.ring
    normals = (
        np.column_stack([-edges[:, 1], edges[:, 0]]) / np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)[:, None]
    )
    if (block.center - block.ring[0]) @ normals[0] < 0:
        normals = -normals
    edge = ((points[:, None, :] - block.ring) * normals).sum(axis=2).min(axis=1)
    inside = edge > 0
    return points[inside], edge[inside]
