"""Measures how much faster two worker processes are than one process on one core: same scene, same bytes.

    python benchmarks/throughput.py --size 5000 --pairs 3

Each pair runs both variants one after the other, in alternating order, so that other work on the machine affects both
equally. Starting workers and loading the model are excluded on both sides (a small scene runs first); writing products
is included. On a busy machine wall-clock times say little, so the second ratio uses CPU seconds: those of the one
process, divided by the sum of this process and the busiest worker, which is what the clock would show on an idle
machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from segment import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.cluster import open_cluster
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.run.executor import Executor, LocalExecutor
from fctl_geo.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class Spent:
    """The time of a run."""

    clock_s: float
    here_s: float
    """CPU seconds of this process."""
    worker_s: float
    """CPU seconds of the busiest child process."""

    @property
    def core_s(self) -> float:
        return self.here_s + self.worker_s


def run(scene: Path, out: Path, model: str, executor: Executor) -> Spent:
    """Measure one run with one thread per process."""
    values = {"model": model, "threads": 1, "device": "cpu", "overwrite": True, "outs": (out,)}
    start, here, workers = time.monotonic(), time.process_time(), _children_s()
    segment_scene(scene, Settings.of(values), executor=executor)
    spent = [seconds - workers.get(pid, 0.0) for pid, seconds in _children_s().items()]
    return Spent(time.monotonic() - start, time.process_time() - here, max(spent, default=0.0))


def _children_s() -> dict[int, float]:
    """CPU seconds of every child process, recursively."""
    return {child.pid: sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=5000, help="side of the scene in pixels")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark"))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    gsd_m = read_model_info(args.model).input.gsd_m or 0.25
    scene, small = (make_scene(args.folder, size, gsd_m) for size in (args.size, 700))
    outs = args.folder / "one.tif", args.folder / "many.tif"
    clock, cores = [], []
    with LocalExecutor() as one, open_cluster(EngineSettings(threads=1), workers=args.workers) as many:
        for executor in (one, many):
            run(small, args.folder / "warm.tif", args.model, executor)
        print("| pair | 1 process, s | CPU, s | workers, s | CPU, s | ratio of clock times | of CPU times |")
        print("|---|---|---|---|---|---|---|")
        for pair in range(args.pairs):
            order = (0, 1) if pair % 2 == 0 else (1, 0)
            spent = {i: run(scene, outs[i], args.model, (one, many)[i]) for i in order}
            assert outs[0].read_bytes() == outs[1].read_bytes(), "workers and one process must write the same bytes"
            clock.append(spent[0].clock_s / spent[1].clock_s)
            cores.append(spent[0].here_s / spent[1].core_s)
            print(
                f"| {pair + 1} | {spent[0].clock_s:.1f} | {spent[0].here_s:.1f} | {spent[1].clock_s:.1f} "
                f"| {spent[1].here_s:.1f} + {spent[1].worker_s:.1f} | {clock[-1]:.2f} | {cores[-1]:.2f} |",
                flush=True,
            )
    print(
        f"\nmedian ratio with {args.workers} workers: by clock {statistics.median(clock):.2f}, by CPU seconds "
        f"{statistics.median(cores):.2f}"
    )


if __name__ == "__main__":
    main()
