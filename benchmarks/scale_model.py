"""Predicts time, cost, and traffic of a cluster with 1 to 1,000 workers, from one measured scene and a few formulas.

    python benchmarks/scale_model.py --km2 41500 --gsd 0.2 --price 0.04

A worker is one process on one core. Two values are measured here, in CPU seconds of the process, so that other work on
the machine does not count: a patch with its contexts, and writing the products of a million pixels. The model:

    patches   shards overlap their neighbors: (rows + 1) * (rows + 1 / n) patches per shard, n shards per task
    compute   patches * seconds per patch / workers, and half a task of waiting at the end
    products  one process per scene; in a batch of scenes, each worker writes those of its own scenes
    start     seconds until the last worker has joined and loaded the model

Not modeled: machines that differ, and shared storage slower than the workers (see the MB/s that it must provide).
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
from fctl_geo.run.shard_size import SHARD_PX

START_S = 30.0
SCHEDULER_BYTES_A_SHARD = 3_300
"""As counted on the wire by tests/cluster/test_hosts.py."""
SCENE_BYTES_A_PX = 0.4
"""A JPEG-compressed orthophoto."""
WORKERS = (1, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Measured:
    """One machine, one model."""

    patch_s: float
    """Core seconds per patch with its contexts and refinement."""
    products_s_a_mpix: float
    """Core seconds of a class raster and a GeoPackage, per million pixels."""


class _Clock(Silent):
    """Core seconds per stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._name, self._since_s = "plan", time.process_time()

    def stage(self, name: str, total: int) -> None:
        now_s = time.process_time()
        self.stages[self._name] = self.stages.get(self._name, 0.0) + now_s - self._since_s
        self._name, self._since_s = name, now_s


def measure(model: str, folder: Path, size_px: int) -> Measured:
    """Measure a scene of size_px squared, on one thread, after a warm-up."""
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
class Prediction:
    """A run on a number of workers."""

    hours: float
    core_hours: float
    products_hours: float
    """The part of `hours` in which only one process works."""
    read_mb_s: float
    scheduler_kb_s: float


def predict(measured: Measured, info: ModelInfo, km2: float, gsd_m: float, workers: int, scenes: int) -> Prediction:
    """Apply the model. `scenes`: 1, or enough that each one is a task of a batch."""
    model_gsd_m = info.input.gsd_m or gsd_m
    rows = SHARD_PX / (info.patch_px - info.overlap_px)
    shards = km2 * 1e6 / (SHARD_PX * model_gsd_m) ** 2
    length = max(1.0, math.sqrt(2 * shards / (workers * rows)))
    patches = shards * (rows + 1) * (rows + 1 / length)
    task_s = patches / shards * length * measured.patch_s
    mpix = km2 / gsd_m**2
    products_s = measured.products_s_a_mpix * mpix
    alone_s = products_s if scenes == 1 else products_s / max(scenes, workers)
    shared_s = patches * measured.patch_s / workers + (products_s / workers if scenes > 1 else 0.0)
    waiting_s = task_s / 2 if workers > 1 else 0.0
    seconds = START_S + shared_s + waiting_s + (alone_s if scenes == 1 else 0.0)
    return Prediction(
        hours=seconds / 3600,
        core_hours=workers * seconds / 3600,
        products_hours=alone_s / 3600 if scenes == 1 else 0.0,
        read_mb_s=mpix * SCENE_BYTES_A_PX * 1.15 / (shared_s + waiting_s),
        scheduler_kb_s=shards * SCHEDULER_BYTES_A_SHARD / 1e3 / (shared_s + waiting_s),
    )


def table(measured: Measured, info: ModelInfo, km2: float, gsd_m: float, price: float, scenes: int) -> None:
    """Print one row per number of workers."""
    print("| workers | time | of it in a single process | core hours | cost | reads, MB/s | scheduler, kB/s |")
    print("|---|---|---|---|---|---|---|")
    for workers in WORKERS:
        run = predict(measured, info, km2, gsd_m, workers, scenes)
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
    parser.add_argument("--km2", type=float, default=41_500, help="area (default: the Netherlands)")
    parser.add_argument("--gsd", type=float, default=0.2, help="pixel size of the scenes in meters on the ground")
    parser.add_argument("--price", type=float, default=0.04, help="price of a core hour, in your currency")
    parser.add_argument("--sheets", type=int, default=41_500, help="number of scenes in the batch of the second table")
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--size", type=int, default=2500, help="side of the measured scene in pixels")
    parser.add_argument(
        "--patch-s", type=float, help="seconds per patch on your machine or GPU, instead of measuring it"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark"))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    info = read_model_info(args.model)
    measured = measure(args.model, args.folder, args.size)
    if args.patch_s is not None:
        measured = Measured(args.patch_s, measured.products_s_a_mpix)
    products_s = measured.products_s_a_mpix
    print(f"{args.model}: {measured.patch_s:.3f} s per patch, {products_s:.3f} s of products per million pixels\n")
    mpix = args.km2 / args.gsd**2
    print(f"{args.km2:,.0f} km2 at {args.gsd:g} m ({mpix:,.0f} MPix) as one scene:\n")
    table(measured, info, args.km2, args.gsd, args.price, 1)
    print(f"\nas a batch of {args.sheets:,} scenes (--mosaic --split if contexts should cross their borders):\n")
    table(measured, info, args.km2, args.gsd, args.price, args.sheets)


if __name__ == "__main__":
    main()
