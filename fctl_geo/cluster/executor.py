"""A Dask cluster as the executor of runs: shards and scenes are tasks, and pixels are never sent over the network."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from fctl_geo import __version__
from fctl_geo.cluster.flow import Flow, scheduler_errors
from fctl_geo.cluster.tasks import (
    Done,
    Failure,
    ShardTask,
    WorkerInfo,
    describe_worker,
    run_job,
    time_a_patch,
    write_shards,
)
from fctl_geo.cluster.worker_state import SEAT, WorkerState
from fctl_geo.errors import ClusterError, FctlError
from fctl_geo.model.shipped import shipped_path
from fctl_geo.progress import Progress
from fctl_geo.run.executor import Executor, Job
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.open import Run, absolute_path
from fctl_geo.run.stage import Step
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import EngineSettings, OutputSettings, Settings
from fctl_geo.windows.shards import Shard

AnyJob = TypeVar("AnyJob", bound=Job[Any])
Outcome = TypeVar("Outcome")

_JOIN_S = 60
_NAMED = 5
_DEADLY = "every worker that tried it died (out of memory, or a crash)"
_DEADLY_HINT = "check the workers' logs; --max-memory makes shards smaller"


class DaskExecutor:
    """The workers of a Dask cluster. Use `open_cluster`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hardware: dict[tuple[str, EngineSettings], Hardware] = {}
        self._timed: dict[tuple[object, ...], float] = {}
        client.register_plugin(WorkerState())

    def hardware(self, model: str, engine: EngineSettings, progress: Progress) -> Hardware:
        """The hardware of the workers, which must all be of the same kind.

        Raises:
            ClusterError: there are no workers, or they differ in ways that would change the result.
            DeviceError: a worker does not have the requested device.
        """
        key = model, engine
        if key not in self._hardware:
            infos = self._describe(model, engine)
            _check_alike(infos, progress)
            one = infos[0].hardware
            machines = len({info.host for info in infos})
            where = f"{len(infos)} worker{'s' if len(infos) > 1 else ''}"
            where += f" on {machines} machines" if machines > 1 else ""
            self._hardware[key] = Hardware(
                one.kind,
                one.precision,
                f"{where}, each {one.name}",
                one.threads,
                processes=len(infos),
                backend=one.backend,
                arithmetic=" or ".join(sorted({info.hardware.arithmetic for info in infos})),
            )
        return self._hardware[key]

    def seconds_a_patch(self, run: Run) -> float:
        """Measured on one worker, once per model and the settings that affect its speed."""
        key = (run.spec.inputs.model_checksum, run.settings.engine)
        if key not in self._timed:
            arguments = (run.source, portable(run.settings), run.origin.shard_px)
            with scheduler_errors():
                future = self._client.submit(time_a_patch, *arguments, pure=False, resources={SEAT: 1})
                self._timed[key] = float(future.result())
        return self._timed[key]

    def write(
        self, run: Run, step: Step, runs: Sequence[Sequence[Shard]], work: WorkFolder, progress: Progress
    ) -> None:
        """Write shards as tasks; other workers redo those of lost workers, and a failing shard does not stop the rest.

        Raises:
            ClusterError: some shards failed (the message names them); all others are finished and kept.
        """
        pieces = cut_runs(runs, run.hardware.processes, rows_a_shard=_rows_a_shard(step, runs))
        patches = [sum(len(row) for row in step.stage.sweep.patches_of(shards)) for shards in (*runs, *pieces)]
        flow = Flow(self._client, progress, steps=sum(patches[: len(runs)]), said=sum(patches[len(runs) :]))
        for piece in pieces:
            self._add(flow, run, step, piece, work)
        failures, suspects = self._collect(flow, run, step, work, progress)
        for shard in suspects:  # one at a time, so that no other shard can be the cause
            flow = Flow(self._client, progress, steps=0, said=0)
            self._add(flow, run, step, [shard], work)
            more, guilty = self._collect(flow, run, step, work, progress)
            failures += more + [Failure(one.name, _DEADLY, _DEADLY_HINT) for one in guilty]
        if failures:
            raise _shards_failed(failures, len(step.stage.shards))

    def _collect(
        self, flow: Flow, run: Run, step: Step, work: WorkFolder, progress: Progress
    ) -> tuple[list[Failure], list[Shard]]:
        """Shards that failed with an error, and single shards whose workers died."""
        failures: list[Failure] = []
        suspects: list[Shard] = []
        with scheduler_errors():
            for call, future in flow.finished():
                if _is_killed(future):
                    left = [shard for shard in call.about if not work.has(step.layer, shard)]
                    suspects += left if len(left) == 1 else []
                    for shard in left if len(left) > 1 else []:  # try each again on its own
                        self._add(flow, run, step, [shard], work)
                    continue
                done: Done = future.result()  # an error here stops the run: the cluster is unsuitable
                failures += done.failures
                for words in done.warnings:
                    progress.warn(words)
        return failures, suspects

    def each(
        self, function: Callable[[AnyJob, Executor, Progress], Outcome], jobs: Sequence[AnyJob], progress: Progress
    ) -> Iterator[Outcome]:
        """Run each small job whole on one worker, then the `large` ones one by one, split into shards."""
        small = [job for job in jobs if not job.large]
        steps = sum(job.steps for job in small)
        flow = Flow(self._client, progress, steps=steps, said=steps)
        for job in small:
            flow.add(run_job, job, function, job)
        with scheduler_errors():
            for call, future in flow.finished():
                yield _outcome_of(call.about, future)
        for job in jobs:
            if job.large:
                yield function(job, self, progress)

    def _add(self, flow: Flow, run: Run, step: Step, shards: Sequence[Shard], work: WorkFolder) -> None:
        places = tuple((shard.col_index, shard.row_index) for shard in shards)
        task = ShardTask(
            run.source, portable(run.settings), run.origin.shard_px, run.origin.key, work.path, step.layer, places
        )
        flow.add(write_shards, shards, task)

    def _describe(self, model: str, engine: EngineSettings) -> list[WorkerInfo]:
        try:
            self._client.wait_for_workers(1, timeout=_JOIN_S)
        except TimeoutError:
            raise ClusterError(
                f"no worker joined the cluster within {_JOIN_S} s", hint="start some with: dask worker ADDRESS"
            ) from None
        with scheduler_errors():
            futures = [
                self._client.submit(describe_worker, model, engine, workers=[address], pure=False, resources={SEAT: 1})
                for address in self._client.nthreads()
            ]
            answers: list[WorkerInfo | FctlError] = self._client.gather(futures)
        for answer in answers:
            if isinstance(answer, FctlError):
                raise answer
        return [answer for answer in answers if isinstance(answer, WorkerInfo)]


