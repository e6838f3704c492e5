"""Tasks that run on a worker: shards and scenes of a run, computed with the same functions as on a single machine.

A worker opens the scene itself and writes into the work folder. Only a `ShardTask` and a `Done`, each of a few hundred
bytes, are sent through the scheduler.
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
    shard_key: str
    """Of the requesting run (`RunSpec.shard_key`)."""
    work: Path
    layer: str
    shards: tuple[tuple[int, int], ...]
    """Column and row index of each."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A shard that could not be computed."""

    shard: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker returns, which contains no pixels."""

    finished: int
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker's description of itself, before the work starts."""

    host: str
    hardware: Hardware
    version: str


def describe_worker(model: str, engine: EngineSettings) -> WorkerInfo | FctlError:
    """What this worker would compute on; errors are returned, not raised."""
    worker = get_worker()
    try:
        hardware = worker_state_of(worker).executor.hardware(model, engine, Silent())
    except FctlError as error:
        return error
    return WorkerInfo(socket.gethostname(), hardware, __version__)


def time_a_patch(scene: str, settings: Settings, shard_px: int) -> float:
    """Seconds per patch on this worker."""
    state = worker_state_of(get_worker())
    return state.executor.seconds_a_patch(state.run(scene, settings, shard_px))


def write_shards(task: ShardTask, topic: str, key: str) -> Done:
    """Write the shards that are not finished yet. If one fails, it is reported, and those below it are still computed.

    Raises:
        OutputError: the work folder is not visible from here, or belongs to a different run.
        Cancelled: nobody is waiting for the task any more.
    """
    state = worker_state_of(get_worker())
    work = WorkFolder.of_run(task.work, task.shard_key)
    with TaskProgress(get_worker(), topic, key) as progress:
        done = _write(_open(state, task, work), task, work, state.executor, progress)
        if done.failures:  # retry with the file reopened: it may have been repaired, or the network is back
            state.forget()
            done = _write(_open(state, task, work), task, work, state.executor, progress)
    if done.failures:
        state.forget()
    return done


def run_job(function: Callable[[Any, Executor, Progress], Any], job: Any, topic: str, key: str) -> Any:
    """Process one whole scene of a batch."""
    worker = get_worker()
    with TaskProgress(worker, topic, key) as progress:
        return function(job, worker_state_of(worker).executor, progress)


def _open(state: WorkerState, task: ShardTask, work: WorkFolder) -> Run:
    """Open the task's run, verified to be the requesting one by their keys, which are computed when a run is opened.

    Raises:
        OutputError: scene, model, version or device are different here.
    """
    run = state.run(task.scene, task.settings, task.shard_px)
    if run.origin.key != task.shard_key:
        state.forget()  # it may be an earlier run with the same settings, from before the scene changed
        run = state.run(task.scene, task.settings, task.shard_px)
        if run.origin.key != task.shard_key:
            raise work.stranger(run.origin)
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
