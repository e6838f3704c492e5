"""From a scene to polygons: the whole flow on one screen.

scene -> windows -> model -> stitch -> class raster -> refine -> class raster -> polygons
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from fctl_geo.finish import Finish, crude_classes, final_classes
from fctl_geo.plan import RunPlan, plan_of
from fctl_geo.products import Products
from fctl_geo.progress import Progress, Silent
from fctl_geo.refine_run import open_refine_run, refiner_of
from fctl_geo.run import Run, Stage, open_run
from fctl_geo.settings import EngineSettings, Settings
from fctl_geo.stitch.sweep import Band, PatchNetwork
from fctl_geo.summary import RunSummary
from fctl_geo.windows.shards import runs_downwards
from fctl_geo.workfolder import ShardFiles, WorkFolder, work_folder


def segment_scene(
    scene: str | Path,
    settings: Settings,
    *,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> RunSummary:
    """Segment a scene of any size and write the products that the settings name.

    Args:
        scene: anything GDAL opens: a file, a URL, /vsi...
        settings: model, scene, engine, polygon and output settings.
        progress: how to tell the user.
    Raises:
        FctlError: with a hint; then no product is there, and finished shards wait for `resume`.
    Law: the products' bytes depend on scene, model and settings only, not on shards, threads or interruptions.
    """
    start = time.monotonic()
    products = Products(settings.output)
    with open_run(scene, settings, progress) as run:
        for sentence in plan_of(run).sentences():
            progress.say(sentence)
        with work_folder(products.paths[0], run.fingerprint, resume=settings.output.resume) as work:
            if run.refines:
                segment_shards(run, run.crude, work, "crude", progress)
                refine_shards(run, work, progress)
            else:
                segment_shards(run, run.final, work, "classes", progress)
            run.scene.resize_cache(0)  # the pixels are read; their memory is now the polygons'
            return products.publish(run, work, start, progress)


def plan_run(scene: str | Path, settings: Settings, progress: Progress = Silent()) -> RunPlan:  # noqa: B008
    """What `segment_scene` would do, without doing it."""
    with open_run(scene, settings, progress) as run:
        return plan_of(run)


def refine_raster(
    classes: Path,
    out: Path,
    *,
    model: str = "landcover",
    engine: EngineSettings = EngineSettings(),  # noqa: B008 - frozen
    overwrite: bool = False,
    progress: Progress = Silent(),  # noqa: B008
) -> RunSummary:
    """Refine anybody's class raster: seams go, contours follow the neighbourhood (paper, 3.2).

    Args:
        classes: any single-band class raster; its own legend and grid are kept.
        out: the refined class raster, .tif.
        model: a shipped name or a model file whose refinement network is used.
    """
    start = time.monotonic()
    products = Products.raster(out, overwrite=overwrite)
    with (
        open_refine_run(classes, model, engine, progress) as run,
        work_folder(out, run.fingerprint, resume=False) as work,
    ):
        write_shards(run.stage, run.refiner, work, "classes", run.finish, progress, name="refine")
        return products.publish_refined(run, work, start, progress)


def segment_shards(run: Run, stage: Stage, work: WorkFolder, layer: str, progress: Progress) -> None:
    """Scene to classes and confidence, shard by shard."""
    from fctl_geo.model.orientation import ORIENTATIONS
    from fctl_geo.model.segmenter import Segmenter

    orientations = ORIENTATIONS[run.settings.engine.tta]
    segmenter = Segmenter(run.segmentation, run.device, stage.sweep.grid, orientations, run.scene.read)
    finish = crude_classes(run) if layer == "crude" else final_classes(run)
    write_shards(stage, segmenter, work, layer, finish, progress, name="segment")


def refine_shards(run: Run, work: WorkFolder, progress: Progress) -> None:
    """Crude classes to final classes and confidence, shard by shard."""
    with refiner_of(run, work) as (refiner, finish):
        write_shards(run.final, refiner, work, "classes", finish, progress, name="refine")


def write_shards(
    stage: Stage,
    network: PatchNetwork,
    work: WorkFolder,
    layer: str,
    finish: Finish,
    progress: Progress,
    *,
    name: str,
) -> None:
    """Sweep a network over the shards that are not finished; each gets its name when it is whole."""
    todo = sorted(set(stage.shards) - work.finished(layer, stage.shards))
    if len(todo) < len(stage.shards):
        progress.say(f"{name}: {len(stage.shards) - len(todo)} of {len(stage.shards)} shards were finished before")
    runs = list(runs_downwards(todo))
    progress.stage(name, sum(len(row) for run in runs for row in stage.sweep.patches_of(run)))
    for run in runs:
        _write_run(stage.sweep.bands(network, run, progress), stage, work, layer, finish)


def _write_run(bands: Iterator[Band], stage: Stage, work: WorkFolder, layer: str, finish: Finish) -> None:
    files: ShardFiles | None = None
    try:
        for band in bands:
            files = files or ShardFiles(work, band.shard, stage.frame, (layer, f"{layer}-confidence"))
            done = finish(band)
            files.write(done.window, layer, done.classes)
            files.write(done.window, f"{layer}-confidence", done.confidence)
            if band.last:
                files.finish()
                files = None
    finally:
        if files is not None:
            files.abandon()
