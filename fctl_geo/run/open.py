"""Prepares a run: model, scene, hardware, grids and shards are all decided before the first patch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fctl_geo.errors import ModelFileError, SceneError
from fctl_geo.georef.area import pixel_areas
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.progress import Progress
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.shard_size import cache_bytes, fitting_shard_px, memory_bytes
from fctl_geo.run.spec import RunSpec, resolved, spec_of
from fctl_geo.run.stage import Stage, Step
from fctl_geo.run.work_folder import ShardOrigin
from fctl_geo.scene import Scene, open_scene
from fctl_geo.settings import PolygonSettings, Settings
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.stitch.sweep import Sweep
from fctl_geo.storage.identity import uncertain
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.grid import CELL_PX, PatchGrid
from fctl_geo.windows.shards import BLOCK_PX, cut_shards
from fctl_geo.windows.window import Window

MOST_PX = 4 * 10**12
"""The most pixels that one run writes, since the list of its shards must fit in memory."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run needs, except for the networks, which belong to the executor."""

    source: str
    """The scene as given by the user; local paths are absolute, so that any process finds them."""
    settings: Settings
    """As given by the user; merge, refinement, separation and backend are resolved."""
    spec: RunSpec
    """What the run depends on."""
    origin: ShardOrigin
    """What its shards are made from, as stored in the work folder."""
    info: ModelInfo
    scene: Scene
    hardware: Hardware
    crude: Stage
    """From scene to classes: on the output's grid, or on the model's if the classes are refined afterwards."""
    final: Stage
    """On the output's grid; the same stage as `crude` if nothing is refined."""
    memory_bytes: int
    """Estimated peak per process."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The sweeps, in order."""
        if not self.refines:
            return (Step("segment", "classes", self.final),)
        return (Step("segment", "crude", self.crude), Step("refine", "classes", self.final))

    @property
    def refines(self) -> bool:
        """Whether the classes are refined after segmentation."""
        return bool(self.settings.engine.refine)

    @property
    def inputs(self) -> list[Path]:
        """The files that it reads, except for the model file."""
        return [Path(identity.name) for identity in (*self.spec.inputs.scene, *self.spec.inputs.area)]


def absolute_path(path: str | Path) -> str:
    """The absolute path of a local file; anything else that GDAL opens is returned unchanged."""
    return str(Path(path).absolute()) if Path(path).exists() else str(path)


@contextmanager
def open_run(
    scene_path: str | Path, settings: Settings, hardware: Hardware, progress: Progress, shard_px: int | None = None
) -> Iterator[Run]:
    """Open a run, ready to start; the scene is closed on exit.

    Args:
        hardware: the hardware that will compute the shards, here or elsewhere.
        shard_px: shard side chosen by another process or an earlier run; None: the largest that stays within the
            memory limit and gives every process some shards.
    Raises:
        FctlError: anything that prevents the run, before the first patch is computed.
    """
    info = read_model_info(settings.model)
    settings = resolved(settings, info)
    refine = bool(settings.engine.refine)
    info.legend.ids_of(settings.polygons.classes or ())  # an unknown class fails before any work is done
    if refine and info.refinement is None:
        raise ModelFileError(f"model {info.name!r} has no refinement network", hint="run with --no-refine")
    with open_scene(scene_path, info.input, settings.scene, progress=progress) as scene:
        _refuse_endless(scene)
        polygons = with_least_area(settings.polygons, info, scene.frame)
        side = shard_px or fitting_shard_px(settings, info, scene, hardware)
        grid = PatchGrid(*scene.model_hw, info.patch_px, info.overlap_px, info.layout)
        final = _final_stage(scene, info, settings, side, refining_grid(*scene.model_hw, info) if refine else grid)
        crude = _crude_stage(final.sweep, grid, scene, side) if refine else final
        scene.resize_cache(cache_bytes(scene, info, final))
        source = absolute_path(scene_path)
        spec = spec_of(source, scene, settings, info, hardware, side, polygons.min_area_m2 or 0.0)
        for name in uncertain(spec.inputs.scene):
            progress.warn(
                f"{name} has neither a modification time nor an ETag: if it is replaced, --resume may not notice"
            )
        memory = memory_bytes(settings, info, scene, hardware, side)
        origin = ShardOrigin(spec.shard_key, side, spec.arithmetic, spec.facts)
        engine = replace(settings.engine, backend=hardware.backend)
        settings = replace(settings, engine=engine, polygons=polygons)
        yield Run(source, settings, spec, origin, info, scene, hardware, crude, final, memory)


def with_least_area(polygons: PolygonSettings, info: ModelInfo, frame: RasterFrame) -> PolygonSettings:
    """The settings with the area that the model recommends for the smallest region, if the user chose none.

    Where the ground size of pixels is unknown, they count as the model's. Example: 10 m2 at 0.25 m are 160 px.
    """
    if polygons.min_area_m2 is not None:
        return polygons
    least = info.min_area_m2
    if pixel_areas(frame).unit == "px":
        least = 0.0 if info.input.gsd_m is None else least / info.input.gsd_m**2
    return replace(polygons, min_area_m2=least)


def refining_grid(height: int, width: int, info: ModelInfo) -> PatchGrid:
    """The patches of a model's refinement network, which needs whole cells, whatever the segmentation's patch size."""
    patch_px = math.ceil(info.patch_px / CELL_PX) * CELL_PX
    return PatchGrid(height, width, patch_px, info.overlap_px // 2 * 2)


def _refuse_endless(scene: Scene) -> None:
    """Refuse absurd sizes before listing the shards: a header may declare any size."""
    height, width = scene.frame.size_hw
    if height * width > MOST_PX:
        raise SceneError(
            f"{Path(scene.info.path).name} declares {width:,} x {height:,} pixels, but the maximum for one run is "
            f"{round(MOST_PX**0.5):,} squared",
            hint="if its header is correct, process a part of it with --aoi or --bbox",
        )


def _final_stage(scene: Scene, info: ModelInfo, settings: Settings, shard_px: int, grid: PatchGrid) -> Stage:
    scale = 1.0 if settings.scene.grid == "model" else scene.scale
    crop, merge = scene.frame_window, settings.engine.merge
    assert merge is not None, "the settings are resolved"

    def full(window: Window) -> Window:
        return Window(window.row + crop.row, window.col + crop.col, window.height, window.width)

    sweep = Sweep(
        grid=grid,
        merge=merge,
        classes=len(info.legend),
        how=Resampling(scale, crop.row, crop.col),
        may_want=lambda window: scene.may_want(full(window)),
        wants=lambda window: bool(scene.wanted(full(window)).any()),
        output_hw=scene.frame.size_hw,
    )
    side = max(BLOCK_PX, int(shard_px * scale) // BLOCK_PX * BLOCK_PX)
    return Stage(scene.frame, sweep, tuple(cut_shards(*scene.frame.size_hw, side)))


def _crude_stage(final: Sweep, grid: PatchGrid, scene: Scene, shard_px: int) -> Stage:
    """Classes on the model's grid, for the part of it that the output depends on."""
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
