"""How much faster two worker processes are than one process on one core: the same scene, the same bytes.

    python benchmarks/throughput.py --size 5000 --pairs 3

Each pair runs both ways one after the other, in turns of order, so that other work on the machine burdens both alike.
Start-up of workers and loading of the model are left out on both sides (a small scene comes before); the products'
writing is in. On a machine that is busy otherwise the clock says little: the second ratio counts the seconds that the
processes had on a core. It is that of the one process to this process and the busiest worker, one after the other,
which is what the clock would show if nobody else were there.
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
    """What a run took."""

    clock_s: float
    here_s: float
    """This process's seconds on a core."""
    worker_s: float
    """The busiest child's."""

    @property
    def core_s(self) -> float:
        return self.here_s + self.worker_s


def run(scene: Path, out: Path, model: str, executor: Executor) -> Spent:
    """One run with one thread a process."""
    values = {"model": model, "threads": 1, "device": "cpu", "overwrite": True, "outs": (out,)}
    start, here, workers = time.monotonic(), time.process_time(), _children_s()
    segment_scene(scene, Settings.of(values), executor=executor)
    spent = [seconds - workers.get(pid, 0.0) for pid, seconds in _children_s().items()]
    return Spent(time.monotonic() - start, time.process_time() - here, max(spent, default=0.0))


def _children_s() -> dict[int, float]:
    """Seconds on a core of every process below this one."""
    return {child.pid: sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=5000, help="pixels a side")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark"))
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    gsd_m = read_model_info(told.model).input.gsd_m or 0.25
    scene, small = (make_scene(told.folder, size, gsd_m) for size in (told.size, 700))
    outs = told.folder / "one.tif", told.folder / "many.tif"
    clock, cores = [], []
    with LocalExecutor() as one, open_cluster(EngineSettings(threads=1), workers=told.workers) as many:
        for executor in (one, many):
            run(small, told.folder / "warm.tif", told.model, executor)
        print("| pair | 1 process, s | on a core, s | workers, s | on a core, s | ratio by clock | by core |")
        print("|---|---|---|---|---|---|---|")
        for pair in range(told.pairs):
            order = (0, 1) if pair % 2 == 0 else (1, 0)
            spent = {i: run(scene, outs[i], told.model, (one, many)[i]) for i in order}
            assert outs[0].read_bytes() == outs[1].read_bytes(), "law 1"
            clock.append(spent[0].clock_s / spent[1].clock_s)
            cores.append(spent[0].here_s / spent[1].core_s)
            print(
                f"| {pair + 1} | {spent[0].clock_s:.1f} | {spent[0].here_s:.1f} | {spent[1].clock_s:.1f} "
                f"| {spent[1].here_s:.1f} + {spent[1].worker_s:.1f} | {clock[-1]:.2f} | {cores[-1]:.2f} |",
                flush=True,
            )
    print(
        f"\nmedian ratio with {told.workers} workers: by clock {statistics.median(clock):.2f}, by seconds on a core "
        f"{statistics.median(cores):.2f}"
    )


if __name__ == "__main__":
    main()
