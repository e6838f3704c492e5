"""Executes one step of a run: opens its network, then sweeps and writes its shards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fctl_geo.model.backend import Networks
from fctl_geo.progress import Progress
from fctl_geo.run.finish import Finish, crude_classes, final_classes
from fctl_geo.run.open import Run
from fctl_geo.run.refine import refiner_of
from fctl_geo.run.stage import Stage, Step
from fctl_geo.run.work_folder import Receipt, ShardFiles, WorkFolder
from fctl_geo.stitch.sweep import PatchNetwork
from fctl_geo.windows.shards import Shard


@contextmanager
def open_network(run: Run, step: Step, networks: Networks, work: WorkFolder) -> Iterator[tuple[PatchNetwork, Finish]]:
    """The network that a step sweeps, and the function that finishes its bands for writing."""
    if step.name == "refine":
        with refiner_of(run, networks, work) as refiner_and_finish:
            yield refiner_and_finish
        return
    from fctl_geo.model.orientation import ORIENTATIONS
    from fctl_geo.model.segmenter import Segmenter

    orientations = ORIENTATIONS[run.settings.engine.tta]
    grid = step.stage.sweep.grid
    segmenter = Segmenter(networks.segmentation, networks.device, grid, orientations, run.scene.read)
    yield segmenter, crude_classes(run) if step.layer == "crude" else final_classes(run)


def write_run(
    network: PatchNetwork,
    finish: Finish,
    stage: Stage,
    layer: str,
    shards: Sequence[Shard],
    work: WorkFolder,
    progress: Progress,
) -> Iterator[Receipt]:
    """Sweep a network over a downward run of shards; yields a receipt for each once it is complete and renamed."""
    files: ShardFiles | None = None
    start = time.monotonic()
    try:
        for band in stage.sweep.bands(network, shards, progress):
            files = files or ShardFiles(work, band.shard, stage.frame, (layer, f"{layer}-confidence"))
            done = finish(band)
            files.write(done.window, layer, done.classes)
            files.write(done.window, f"{layer}-confidence", done.confidence)
            if band.last:
                yield files.finish(time.monotonic() - start, network.device.fallback)
                files, start = None, time.monotonic()
    finally:
        if files is not None:
            files.abandon()
