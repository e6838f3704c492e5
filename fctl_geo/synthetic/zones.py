"""Where the town lies, how dense it is, and where woods grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.layout import Points
from fctl_geo.synthetic.look import Look

TOWN_EDGE = 0.3
"""Below this density the land is open country."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Smooth fields over the plan."""

    center: Points
    radius_m: float
    forest_level: float
    waves: NDArray[np.float64]
    """(8, 3) wave vector x, y and phase: four waves bend the town's edge, four make woods."""

    def urban(self, p: Points) -> float:
        """1 in the town's center, TOWN_EDGE at its edge, 0 outside."""
        d = float(np.hypot(*(p - self.center))) / max(self.radius_m, 1e-3)
        return float(np.clip(1.0 - 0.7 * d + 0.12 * self._waves(p, 0), 0, 1))

    def wooded(self, p: Points) -> bool:
        """Whether a piece of open country is a wood."""
        return self._waves(p, 4) > self.forest_level

    def _waves(self, p: Points, first: int) -> float:
        w = self.waves[first : first + 4]
        return float(np.sin(p[0] * w[:, 0] + p[1] * w[:, 1] + w[:, 2]).sum() / 2)


def draw_zones(rng: np.random.Generator, extent_m: float, look: Look) -> Zones:
    """Draw a scene's zones: a whole town and its surroundings or, in a small scene, a piece of either."""
    if extent_m >= 700:
        center = rng.uniform(-0.2, 0.2, 2) * extent_m
        radius = rng.uniform(0.28, 0.45) * min(extent_m, 2500)
    else:
        kind = str(rng.choice(["town", "edge", "country"], p=[0.62, 0.25, 0.13]))
        center = rng.uniform(-0.6, 0.6, 2) * extent_m
        radius = {"town": rng.uniform(1.2, 4.0), "edge": 0.7, "country": 0.01}[kind] * max(extent_m, 150.0)
    a, k = rng.uniform(0, 2 * np.pi, 8), 2 * np.pi / rng.uniform(200, 700, 8)
    waves = np.column_stack([np.cos(a) * k, np.sin(a) * k, rng.uniform(0, 7, 8)])
    level = 1.2 - 1.5 * look.tree_density * look.green + rng.normal(0, 0.2)
    return Zones(center, radius, level, waves)
