"""A run made ready: model, scene, hardware, grids and shards, all decided before the first patch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fctl_geo.errors import ModelFileError, SceneError
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.progress import Progress
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.memory import cache_bytes, fitting_shard_px, memory_bytes
from fctl_geo.run.spec import RunSpec, resolved, spec_of
from fctl_geo.run.stage import Stage, Step
from fctl_geo.run.work_folder import ShardOrigin
from fctl_geo.scene import Scene, open_scene
from fctl_geo.settings import Settings
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.stitch.sweep import Sweep
from fctl_geo.storage.identity import uncertain
from fctl_geo.windows.grid import CELL_PX, PatchGrid
from fctl_geo.windows.shards import BLOCK_PX, cut_shards
from fctl_geo.windows.window import Window

MOST_PX = 4 * 10**12
"""The most that one run writes; it takes a list of its shards."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run needs, but for the networks: whoever computes its shards has those."""

    source: str
    """The scene as it was named; a local one absolute, so that any process finds it."""
    settings: Settings
    """As asked for, merge and refinement as the model recommends where nothing was."""
    spec: RunSpec
    """What it depends on."""
    origin: ShardOrigin
    """What its shards are made of, as the work folder keeps it."""
    info: ModelInfo
    scene: Scene
    hardware: Hardware
    crude: Stage
    """Scene to classes: on the output's grid, or on the model's if they are refined after."""
    final: Stage
    """The output's grid; the same stage as `crude` where nothing is refined."""
    memory_bytes: int
    """Estimated peak of a process."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The sweeps, in their order."""
        if not self.refines:
            return (Step("segment", "classes", self.final),)
        return (Step("segment", "crude", self.crude), Step("refine", "classes", self.final))

    @property
    def refines(self) -> bool:
        """Whether the classes are refined after they were segmented."""
        return bool(self.settings.engine.refine)

    @property
    def inputs(self) -> list[Path]:
        """The files that it reads, but for the model's."""
        return [Path(identity.name) for identity in (*self.spec.inputs.scene, *self.spec.inputs.area)]


def absolute_path(path: str | Path) -> str:
    """A local file by its absolute path; anything else that GDAL opens as it is."""
    return str(Path(path).absolute()) if Path(path).exists() else str(path)


@contextmanager
def open_run(
    scene_path: str | Path, settings: Settings, hardware: Hardware, progress: Progress, shard_px: int | None = None
) -> Iterator[Run]:
    """A run, ready to start; closes the scene after it.

    Args:
        hardware: what the shards will be computed on, here or elsewhere.
        shard_px: what another process or an earlier run has decided; None: the largest shards that keep within the
            memory allowed and give every process some.
    Raises:
        FctlError: anything that stands in the run's way, before a patch is computed.
    """
    info = read_model_info(settings.model)
    settings = resolved(settings, info)
    refine = bool(settings.engine.refine)
    info.legend.ids_of(settings.polygons.classes or ())  # one that is not there fails before the work
    if refine and info.refinement is None:
        raise ModelFileError(f"model {info.name!r} has no refinement network", hint="run with --no-refine")
    with open_scene(scene_path, info.input, settings.scene, progress=progress) as scene:
        _refuse_endless(scene)
        side = shard_px or fitting_shard_px(settings, info, scene, hardware)
        grid = PatchGrid(*scene.model_hw, info.patch_px, info.overlap_px, info.layout)
        final = _final_stage(scene, info, settings, side, refining_grid(*scene.model_hw, info) if refine else grid)
        crude = _crude_stage(final.sweep, grid, scene, side) if refine else final
        scene.resize_cache(cache_bytes(scene, info, final))
        source = absolute_path(scene_path)
        spec = spec_of(source, scene, settings, info, hardware, side)
        for name in uncertain(spec.inputs.scene):
            progress.warn(f"{name}: no time of change, no ETag: if it is replaced, --resume may not notice")
        memory = memory_bytes(settings, info, scene, hardware, side)
        origin = ShardOrigin(spec.shard_key, side, spec.arithmetic, spec.facts)
        yield Run(source, settings, spec, origin, info, scene, hardware, crude, final, memory)


def refining_grid(height: int, width: int, info: ModelInfo) -> PatchGrid:
    """The patches of a model's refinement network, which wants whole cells whatever the segmentation's patches are."""
    patch_px = math.ceil(info.patch_px / CELL_PX) * CELL_PX
    return PatchGrid(height, width, patch_px, info.overlap_px // 2 * 2)


def _refuse_endless(scene: Scene) -> None:
    """Before lists are made of its shards: a header may declare any size."""
    height, width = scene.frame.size_hw
    if height * width > MOST_PX:
        raise SceneError(
            f"{Path(scene.info.path).name} declares {width:,} x {height:,} pixels, the most for one run is "
            f"{round(MOST_PX**0.5):,} squared",
            hint="if its header tells the truth, take a part of it with --aoi or --bbox",
        )


def _final_stage(scene: Scene, info: ModelInfo, settings: Settings, shard_px: int, grid: PatchGrid) -> Stage:
    scale = 1.0 if settings.scene.grid == "model" else scene.scale
    crop = scene.frame_window

    def full(window: Window) -> Window:
        return Window(window.row + crop.row, window.col + crop.col, window.height, window.width)

    sweep = Sweep(
        grid=grid,
        merge=settings.engine.merge or info.merge,
        classes=len(info.legend),
        how=Resampling(scale, crop.row, crop.col),
        may_want=lambda window: scene.may_want(full(window)),
        wants=lambda window: bool(scene.wanted(full(window)).any()),
        output_hw=scene.frame.size_hw,
    )
    side = max(BLOCK_PX, int(shard_px * scale) // BLOCK_PX * BLOCK_PX)
    return Stage(scene.frame, sweep, tuple(cut_shards(*scene.frame.size_hw, side)))


def _crude_stage(final: Sweep, grid: PatchGrid, scene: Scene, shard_px: int) -> Stage:
    """Classes on the model's grid, of the part that the output draws from."""
    height, width = scene.model_hw
    rows, cols = final.how.model_rows(0, final.output_hw[0]), final.how.model_cols(0, final.output_hw[1])
    row, col = max(0, rows[0]), max(0, cols[0])
    size_hw = min(height, rows[1]) - row, min(width, cols[1]) - col

    def output_of(window: Window) -> Window:
        model = Window(window.row + row, window.col + col, window.height, window.width)
        return final.how.output_of(model).clip(Window(0, 0, *final.output_hw))

    frame = scene.model_frame.cut(Window(row, col, *size_hw))
    sweep = replace(
        final,
        grid=grid,
        how=Resampling(1.0, row, col),
        may_want=lambda window: final.may_want(output_of(window)),
        wants=lambda window: final.wants(output_of(window)),
        output_hw=size_hw,
    )
    return Stage(frame, sweep, tuple(cut_shards(*size_hw, shard_px)))
