"""What a cluster takes: time, cost and traffic for 1 to 1,000 workers, from one measured scene and a few formulas.

    python benchmarks/scale_model.py --km2 41500 --gsd 0.2 --price 0.04

A worker is one process on one core. Measured here: the core seconds of a patch with its contexts, and of making the
products of a million pixels, each as seconds that the process had on a core, so that other work on the machine does
not count. The model:

    patches   shards overlap their neighbours: (rows + 1) * (rows + 1 / n) patches a shard, n shards to a task
    compute   patches * seconds a patch / workers, and half a task of waiting at the end
    products  one process for each scene; of a batch of scenes, each worker makes those of its own
    start     seconds until the last worker has joined and loaded the model

Not in it: shared storage that is slower than the workers (see the MB/s it must give), and machines that differ.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

from segment import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.progress import Silent
from fctl_geo.run.executor import LocalExecutor
from fctl_geo.run.memory import SHARD_PX

START_S = 30.0
SCHEDULER_BYTES_A_SHARD = 3_300
"""tests/cluster/test_hosts.py counts them on the wire."""
SCENE_BYTES_A_PX = 0.4
"""A JPEG-compressed orthophoto."""
WORKERS = (1, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Measured:
    """One machine, one model."""

    patch_s: float
    """Core seconds of a patch with its contexts and its refinement."""
    products_s_a_mpix: float
    """Core seconds of a class raster and a GeoPackage, a million pixels."""


class _Clock(Silent):
    """Core seconds of each stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._name, self._since_s = "plan", time.process_time()

    def stage(self, name: str, total: int) -> None:
        now_s = time.process_time()
        self.stages[self._name] = self.stages.get(self._name, 0.0) + now_s - self._since_s
        self._name, self._since_s = name, now_s


def measure(model: str, folder: Path, size_px: int) -> Measured:
    """A scene of size_px squared, on one thread, warmed up."""
    info = read_model_info(model)
    scene = make_scene(folder, size_px, info.input.gsd_m or 0.25)
    outs = folder / "scale.tif", folder / "scale.gpkg"
    settings = Settings.of({"model": model, "threads": 1, "device": "cpu", "outs": outs, "overwrite": True})
    with LocalExecutor() as executor:
        segment_scene(make_scene(folder, 700, info.input.gsd_m or 0.25), settings, executor=executor)
        clock = _Clock()
        segment_scene(scene, settings, executor=executor, progress=clock)
        clock.stage("end", 0)
    patches = math.ceil(size_px / (info.patch_px - info.overlap_px)) ** 2
    network = sum(clock.stages.get(name, 0.0) for name in ("segment", "refine"))
    products = sum(seconds for name, seconds in clock.stages.items() if name not in ("plan", "segment", "refine"))
    return Measured(network / patches, products / (size_px**2 / 1e6))


@dataclass(frozen=True, slots=True)
class Foretold:
    """A run on some workers."""

    hours: float
    core_hours: float
    products_hours: float
    """Of `hours`: while only one process works."""
    read_mb_s: float
    scheduler_kb_s: float


def foretell(told: Measured, info: ModelInfo, km2: float, gsd_m: float, workers: int, scenes: int) -> Foretold:
    """The model. `scenes`: 1, or so many that each is one task of a batch."""
    model_gsd_m = info.input.gsd_m or gsd_m
    rows = SHARD_PX / (info.patch_px - info.overlap_px)
    shards = km2 * 1e6 / (SHARD_PX * model_gsd_m) ** 2
    length = max(1.0, math.sqrt(2 * shards / (workers * rows)))
    patches = shards * (rows + 1) * (rows + 1 / length)
    task_s = patches / shards * length * told.patch_s
    mpix = km2 / gsd_m**2
    products_s = told.products_s_a_mpix * mpix
    alone_s = products_s if scenes == 1 else products_s / max(scenes, workers)
    shared_s = patches * told.patch_s / workers + (products_s / workers if scenes > 1 else 0.0)
    waiting_s = task_s / 2 if workers > 1 else 0.0
    seconds = START_S + shared_s + waiting_s + (alone_s if scenes == 1 else 0.0)
    return Foretold(
        hours=seconds / 3600,
        core_hours=workers * seconds / 3600,
        products_hours=alone_s / 3600 if scenes == 1 else 0.0,
        read_mb_s=mpix * SCENE_BYTES_A_PX * 1.15 / (shared_s + waiting_s),
        scheduler_kb_s=shards * SCHEDULER_BYTES_A_SHARD / 1e3 / (shared_s + waiting_s),
    )


def table(told: Measured, info: ModelInfo, km2: float, gsd_m: float, price: float, scenes: int) -> None:
    """A row for each number of workers."""
    print("| workers | time | of it one process alone | core hours | cost | reads, MB/s | scheduler, kB/s |")
    print("|---|---|---|---|---|---|---|")
    for workers in WORKERS:
        run = foretell(told, info, km2, gsd_m, workers, scenes)
        print(
            f"| {workers:,} | {_hours(run.hours)} | {_hours(run.products_hours)} | {run.core_hours:,.0f} "
            f"| {run.core_hours * price:,.0f} | {run.read_mb_s:,.1f} | {run.scheduler_kb_s:,.1f} |"
        )


def _hours(hours: float) -> str:
    if hours == 0:
        return "-"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--km2", type=float, default=41_500, help="area; the Netherlands by default")
    parser.add_argument("--gsd", type=float, default=0.2, help="ground metres a pixel of the scenes")
    parser.add_argument("--price", type=float, default=0.04, help="of a core hour, in your currency")
    parser.add_argument("--sheets", type=int, default=41_500, help="scenes of the batch in the second table")
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--size", type=int, default=2500, help="pixels a side of the scene that is measured")
    parser.add_argument("--patch-s", type=float, help="seconds of a patch on your machine or GPU, instead of measuring")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    info = read_model_info(given.model)
    told = measure(given.model, given.folder, given.size)
    if given.patch_s is not None:
        told = Measured(given.patch_s, told.products_s_a_mpix)
    print(f"{given.model}: {told.patch_s:.3f} s a patch, {told.products_s_a_mpix:.3f} s of products a million pixels\n")
    mpix = given.km2 / given.gsd**2
    print(f"{given.km2:,.0f} km2 at {given.gsd:g} m ({mpix:,.0f} MPix) as one scene:\n")
    table(told, info, given.km2, given.gsd, given.price, 1)
    print(f"\nas a batch of {given.sheets:,} scenes (--mosaic --split, where contexts shall cross their borders):\n")
    table(told, info, given.km2, given.gsd, given.price, given.sheets)


if __name__ == "__main__":
    main()
