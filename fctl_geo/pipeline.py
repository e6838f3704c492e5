"""From scene to polygons: the whole pipeline at a glance.

scene -> windows -> model -> stitch -> class raster -> refine -> class raster -> separate -> polygons
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fctl_geo.products.publish import Products
from fctl_geo.products.result import SceneResult, with_outputs_in
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Heard, Progress, Silent
from fctl_geo.run.executor import Executor, LocalExecutor
from fctl_geo.run.open import open_run
from fctl_geo.run.plan import RunPlan, plan_of
from fctl_geo.run.refine import open_refine_run
from fctl_geo.run.stage import Step
from fctl_geo.run.sweep_shards import write_run
from fctl_geo.run.work_folder import WorkFolder, hint_to_resume, hold_outputs, work_folder
from fctl_geo.settings import REFINING_MODEL, EngineSettings, Settings
from fctl_geo.spec import Legend
from fctl_geo.storage.outputs import refuse_inputs
from fctl_geo.storage.temporary_folder import folder_of_result
from fctl_geo.system.memory import give_back_freed_memory
from fctl_geo.windows.shards import Shard, runs_downwards

WriteRuns = Callable[[Sequence[Sequence[Shard]]], None]


def segment_scene(
    scene: str | Path,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    executor: Executor | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> SceneResult:
    """Segment a scene of any size and write the products given in the settings, or temporary ones if none are given.

    Args:
        scene: anything GDAL opens: a file, a URL, /vsi...
        settings: model, scene, engine, polygon and output settings.
        executor: what computes the shards, here or on many machines; None: this process.
        progress: receives progress, messages and warnings.
    Returns:
        The summary of the run, and its products as a table, a raster and a picture.
    Raises:
        FctlError: with a hint; no product is written, and finished shards are kept for `resume`.
    Law: the bytes of the products depend only on scene, model and settings, not on shards, threads, interruptions or
    the number of machines, provided that these compute alike (`Hardware.arithmetic`).
    """
    if settings.output.named:
        return SceneResult(_segment(scene, settings, executor, progress), scene, settings)
    with folder_of_result() as folder:
        settings = with_outputs_in(folder.path, settings)
        return SceneResult(_segment(scene, settings, executor, progress), scene, settings, folder)


def _segment(scene: str | Path, settings: Settings, executor: Executor | None, progress: Progress) -> RunSummary:
    if executor is None:
        with LocalExecutor() as alone:
            return _segment(scene, settings, alone, progress)
    start, resume = time.monotonic(), settings.output.resume
    progress = heard = Heard(progress)
    with (
        Products(settings.output) as products,
        open_run(
            scene,
            settings,
            executor.hardware(settings.model, settings.engine, progress),
            progress,
            WorkFolder.shard_px_before(products.paths[0], resume),
        ) as run,
    ):
        refuse_inputs(products.names, run.inputs)
        products.check_frame(run.final.frame, run.info.legend, run.settings.polygons)
        for sentence in plan_of(run, executor.seconds_a_patch(run)).sentences():
            progress.say(sentence)
        with (
            hold_outputs(products.paths[1:]),
            work_folder(products.paths[0], run.origin, progress, resume=resume) as work,
            hint_to_resume(work, resume),
        ):
            products.clear_leftovers()
            for step in run.steps:
                write = partial(executor.write, run, step, work=work, progress=progress)
                write_shards(step, run.info.legend, work, write, progress)
            run.scene.resize_cache(0)  # no more pixels are read: free their memory for the polygons
            give_back_freed_memory()
            return products.publish(run, work, start, progress, heard.warnings)


def segment_array(
    array: Any,
    transform: Any = None,
    crs: Any = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    nodata: float | None = None,
    band_names: Sequence[str] = (),
    executor: Executor | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> SceneResult:
    """`segment_scene` for pixels in memory: the products are those of the same pixels in a GeoTIFF.

    To append to a layer (`OutputSettings.append`), name the scene (`scene_name`): an array has no name of its own.

    Args:
        array: (bands, rows, columns), or (rows, columns) for one band, as rasterio reads it. Masked pixels of a masked
            array are nodata. A DataArray of rioxarray needs no transform and no CRS, since it has its own.
        transform: affine transform from pixels to the CRS; None: not georeferenced.
        crs: anything rasterio takes for a CRS (EPSG code, WKT, pyproj or rasterio object); None: unknown.
        nodata: the value of pixels without data; NaN is always nodata.
        band_names: names of the bands ("nir"), for models that read more than red, green and blue.
    Raises:
        SceneError: an array that cannot be a scene, and whatever `segment_scene` raises.
    """
    from fctl_geo.scene.write_array import write_array

    with folder_of_result() as folder:
        scene = write_array(folder.path / "array.tif", array, transform, crs, nodata=nodata, names=band_names)
        if not settings.output.named:
            settings = with_outputs_in(folder.path, settings)
        return SceneResult(_segment(scene, settings, executor, progress), scene, settings, folder)


def plan_run(scene: str | Path, settings: Settings, progress: Progress = Silent()) -> RunPlan:  # noqa: B008
    """Plan what `segment_scene` would do, without doing it."""
    with (
        LocalExecutor() as executor,
        open_run(scene, settings, executor.hardware(settings.model, settings.engine, progress), progress) as run,
    ):
        return plan_of(run, executor.seconds_a_patch(run))


def refine_raster(
    classes: Path,
    out: Path,
    *,
    model: str = REFINING_MODEL,
    engine: EngineSettings = EngineSettings(),  # noqa: B008 - frozen
    overwrite: bool = False,
    progress: Progress = Silent(),  # noqa: B008
) -> RunSummary:
    """Refine any class raster: seams are removed and contours follow their surroundings (paper, 3.2).

    Args:
        classes: any single-band class raster; its legend and grid are kept.
        out: the refined class raster, .tif.
        model: name of a shipped model or path to a model file whose refinement network is used.
        engine: device, precision, threads and memory.
        overwrite: whether `out` may be replaced if it exists.
        progress: receives progress, messages and warnings.
    Raises:
        FctlError: with a hint; `out` is not written.
    """
    start = time.monotonic()
    refuse_inputs([out], [classes])
    with (
        Products.raster(out, overwrite=overwrite) as products,
        open_refine_run(classes, model, engine, progress) as run,
        work_folder(products.paths[0], run.origin, progress, resume=False) as work,
    ):
        step = Step("refine", "classes", run.stage)

        def write(runs: Sequence[Sequence[Shard]]) -> None:
            for shards in runs:
                for _ in write_run(run.refiner, run.finish, run.stage, step.layer, shards, work, progress):
                    pass

        write_shards(step, run.legend, work, write, progress)
        return products.publish_refined(run, work, start, progress)


def write_shards(step: Step, legend: Legend, work: WorkFolder, write: WriteRuns, progress: Progress) -> None:
    """Write the unfinished shards of a step, then join all of its shards."""
    stage = step.stage
    done = work.finished(step.layer, stage.shards, progress)
    if done:
        progress.say(f"{step.name}: {len(done)} of {len(stage.shards)} shards are already finished")
    runs = list(runs_downwards(sorted(set(stage.shards) - done)))
    progress.stage(step.name, sum(len(row) for run in runs for row in stage.sweep.patches_of(run)))
    write(runs)
    work.join(step.layer, stage.shards, stage.frame, legend)
    work.join(f"{step.layer}-confidence", stage.shards, stage.frame, None)
