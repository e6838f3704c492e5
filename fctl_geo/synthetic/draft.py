"""A world, while being drawn and when finished."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.grounds import Ground, draw_ground
from fctl_geo.synthetic.layout import Block, Points, Warp, densify
from fctl_geo.synthetic.look import Look
from fctl_geo.synthetic.planting import Trees
from fctl_geo.synthetic.solids import Solids
from fctl_geo.synthetic.water import WaterField
from fctl_geo.synthetic.zones import Zones


@dataclass(frozen=True, slots=True)
class World:
    """Everything in a scene, in meters from its center (x right, y down)."""

    look: Look
    water: WaterField
    rings: list[Points]
    """Outlines of parcels; later ones cover earlier ones."""
    grounds: NDArray[np.float64]
    """(P + 1, 18) one `Ground` per parcel; row 0 is the open country."""
    streets: NDArray[np.float64]
    """(S, 11) pieces: ax, ay, bx, by, meters from the street's start, half width, kind, order (older streets win at
    crossings), street number, sidewalk width, ends (1 = starts here, 2 = ends here, 3 = both)."""
    solids: NDArray[np.float64]
    """(B, 18), see houses.Solids."""
    trees: NDArray[np.float64]
    """(T, 9), see planting.Trees."""


@dataclass(slots=True)
class Draft:
    """The world while it is being drawn."""

    rng: np.random.Generator
    look: Look
    zones: Zones
    water: WaterField
    warp: Warp
    gsd_m: float
    lot_m2: float
    rings: list[Points] = field(default_factory=list)
    grounds: list[Ground] = field(default_factory=list)
    solids: Solids = field(default_factory=Solids)
    trees: Trees = field(default_factory=Trees)

    @property
    def fine(self) -> bool:
        """Whether objects one meter in size are visible."""
        return self.gsd_m < 0.8

    def lay(self, block: Block, use: str, angle: float) -> None:
        """Cover a piece of land."""
        self.rings.append(self.warp(densify(block.ring, 12.0, closed=True)))
        self.grounds.append(draw_ground(self.rng, self.look, use, angle))

    def dry(self, points: Points, shore_m: float) -> bool:
        """Whether all points lie at least this far from the water."""
        return bool((self.water.at(points) > shore_m).all())

    def scatter_trees(self, block: Block, one_per_m2: float, *, density: float | None = None) -> None:
        """Plant single trees and bushes, at the look's density unless another is given."""
        share = self.look.tree_density if density is None else density
        self.trees.scatter(self.rng, self.look, self.warp, block, share * block.area_m2 / one_per_m2, self.water)

    def front(self, block: Block) -> float:
        """Direction of the block's longest edge after the warp; edges along streets count three times."""
        edges = np.roll(block.ring, -1, axis=0) - block.ring
        i = int(np.argmax(np.hypot(edges[:, 0], edges[:, 1]) * (1 + 2 * (block.margins_m > 0))))
        a, b = self.warp(np.stack([block.ring[i], block.ring[(i + 1) % len(block.ring)]]))
        return float(np.arctan2(*(b - a)[::-1]))
