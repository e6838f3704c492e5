"""A network's sweep over the scene, and the steps that make up a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fctl_geo.stitch.sweep import Sweep
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import Shard, runs_downwards


@dataclass(frozen=True, slots=True)
class Stage:
    """One network's pass over the scene: the grid it writes, its shards, and how its logits are merged."""

    frame: RasterFrame
    sweep: Sweep
    shards: tuple[Shard, ...]

    @property
    def patches(self) -> int:
        """Patches that intersect the area of interest, counting the overlap of shards as often as it is computed."""
        runs = runs_downwards(list(self.shards))
        return sum(self.sweep.may_be_wanted(p) for run in runs for row in self.sweep.patches_of(run) for p in row)


@dataclass(frozen=True, slots=True)
class Step:
    """One network's sweep in a run, and the layer of shards that it writes to the work folder."""

    name: Literal["segment", "refine"]
    layer: Literal["crude", "classes"]
    stage: Stage
