"""What runs on a worker: shards and scenes of a run, with the same functions that one machine uses.

A worker opens the scene itself and writes into the work folder; what travels through the scheduler is a `ShardTask` of
a few hundred bytes and a `Done` of as many.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import get_worker

from fctl_geo import __version__
from fctl_geo.cluster.remote_progress import TaskProgress
from fctl_geo.cluster.worker_state import WorkerState, worker_state_of
from fctl_geo.errors import Cancelled, FctlError
from fctl_geo.progress import Progress, Silent
from fctl_geo.run.executor import Executor
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.open import Run
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import EngineSettings, Settings
from fctl_geo.windows.shards import Shard, runs_downwards


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A downward run of shards of one step."""

    scene: str
    settings: Settings
    shard_px: int
    fingerprint: str
    work: Path
    layer: str
    shards: tuple[tuple[int, int], ...]
    """Column and row index of each."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A shard that could not be made."""

    shard: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker hands back: no pixel."""

    finished: int
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker says of itself before the work."""

    host: str
    hardware: Hardware
    version: str


def describe_worker(engine: EngineSettings) -> WorkerInfo | FctlError:
    """What this worker would compute on; an error is the answer, too."""
    worker = get_worker()
    try:
        hardware = worker_state_of(worker).executor.hardware(engine, Silent())
    except FctlError as error:
        return error
    return WorkerInfo(socket.gethostname(), hardware, __version__)


def time_a_patch(scene: str, settings: Settings, shard_px: int) -> float:
    """Seconds of a patch on this worker."""
    state = worker_state_of(get_worker())
    return state.executor.seconds_a_patch(state.run(scene, settings, shard_px))


def write_shards(task: ShardTask, topic: str, key: str) -> Done:
    """Write shards that are not there yet. One that fails is named, and those below it are gone on with.

    Raises:
        OutputError: the work folder is not to be seen from here, or is not of this run.
        Cancelled: nobody waits for it any more.
    """
    state = worker_state_of(get_worker())
    work = WorkFolder.of_run(task.work, task.fingerprint)
    with TaskProgress(get_worker(), topic, key) as progress:
        done = _write(_open(state, task), task, work, state.executor, progress)
        if done.failures:  # once more with the file opened anew: it may have been mended, or the network is back
            state.forget()
            done = _write(_open(state, task), task, work, state.executor, progress)
    if done.failures:
        state.forget()
    return done


def run_job(function: Callable[[Any, Executor, Progress], Any], job: Any, topic: str, key: str) -> Any:
    """One of a batch's scenes, whole."""
    worker = get_worker()
    with TaskProgress(worker, topic, key) as progress:
        return function(job, worker_state_of(worker).executor, progress)


def _open(state: WorkerState, task: ShardTask) -> Run:
    """The task's run, proven to be the one that asks.

    Raises:
        OutputError: scene, model, version or device are others here.
    """
    run = state.run(task.scene, task.settings, task.shard_px)
    if run.fingerprint != task.fingerprint:
        state.forget()  # an earlier run may have had the same settings, before the scene changed
        run = state.run(task.scene, task.settings, task.shard_px)
        WorkFolder.of_run(task.work, run.fingerprint)
    return run


def _write(run: Run, task: ShardTask, work: WorkFolder, executor: Executor, progress: TaskProgress) -> Done:
    step = next(step for step in run.steps if step.layer == task.layer)
    places = set(task.shards)
    shards = [shard for shard in step.stage.shards if (shard.col_index, shard.row_index) in places]
    failed: dict[Shard, Failure] = {}
    while todo := [s for s in shards if s not in failed and not work.has(step.layer, s)]:
        try:
            executor.write(run, step, list(runs_downwards(todo)), work, progress)
        except Cancelled:
            raise
        except FctlError as error:
            broken = next(s for s in sorted(todo) if not work.has(step.layer, s))
            failed[broken] = Failure(broken.name, error.message, error.hint)
    return Done(len(shards) - len(failed), tuple(failed.values()), tuple(progress.warnings))
