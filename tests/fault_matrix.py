"""Every fault that a run may meet, at random moments: is a file with a final name broken, and does resume mend it?

    python tests/fault_matrix.py [--times 30] [--only kill,disk] [--seed 0]

prints a table: fault, times tried, lost or broken files (must be 0), resumed equal (must be all), how the runs ended.
Each run is the real command in a process of its own, on a small scene and a tiny network, in five shards. A fault is a
function that starts a run, does its harm and waits for the end; what is judged after is the same for all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from model_factory import make_model
from scene_factory import make_scene

MAIN = "import fctl_geo.run.shard_size as memory; memory.SHARD_PX = 256; from fctl_geo_cli.main import main; main()"
HANGS_AFTER_S = 180
OLD = b"an older product"
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "FCTL_GEO_TEST": "faults"}


MOMENTS = (
    "0 start 0", "0 start 1",
    *(f"1 segment {share}" for share in (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)),
    "2 measure 0", "2 measure 1", "3 cog 0", "3 cog 1", "4 polygonise 0", "4 polygonise 1", "4 polygonise 1",
)  # fmt: skip
"""Order, stage and share of it."""


class NotHere(Exception):
    """The fault cannot be tried on this machine; says why."""


@dataclass
class Bench:
    """A scene, a model, and what an undisturbed run of them gives."""

    folder: Path
    scene: Path
    model: Path
    expected: dict[str, bytes]
    seconds: float
    """Of the undisturbed run."""

    def start(self, out: Path, *options: str, **popen: Any) -> Running:
        """The command, started."""
        outs = [part for name in ("cover.tif", "cover.gpkg") for part in ("--out", str(out / name))]
        command = [sys.executable, "-c", MAIN, "segment", str(self.scene), "--model", str(self.model), *outs]
        common = ["--device", "cpu", "--threads", "1", "--overwrite", "--progress", "json", "--confidence",
                  str(out / "sure.tif")]  # fmt: skip
        return Running([*command, *common, *options], **popen)


class Running:
    """A run in a process of its own, its events read while it runs."""

    def __init__(self, command: list[str], **popen: Any) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
        self.process = subprocess.Popen(command, **{**quiet, **popen})
        self.lines: list[str] = []
        self.hung = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        """All of its stderr so far."""
        return "".join(self.lines)

    @property
    def code(self) -> int:
        return self.process.returncode

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def wait_for_moment(self, chance: random.Random, first: str = "") -> None:
        """Until some moment between its start and its end, each part of the work as likely as it is long.

        By its own events, since seconds mean little on a busy machine.
        """
        moments = [m for m in MOMENTS if m >= first]
        stage, share = chance.choice(moments).split()[1:]
        while self.runs and not self._is_at(stage, float(share)):
            time.sleep(0.002)
        time.sleep(chance.expovariate(20))

    def wait_for_end(self) -> Running:
        """A run that hangs is a failure of its own."""
        try:
            self.process.wait(timeout=HANGS_AFTER_S)
        except subprocess.TimeoutExpired:
            self.hung = True
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        return self

    def _is_at(self, stage: str, share: float) -> bool:
        if stage == "start":
            return bool(self.lines) or share == 0
        reached = False
        for line in list(self.lines):
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "stage":
                if reached:
                    return True
                reached = event["name"] == stage
            elif reached and event.get("event") == "advance" and event["done"] >= share * event["total"]:
                return True
        return reached and share == 0

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            for line in stderr:
                self.lines.append(line)


@dataclass
class Verdict:
    """What became of the trials of one fault."""

    name: str
    times: int = 0
    broken: int = 0
    equal: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def good(self) -> bool:
        return self.broken == 0 and self.equal == self.times

    def row(self) -> str:
        if self.skipped:
            return f"| {self.name} | not tried: {self.skipped} | | | |"
        ends = ", ".join(f"{words}: {count}" for words, count in sorted(self.ends.items()))
        return f"| {self.name} | {self.times} | {self.broken} | {self.equal} of {self.times} | {ends} |"


Fault = Callable[[Bench, Path, random.Random], Running]
"""Runs into `out` with its harm done; returns the ended process, its stderr read into `.said`."""


def killed(bench: Bench, out: Path, chance: random.Random) -> Running:
    process = bench.start(out)
    process.wait_for_moment(chance)
    process.process.kill()
    return process.wait_for_end()


def worker_killed(bench: Bench, out: Path, chance: random.Random) -> Running:
    """One of two worker processes: the run itself must go on."""
    process = bench.start(out, "--workers", "2")
    workers = _wait_for_workers(process, 2)
    process.wait_for_moment(chance)
    victim = chance.choice(workers)
    if process.runs and victim.is_running():
        victim.kill()
    return process.wait_for_end()


def scheduler_killed(bench: Bench, out: Path, chance: random.Random) -> Running:
    """A Dask scheduler with two workers, all processes of their own; it dies for good."""
    with _dask_cluster(bench.folder) as (address, scheduler):
        process = bench.start(out, "--scheduler", address)
        process.wait_for_moment(chance, first="1")
        scheduler.kill()
        return process.wait_for_end()


def worker_without_memory(bench: Bench, out: Path, chance: random.Random) -> Running:
    """One of two workers may not take the memory that it needs; the other one goes on."""
    with _dask_cluster(bench.folder, first_worker_mib=chance.randint(350, 600)) as (address, _):
        return bench.start(out, "--scheduler", address).wait_for_end()


def disk_full(bench: Bench, out: Path, chance: random.Random) -> Running:
    filler = out / "filler"
    with filler.open("wb", buffering=0) as file:
        process = bench.start(out)
        process.wait_for_moment(chance)
        while process.runs:
            try:
                file.write(bytes(4096))
            except OSError:
                time.sleep(0.005)  # what the run frees is taken at once
    process.wait_for_end()
    filler.unlink()
    return process


def scene_truncated(bench: Bench, out: Path, chance: random.Random) -> Running:
    with _damaged(bench.scene) as whole:
        size = len(whole)
        os.truncate(bench.scene, chance.randrange(size // 10, size))
        return bench.start(out).wait_for_end()


def scene_flipped(bench: Bench, out: Path, chance: random.Random) -> Running:
    with _damaged(bench.scene) as whole:
        content = bytearray(whole)
        for _ in range(20):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        bench.scene.write_bytes(content)
        return bench.start(out).wait_for_end()


def scene_damaged_under_way(bench: Bench, out: Path, chance: random.Random) -> Running:
    with _damaged(bench.scene) as whole:
        process = bench.start(out)
        process.wait_for_moment(chance)
        os.truncate(bench.scene, len(whole) // 3)
        return process.wait_for_end()


def memory_short(bench: Bench, out: Path, chance: random.Random) -> Running:
    limit = chance.randint(350, 700) << 20

    def take() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    return bench.start(out, preexec_fn=take).wait_for_end()


def clock_changed(bench: Bench, out: Path, chance: random.Random) -> Running:
    """A run at another time is killed; the clock is right again when it is resumed."""
    if not FAKETIME:
        raise NotHere("libfaketime is not installed")
    shift = chance.choice(["-3650d", "+3650d", "-2h", "+1h x20"])
    environment = {
        **ENVIRONMENT,
        "LD_PRELOAD": str(FAKETIME[0]),
        "FAKETIME": shift,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    process = bench.start(out, env=environment)
    process.wait_for_moment(chance)
    process.process.kill()
    return process.wait_for_end()


def file_times_wrong(bench: Bench, out: Path, chance: random.Random) -> Running:
    process = killed(bench, out, chance)
    for path in out.rglob("*"):
        os.utime(path, (when := chance.choice([0.0, 4e9]), when))
    return process


def two_at_once(bench: Bench, out: Path, chance: random.Random) -> Running:
    """The first run sleeps while the second one tries, then goes on."""
    first = bench.start(out)
    first.wait_for_moment(chance, first="1")
    first.process.send_signal(signal.SIGSTOP)
    locked = first.runs and (out / ".cover.tif.fctl-work").exists()
    second = bench.start(out, *chance.choice([(), ("--resume",)])).wait_for_end()
    first.process.send_signal(signal.SIGCONT)
    first.wait_for_end()
    refused = second.code == 1 and "another run" in second.said
    assert refused or not locked, f"the second run ended with {second.code}: {second.said[-300:]}"
    return first


def stopped_by(number: signal.Signals) -> Fault:
    def fault(bench: Bench, out: Path, chance: random.Random) -> Running:
        process = bench.start(out)
        process.wait_for_moment(chance, first="1")
        process.process.send_signal(number)
        process.wait_for_end()
        told = "--resume" in process.said or process.code in (0, -number)
        assert told, f"ended with {process.code} and no word on how to go on: {process.said[-300:]}"
        return process

    return fault


def folder_vanishes(bench: Bench, out: Path, chance: random.Random) -> Running:
    process = bench.start(out)
    process.wait_for_moment(chance)
    shutil.rmtree(out, ignore_errors=True)
    if out.exists():  # the run wrote a file between the listing and the end
        shutil.rmtree(out, ignore_errors=True)
    process.wait_for_end()
    out.mkdir(exist_ok=True)
    return process


FAULTS: dict[str, tuple[str, Fault]] = {
    "kill": ("kill -9 at a random moment", killed),
    "worker": ("kill -9 of one of two workers", worker_killed),
    "scheduler": ("the scheduler dies", scheduler_killed),
    "worker-memory": ("a worker that runs out of memory", worker_without_memory),
    "disk": ("disk full at a random moment", disk_full),
    "truncated": ("a truncated scene", scene_truncated),
    "flipped": ("20 flipped bits in the scene", scene_flipped),
    "read": ("the scene is damaged during the run", scene_damaged_under_way),
    "memory": ("out of memory", memory_short),
    "clock": ("a different system clock, then kill -9", clock_changed),
    "times": ("kill -9, then file times of 1970 and 2096", file_times_wrong),
    "two": ("two runs into the same output", two_at_once),
    "sigint": ("SIGINT", stopped_by(signal.SIGINT)),
    "sigterm": ("SIGTERM", stopped_by(signal.SIGTERM)),
    "folder": ("the output's folder disappears", folder_vanishes),
}


def try_fault(bench: Bench, key: str, times: int, seed: int = 0) -> Verdict:
    """Try a fault so many times; each time judge the files, resume, and compare the bytes."""
    name, fault = FAULTS[key]
    verdict = Verdict(name)
    for number in range(times):
        chance = random.Random(f"{seed} {key} {number}")
        with _output_folder(bench, small=key == "disk") as out:
            old = number % 2 == 1
            for product in bench.expected if old else ():
                (out / product).write_bytes(OLD)
            try:
                process = fault(bench, out, chance)
            except NotHere as reason:
                verdict.skipped = str(reason)
                return verdict
            except AssertionError as trouble:
                verdict.troubles.append(f"{name}, {number}: {trouble}")
                verdict.times += 1
                continue
            _judge(verdict, bench, out, process, number)
    return verdict


def _judge(verdict: Verdict, bench: Bench, out: Path, process: Running, number: int) -> None:
    verdict.times += 1
    said = process.said
    verdict.ends["hung" if process.hung else _end_words(process.code)] += 1
    for product, content in bench.expected.items():
        path = out / product
        found = path.read_bytes() if path.exists() else None
        if found not in (None, OLD, content):
            if verdict.name == FAULTS["flipped"][0] and process.code == 0:
                continue  # other pixels that are whole: a picture has no checksum
            verdict.broken += 1
            verdict.troubles.append(f"{verdict.name}, {number}: {product} is broken (exit {process.code})")
    if process.code not in (0, 130, -9, -15) and '"event": "error"' not in said and process.code != -6:
        verdict.troubles.append(f"{verdict.name}, {number}: exit {process.code} without words: {said[-300:]}")
    if "unexpected " in said:
        verdict.troubles.append(f"{verdict.name}, {number}: {said[said.index('unexpected ') :][:300]}")
    again = bench.start(out, "--resume").wait_for_end()
    if again.code == 1 and "belong to another run" in again.said:
        again = bench.start(out).wait_for_end()
    after = {p: (out / p).read_bytes() for p in bench.expected if (out / p).exists()}
    left = [p.name for p in out.iterdir() if p.name.startswith(".")]
    if after == bench.expected and not left and again.code == 0:
        verdict.equal += 1
    else:
        wrong = [p for p in bench.expected if after.get(p) != bench.expected[p]]
        verdict.troubles.append(
            f"{verdict.name}, {number}: after resume (exit {again.code}) {wrong} differ, {left} are left: "
            f"{again.said[-300:]}"
        )


def _end_words(code: int) -> str:
    words = {0: "completed", 1: "error message", 130: "stopped with a message"}
    return words.get(code, f"killed by signal {-code}" if code < 0 else f"exit code {code}")


def make_bench(folder: Path) -> Bench:
    """Scene, model and the undisturbed run."""
    scene = make_scene(folder / "scene.tif", 256, 1200, gsd=0.3, interleave="pixel")  # read as it is swept
    model = make_model(folder / "tiny.safetensors", gsd_m=0.3)
    (folder / "undisturbed").mkdir()
    bench = Bench(folder, scene, model, {}, 0.0)
    for _ in range(2):  # the first one compiles kernels
        begun = time.monotonic()
        process = bench.start(folder / "undisturbed")
        if process.wait_for_end().code:
            raise SystemExit(f"the undisturbed run fails: {process.said}")
        bench.seconds = time.monotonic() - begun
    bench.expected = {p.name: p.read_bytes() for p in (folder / "undisturbed").iterdir()}
    return bench


@contextmanager
def _output_folder(bench: Bench, *, small: bool) -> Iterator[Path]:
    out = Path(tempfile.mkdtemp(dir=bench.folder, prefix="out-"))
    mounted = False
    if small:
        size = sum(map(len, bench.expected.values()))
        command = ["mount", "-t", "tmpfs", "-o", f"size={size * 4 + (2 << 20)}", "tmpfs", str(out)]
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        if small and not mounted:
            raise NotHere("no right to mount a small disk")
        yield out
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(out)], check=True)
        shutil.rmtree(out, ignore_errors=True)


@contextmanager
def _damaged(scene: Path) -> Iterator[bytes]:
    """The scene's content; afterwards the file is copied back, as a user would."""
    whole = scene.read_bytes()
    try:
        yield whole
    finally:
        scene.write_bytes(whole)


