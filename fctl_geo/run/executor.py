"""Executors compute the shards of a run: in this process, or (fctl_geo.cluster) in many, here and on other machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from fctl_geo.progress import Progress, Silent, check_cancelled
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.open import Run
from fctl_geo.run.stage import Step
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import EngineSettings
from fctl_geo.windows.shards import Shard

if TYPE_CHECKING:
    from fctl_geo.model.backend import Networks

Outcome = TypeVar("Outcome")
Outcome_co = TypeVar("Outcome_co", covariant=True)


class Job(Protocol[Outcome_co]):
    """One of many units of work for an executor."""

    @property
    def large(self) -> bool:
        """Whether it has enough shards to be split among several workers."""

    @property
    def steps(self) -> int:
        """How many progress steps it counts for."""

    def lost(self, message: str, hint: str) -> Outcome_co:
        """The outcome to report when every worker that tried it died."""


AnyJob = TypeVar("AnyJob", bound=Job[Any])


class Executor(Protocol):
    """What a run requires of whatever computes it.

    All executors produce the same bytes (law 10), provided that their arithmetic is the same (`Hardware.arithmetic`).
    """

    def hardware(self, model: str, engine: EngineSettings, progress: Progress) -> Hardware:
        """The hardware that the networks of a model will run on."""

    def seconds_a_patch(self, run: Run) -> float:
        """Wall-clock seconds per patch, including its share of context tiles and refinement."""

    def write(
        self, run: Run, step: Step, runs: Sequence[Sequence[Shard]], work: WorkFolder, progress: Progress
    ) -> None:
        """Write the shards of a step into the work folder; within each run, shards pass their overlap downwards."""

    def each(
        self, function: Callable[[AnyJob, Executor, Progress], Outcome], jobs: Sequence[AnyJob], progress: Progress
    ) -> Iterator[Outcome]:
        """Apply `function` to every job, in any order; in parallel if there are several workers."""


class LocalExecutor:
    """Computes in this process. Networks stay loaded from scene to scene; use it in a with-block.

    Args:
        adapt: adjusts a run's engine settings to this process if it shares a machine with others.
    """

    def __init__(self, adapt: Callable[[EngineSettings], EngineSettings] = lambda engine: engine) -> None:
        self._adapt = adapt
        self._networks: dict[tuple[str, EngineSettings], Networks] = {}
        self._timed: dict[tuple[object, ...], float] = {}

    def hardware(self, model: str, engine: EngineSettings, progress: Progress) -> Hardware:
        """This machine's device for a model.

        Raises:
            ModelFileError: the requested backend cannot run the model.
            DeviceError: the requested device or backend is not available.
        """
        from fctl_geo.model.choice import open_device

        device = open_device(model, self._own(model, engine), progress)  # nothing runs on it: no threads need closing
        return Hardware(
            device.kind,
            device.precision,
            device.name,
            device.threads,
            backend=device.backend,
            arithmetic=device.arithmetic,
        )

    def seconds_a_patch(self, run: Run) -> float:
        """Measured once per model and the settings that affect its speed."""
        from fctl_geo.run.plan import time_a_patch

        grid, engine = run.final.sweep.grid, run.settings.engine
        key = (run.spec.inputs.model_checksum, engine, grid.patch_px, grid.overlap_px)
        if key not in self._timed:
            self._timed[key] = time_a_patch(run, self.networks(run, Silent()))
        return self._timed[key]

    def write(
        self, run: Run, step: Step, runs: Sequence[Sequence[Shard]], work: WorkFolder, progress: Progress
    ) -> None:
        """Write one shard after another; an error stops it, and finished shards are kept."""
        from fctl_geo.run.sweep_shards import open_network, write_run

        with open_network(run, step, self.networks(run, progress), work) as (network, finish):
            for shards in runs:
                for _ in write_run(network, finish, step.stage, step.layer, shards, work, progress):
                    check_cancelled(progress)

    def each(
        self, function: Callable[[AnyJob, Executor, Progress], Outcome], jobs: Sequence[AnyJob], progress: Progress
    ) -> Iterator[Outcome]:
        """Run one job after another."""
        for job in jobs:
            yield function(job, self, progress)

    def networks(self, run: Run, progress: Progress) -> Networks:
        """The networks of a run's model, loaded on first use."""
        from fctl_geo.model.choice import open_networks

        engine = self._own(run.settings.model, run.settings.engine)
        key = (run.spec.inputs.model_checksum, engine)
        kept = self._networks.get(key)
        if kept is not None and kept.device.kind == run.hardware.kind:
            kept.device.progress = progress
            return kept
        self.close()  # another model, or a fallback from the GPU: only one set of networks is kept
        self._networks[key] = open_networks(run.settings.model, engine, progress)
        return self._networks[key]

    def _own(self, model: str, engine: EngineSettings) -> EngineSettings:
        """Settings with the backend decided, then adapted to this process."""
        from fctl_geo.model.choice import choose_backend

        return self._adapt(replace(engine, backend=choose_backend(model, engine)))

    def close(self) -> None:
        """Release the networks."""
        for networks in self._networks.values():
            networks.close()
        self._networks.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
