"""Describes what a run will do before it starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.progress import Progress
from fctl_geo.run.networks import Networks
from fctl_geo.run.open import Run
from fctl_geo.scene.appearance import unfamiliar_share
from fctl_geo.windows.window import Window

_UNFAMILIAR = 0.5
"""Users are warned if more of the scene than this looks unlike the training imagery."""


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
    unfamiliar_share: float
    """Share of the scene that looks unlike the imagery that the model was trained on."""

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

    def tell(self, progress: Progress) -> None:
        """Say what will be done, and warn of what may go wrong."""
        for sentence in self.sentences():
            progress.say(sentence)
        for warning in self.warnings():
            progress.warn(warning)

    def warnings(self) -> list[str]:
        """What the user should consider before the run."""
        if self.unfamiliar_share <= _UNFAMILIAR:
            return []
        return [
            f"{100 * self.unfamiliar_share:.0f} % of {self.scene} looks unlike the imagery that model {self.model} was "
            "trained on (colors, contrast, or sharpness): expect more errors than its card says; check the result of a "
            "small part first (--bbox), or adapt the model to your imagery (fctl-geo train --init)"
        ]


def plan_of(run: Run, seconds_a_patch: float, progress: Progress) -> RunPlan:
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
        unfamiliar_share=_unfamiliar_share(run, progress),
    )


def _unfamiliar_share(run: Run, progress: Progress) -> float:
    if run.info.input.appearance is None:
        return 0.0
    sweep = run.final.sweep
    (row, row_end), (col, col_end) = (
        of(0, size) for of, size in zip((sweep.how.model_rows, sweep.how.model_cols), sweep.output_hw, strict=True)
    )
    area = Window(row, col, row_end - row, col_end - col).clip(Window(0, 0, *run.scene.model_hw))
    return unfamiliar_share(run.info.input.appearance, run.scene, area, progress)


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