def portable(settings: Settings) -> Settings:
    """Settings that mean the same in another process: with absolute paths and without outputs, which stay here."""
    area = settings.scene.aoi
    scene = replace(settings.scene, aoi=None if area is None else Path(absolute_path(area)))
    return replace(settings, model=_model(settings.model), scene=scene, output=OutputSettings())


def _model(name_or_path: str) -> str:
    return name_or_path if shipped_path(name_or_path) is not None else absolute_path(name_or_path)


def cut_runs(runs: Sequence[Sequence[Shard]], workers: int, rows_a_shard: float) -> list[Sequence[Shard]]:
    """Cut downward runs into tasks so that all workers finish as early as possible.

    Long tasks repeat fewer patches (a task of n shards computes n * rows + 1 patch rows), short ones balance the load
    better. Example: 4 runs of 9 shards stay whole for 2 workers and become 4 * 9 tasks for 36.
    """
    longest = max((len(run) for run in runs), default=1)
    sizes = sorted({math.ceil(longest / parts) for parts in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, longest)})
    cuts = {size: _cut(runs, size) for size in sizes}
    return cuts[min(sizes, key=lambda size: _rows_till_done(cuts[size], workers, rows_a_shard))]


def _cut(runs: Sequence[Sequence[Shard]], size: int) -> list[Sequence[Shard]]:
    return [run[start : start + size] for run in runs for start in range(0, len(run), size)]


def _rows_till_done(pieces: Sequence[Sequence[Shard]], workers: int, rows_a_shard: float) -> float:
    """Patch rows computed by the busiest worker if each takes the next task as soon as it is free."""
    busy = [0.0] * min(max(1, workers), max(1, len(pieces)))
    for piece in pieces:
        heapq.heapreplace(busy, busy[0] + len(piece) * rows_a_shard + 1)
    return max(busy)


def _rows_a_shard(step: Step, runs: Sequence[Sequence[Shard]]) -> float:
    shards = sum(len(run) for run in runs)
    return sum(len(step.stage.sweep.patches_of(run)) for run in runs) / max(1, shards)


def _check_alike(infos: Sequence[WorkerInfo], progress: Progress) -> None:
    """Refuse workers with different versions or kinds of device; warn if only the last bits may differ."""
    versions = {__version__: "here"} | {info.version: info.host for info in infos}
    if len(versions) > 1:
        words = ", ".join(f"{version} ({where})" for version, where in versions.items())
        raise ClusterError(f"versions of fctl-geo differ: {words}", hint="install the same version everywhere")
    kinds = {(i.hardware.kind, i.hardware.precision, i.hardware.backend): i.host for i in infos}
    if len(kinds) > 1:
        words = ", ".join(f"{' '.join(kind)} ({where})" for kind, where in kinds.items())
        raise ClusterError(
            f"workers compute on different devices: {words}",
            hint="choose one kind with --device, --precision, and --backend",
        )
    arithmetics = {info.hardware.arithmetic: info.host for info in infos}
    if len(arithmetics) > 1:
        words = "; ".join(f"{arithmetic} ({host})" for arithmetic, host in sorted(arithmetics.items()))
        progress.warn(
            f"workers compute with different instructions ({words}): where two classes are equally likely, the result "
            "depends on which worker computes it; for reproducible bytes, use workers of one kind"
        )


def _shards_failed(failures: Sequence[Failure], shards: int) -> ClusterError:
    named = "; ".join(f"{failure.shard}: {failure.message}" for failure in failures[:_NAMED])
    more = f"; and {len(failures) - _NAMED} more" if len(failures) > _NAMED else ""
    hints = list(dict.fromkeys(failure.hint for failure in failures if failure.hint))[:2]
    kept = "the others are finished and kept: --resume continues from them if scene, model and settings stay the same"
    return ClusterError(
        f"{len(failures)} of {shards} shards could not be computed ({named}{more})", hint="; ".join([*hints, kept])
    )


def _outcome_of(job: Job[Outcome], future: Future[Any]) -> Outcome:
    """The outcome of a job; if its workers died, the job itself provides one."""
    if _is_killed(future):
        return job.lost(_DEADLY, _DEADLY_HINT)
    outcome: Outcome = future.result()
    return outcome


def _is_killed(future: Future[Any]) -> bool:
    return future.status == "error" and isinstance(future.exception(), KilledWorker)
