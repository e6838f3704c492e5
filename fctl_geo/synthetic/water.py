"""Rivers and lakes as one coarse field of distances to the nearest shore."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAR_M = 1e4


@dataclass(frozen=True, slots=True)
class WaterField:
    """Signed distance to the shore, negative in the water."""

    distance_m: NDArray[np.float32]
    """(n, n) on a square grid around the scene's center."""
    origin_m: float
    """x and y of the first node."""
    cell_m: float

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance at points, (..., 2) to (...), bilinear, clamped at the field's edge."""
        n = self.distance_m.shape[0]
        g = np.clip((points - self.origin_m) / self.cell_m, 0, n - 1.001)
        i = g.astype(np.int64)
        f = g - i
        x, y = i[..., 0], i[..., 1]
        d = self.distance_m
        top = d[y, x] * (1 - f[..., 0]) + d[y, x + 1] * f[..., 0]
        low = d[y + 1, x] * (1 - f[..., 0]) + d[y + 1, x + 1] * f[..., 0]
        return np.asarray(top * (1 - f[..., 1]) + low * f[..., 1])


def _river(rng: np.random.Generator, extent_m: float, offset_m: float) -> tuple[NDArray[np.float64], float]:
    """Draw a meandering center line (N, 2) and its half width."""
    half = rng.uniform(0.006, 0.03) * min(max(extent_m, 300), 1600)
    t = np.arange(-extent_m, extent_m, max(half / 3, 3.0))
    bends = sum(
        rng.normal(0, 1) * w * 0.07 * np.sin(2 * np.pi * t / w + rng.uniform(0, 7)) for w in rng.uniform(150, 900, 4)
    )
    a = rng.uniform(0, 2 * np.pi)
    along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    return t[:, None] * along + (np.asarray(bends) + offset_m)[:, None] * across, float(half)


def _lake(
    rng: np.random.Generator, grid: NDArray[np.float64], center: NDArray[np.float64], radius_m: float
) -> NDArray[np.float64]:
    """Distance to a lobed lake's shore on a grid (n, n, 2), roughly in meters."""
    d = grid - center
    angle = np.arctan2(d[..., 1], d[..., 0])
    lobes = sum(rng.normal(0, 0.35 / k) * np.cos(k * angle + rng.uniform(0, 7)) for k in range(1, 7))
    stretch = rng.uniform(0.6, 1.0)
    return np.asarray(np.hypot(d[..., 0], d[..., 1] / stretch) - radius_m * (1 + 0.6 * lobes))


def _dredge(field: NDArray[np.float64], grid: NDArray[np.float64], line: NDArray[np.float64], half_m: float) -> None:
    """Lower the field along a line, in place, row by row (memory stays small)."""
    for row in range(grid.shape[0]):
        d = np.hypot(grid[row, :, None, 0] - line[None, :, 0], grid[row, :, None, 1] - line[None, :, 1]).min(axis=1)
        field[row] = np.minimum(field[row], d - half_m)


def draw_water(seed: int, extent_m: float, *, river: bool, lakes: int) -> WaterField:
    """Draw a scene's waters.

    Args:
        extent_m: side of the square to cover.
        river: whether one runs through the scene.
        lakes: how many.
    """
    rng = np.random.default_rng([seed, 2])
    n = int(np.clip(extent_m / 3, 16, 400))
    cell = extent_m / (n - 1)
    axis = -extent_m / 2 + cell * np.arange(n)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    field = np.full((n, n), FAR_M)
    if river:
        line, half = _river(rng, extent_m, rng.uniform(-0.28, 0.28) * extent_m)
        _dredge(field, grid, line, half)
    for _ in range(lakes):
        radius = rng.uniform(0.03, 0.12) * min(extent_m, 1200) + 8
        field = np.minimum(field, _lake(rng, grid, rng.uniform(-0.45, 0.45, 2) * extent_m, radius))
    return WaterField(field.astype(np.float32), -extent_m / 2, cell)
