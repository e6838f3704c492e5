"""Describes what a run will do before it starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.model.backend import Networks
from fctl_geo.run.open import Run
from fctl_geo.windows.window import Window


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run will do, and what it will take."""

    scene: str
    size_hw: tuple[int, int]
    scene_gsd_m: float | None
    model: str
    model_gsd_m: float | None
    scale: float
    patches: int
    patches_left_out: int
    shards: int
    refines: bool
    device: str
    memory_bytes: int
    seconds: float
    """Estimated from one patch of this model on this device."""

    def sentences(self) -> list[str]:
        """Human-readable lines."""
        height, width = self.size_hw
        gsd = "unknown GSD" if self.scene_gsd_m is None else f"{self.scene_gsd_m:.3g} m per pixel"
        lines = [f"{self.scene}: {width:,} x {height:,} px, {gsd}; model {self.model}"]
        if self.scale != 1.0:
            lines.append(f"resampled {self.scale:.3g} : 1 to the model's {self.model_gsd_m:.3g} m")
        left_out = f" ({self.patches_left_out:,} outside the area skipped)" if self.patches_left_out else ""
        refined = ", then refined" if self.refines else ""
        shards = f"{self.shards} shard{'s' if self.shards > 1 else ''}"
        patches = f"{self.patches:,} patch{'es' if self.patches != 1 else ''}"
        lines.append(f"{patches} in {shards}{left_out}{refined}, on {self.device}")
        lines.append(f"about {_duration(self.seconds)} and {self.memory_bytes / 2**30:.1f} GiB of memory at most")
        return lines


def plan_of(run: Run, seconds_a_patch: float) -> RunPlan:
    """Plan a run by counting its patches; the executor that will compute them measures the time per patch."""
    patches = run.crude.patches
    grid = run.crude.sweep.grid
    seconds = patches * seconds_a_patch / run.hardware.patches_at_once
    info = run.scene.info
    return RunPlan(
        scene=info.path,
        size_hw=(info.height, info.width),
        scene_gsd_m=info.gsd_m,
        model=f"{run.info.name} {run.info.version}",
        model_gsd_m=run.info.input.gsd_m,
        scale=run.scene.scale,
        patches=patches,
        patches_left_out=max(0, grid.shape[0] * grid.shape[1] - patches),
        shards=len(run.final.shards),
        refines=run.refines,
        device=run.hardware.name,
        memory_bytes=run.memory_bytes,
        seconds=seconds,
    )


@dataclass(frozen=True, slots=True)
class _Blank:
    pixels: NDArray[np.uint8]
    valid: NDArray[np.bool_]


def time_a_patch(run: Run, networks: Networks) -> float:
    """Wall-clock seconds per patch, including its share of context tiles and refinement."""
    from fctl_geo.model.device import shortest_s
    from fctl_geo.model.orientation import ORIENTATIONS
    from fctl_geo.model.refiner import Refiner
    from fctl_geo.model.segmenter import Segmenter

    grid, bands = run.crude.sweep.grid, len(run.info.input.bands)

    def blank(window: Window, factor: int) -> _Blank:
        return _Blank(np.zeros((bands, *window.size_hw), np.uint8), np.ones(window.size_hw, np.bool_))

    segmenter = Segmenter(networks.segmentation, networks.device, grid, ORIENTATIONS[run.settings.engine.tta], blank)
    seconds = segmenter.time_a_patch()
    if run.refines and networks.refinement is not None:
        ids = [c.id for c in run.info.legend]
        some = np.random.default_rng(0).choice(ids, (64, 64)).astype(np.uint8)

        def spotted(window: Window) -> NDArray[np.uint8]:
            return np.kron(some, np.ones((32, 32), np.uint8))[: window.height, : window.width]

        refiner = Refiner(networks.refinement, networks.device, run.final.sweep.grid, run.info.legend, spotted)
        seconds += shortest_s(lambda: list(refiner.logits([(0, 0)])))
    return seconds


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
