"""Prepares a refinement, of a run's own crude classes or of any class raster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fctl_geo import __version__
from fctl_geo.errors import ModelFileError, SceneError
from fctl_geo.model.backend import Networks
from fctl_geo.model.choice import open_networks
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.raster.reader import ClassRaster, open_class_raster
from fctl_geo.run.finish import Finish, masked, refined_classes
from fctl_geo.run.open import Run, refining_grid
from fctl_geo.run.shard_size import SHARD_PX
from fctl_geo.run.spec import key_of
from fctl_geo.run.stage import Stage
from fctl_geo.run.work_folder import ShardOrigin, WorkFolder
from fctl_geo.settings import REFINING_MODEL, EngineSettings
from fctl_geo.spec import LONG_LEGEND, NODATA, ClassInfo, Legend, distinct_color
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.stitch.sweep import Band, PatchNetwork, Sweep
from fctl_geo.windows.shards import cut_shards
from fctl_geo.windows.window import Window

_ROWS = 512
"""Rows read at once."""


class SharedClasses:
    """A class raster that worker threads take turns reading, with pixel coordinates starting at `origin`."""

    def __init__(self, raster: ClassRaster, origin: tuple[int, int] = (0, 0)) -> None:
        self.raster, self.origin = raster, origin
        self._lock = threading.Lock()

    def read(self, window: Window) -> NDArray[np.uint8]:
        """(h, w) classes; 255 outside."""
        at = Window(window.row - self.origin[0], window.col - self.origin[1], window.height, window.width)
        with self._lock:
            return self.raster.read(at)


@contextmanager
def refiner_of(run: Run, networks: Networks, work: WorkFolder) -> Iterator[tuple[PatchNetwork, Finish]]:
    """The refiner of a run's crude classes, and the function that finishes its bands."""
    from fctl_geo.model.refiner import Refiner

    assert networks.refinement is not None
    legend, crude = run.info.legend, run.crude
    classes, confidence = work.joined_path("crude"), work.joined_path("crude-confidence")
    with ExitStack() as stack:
        read = [
            stack.enter_context(open_class_raster(p, legend, frame=crude.frame)) for p in (classes, classes, confidence)
        ]
        how = crude.sweep.how
        shared = SharedClasses(read[0], (how.row_offset, how.col_offset))
        refiner = Refiner(networks.refinement, networks.device, run.final.sweep.grid, legend, shared.read)
        yield refiner, refined_classes(run, read[1], read[2])


@dataclass(frozen=True, slots=True)
class RefineRun:
    """Everything needed to refine a class raster."""

    classes: Path
    legend: Legend
    stage: Stage
    refiner: PatchNetwork
    device_name: str
    metadata: dict[str, str]
    finish: Finish

    @property
    def origin(self) -> ShardOrigin:
        """What its shards are made from; a refinement is never resumed."""
        return ShardOrigin(key_of([str(self.classes), self.metadata]), SHARD_PX)


@contextmanager
def open_refine_run(classes: Path, model: str, engine: EngineSettings, progress: Progress) -> Iterator[RefineRun]:
    """Open the refinement of any class raster on its own grid.

    Raises:
        ModelFileError: no such model, or one without a refinement network.
        SceneError: not a class raster.
    """
    from fctl_geo.model.refiner import Refiner

    info = read_model_info(model)
    if info.refinement is None:
        raise ModelFileError(
            f"model {info.name!r} has no refinement network",
            hint=f"choose a model that has one, such as {REFINING_MODEL}",
        )
    with open_class_raster(classes) as raster:
        for sentence in raster.warnings:
            progress.warn(sentence)
        legend = _legend_of(raster, progress)
        if len(legend) < 2:
            raise SceneError(
                f"{classes} has too few classes: {len(legend)}; refining needs at least 2",
                hint="is it the right file?",
            )
        networks = open_networks(model, engine, progress)
        assert networks.refinement is not None
        try:
            shared = SharedClasses(raster)
            height, width = raster.frame.size_hw
            grid = refining_grid(height, width, info)

            def wants(window: Window) -> bool:
                return bool((shared.read(window) != NODATA).any())

            def finish(band: Band) -> Band:
                return masked(band, legend, shared.read(band.window) != NODATA)

            how = Resampling(1.0, 0, 0)
            sweep = Sweep(grid, engine.merge or info.merge, len(legend), how, lambda _: True, wants, (height, width))
            yield RefineRun(
                classes,
                legend,
                Stage(raster.frame, sweep, tuple(cut_shards(height, width, SHARD_PX))),
                Refiner(networks.refinement, networks.device, grid, legend, shared.read),
                networks.device.name,
                {"FCTL_REFINED_BY": f"{info.name} {info.version}", "FCTL_VERSION": __version__},
                finish,
            )
        finally:
            networks.close()


def _legend_of(raster: ClassRaster, progress: Progress) -> Legend:
    """The raster's classes, including unnamed ones that occur in its pixels, which would otherwise be reassigned.

    A raster without class names lists every class it might have. Each would cost a plane of logits, so only those
    that occur are kept.
    """
    found = np.zeros(256, np.bool_)
    for row in range(0, raster.frame.height, _ROWS):
        check_cancelled(progress)
        found[raster.rows(row, min(_ROWS, raster.frame.height - row))] = True
    found[NODATA] = False
    infos = {c.id: c for c in raster.legend if len(raster.legend) <= LONG_LEGEND or found[c.id]}
    for i in np.flatnonzero(found).tolist():
        infos.setdefault(i, ClassInfo(i, raster.legend.name_of(i), distinct_color(i)))
    return Legend(tuple(infos[i] for i in sorted(infos)))