def _wait_for_workers(run: Running, count: int) -> list[psutil.Process]:
    """The worker processes of a LocalCluster: they are started by multiprocessing's spawn."""
    while run.runs:
        try:
            children = psutil.Process(run.process.pid).children(recursive=True)
            workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        except psutil.Error:
            continue
        if len(workers) >= count:
            return workers
        time.sleep(0.02)
    return []


@contextmanager
def _dask_cluster(folder: Path, first_worker_mib: int | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and two workers, started as an operator would; all end at the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": ENVIRONMENT}
    place = folder / f"scheduler-{time.monotonic_ns()}.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    started = [subprocess.Popen([*dask, "--scheduler-file", str(place)], **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(place), "--nthreads", "1",
              "--no-dashboard", "--death-timeout", "30"]  # fmt: skip

    def take() -> None:
        if first_worker_mib is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (first_worker_mib << 20,) * 2)

    try:
        for number in range(2):
            started.append(subprocess.Popen(worker, preexec_fn=take if number == 0 else None, **quiet))  # noqa: PLW1509
        while not place.exists():
            time.sleep(0.02)
        yield json.loads(place.read_text())["address"], started[0]
    finally:
        for process in started:
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
                child.kill()
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30, help="of kill -9; the others a third of it")
    parser.add_argument("--only", default="", help=f"some of {', '.join(FAULTS)}")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    keys = told.only.split(",") if told.only else list(FAULTS)
    with tempfile.TemporaryDirectory(prefix="fctl-faults-") as name:
        bench = make_bench(Path(name))
        print(f"An undisturbed run takes {bench.seconds:.1f} s.\n", flush=True)
        print("| fault | times | lost or broken files | resumed equal | how the runs ended |\n|---|---|---|---|---|")
        verdicts = []
        for key in keys:
            times = told.times if key == "kill" else max(1, told.times // 3)
            verdicts.append(try_fault(bench, key, times, told.seed))
            print(verdicts[-1].row(), flush=True)
            print(*verdicts[-1].troubles, sep="\n", end="", file=sys.stderr, flush=True)
    troubles = [trouble for verdict in verdicts for trouble in verdict.troubles]
    print("\n" + "\n".join(troubles) if troubles else "\nAll is well.")
    sys.exit(bool(troubles) or not all(verdict.good or verdict.skipped for verdict in verdicts))


if __name__ == "__main__":
    main()
