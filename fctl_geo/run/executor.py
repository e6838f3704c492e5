"""Who computes the shards of a run: this process, or (fctl_geo.cluster) processes on this machine and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from fctl_geo.progress import Progress, Silent, check_cancelled
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.open import Run
from fctl_geo.run.stage import Step
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import EngineSettings
from fctl_geo.windows.shards import Shard

if TYPE_CHECKING:
    from fctl_geo.run.networks import Networks

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Executor(Protocol):
    """What a run asks of those who compute it. The bytes are the same whoever they are (law 8)."""

    def hardware(self, engine: EngineSettings, progress: Progress) -> Hardware:
        """What the networks will run on."""

    def seconds_a_patch(self, run: Run) -> float:
        """One patch with its share of context tiles and of refinement, by the clock."""

    def write(
        self, run: Run, step: Step, runs: Sequence[Sequence[Shard]], work: WorkFolder, progress: Progress
    ) -> None:
        """Write the shards of a step into the work folder; each run of shards hands its overlap downwards."""

    def each(
        self, function: Callable[[Job, Executor, Progress], Outcome], jobs: Sequence[Job], progress: Progress
    ) -> Iterator[Outcome]:
        """`function` of every job, in any order; many at a time, where there are many to work."""


class LocalExecutor:
    """Computes here. The networks stay loaded from scene to scene; use it in a with-block.

    Args:
        adapt: makes a run's engine settings this process's own, where it shares a machine with others.
    """

    def __init__(self, adapt: Callable[[EngineSettings], EngineSettings] = lambda engine: engine) -> None:
        self._adapt = adapt
        self._networks: dict[tuple[str, EngineSettings], Networks] = {}
        self._timed: dict[tuple[object, ...], float] = {}

    def hardware(self, engine: EngineSettings, progress: Progress) -> Hardware:
        """This machine's device.

        Raises:
            DeviceError: the device that was asked for is not there.
        """
        from fctl_geo.model.device import Device
        from fctl_geo.run.networks import hardware_of

        device = Device(self._adapt(engine), progress)  # nothing runs on it: no thread was started
        return hardware_of(device)

    def seconds_a_patch(self, run: Run) -> float:
        """Measured once for a model and the settings that make it slower."""
        from fctl_geo.run.plan import time_a_patch

        grid, engine = run.final.sweep.grid, run.settings.engine
        key = (run.model_checksum, engine, run.refines, grid.patch_px, grid.overlap_px)
        if key not in self._timed:
            self._timed[key] = time_a_patch(run, self.networks(run, Silent()))
        return self._timed[key]

    def write(
        self, run: Run, step: Step, runs: Sequence[Sequence[Shard]], work: WorkFolder, progress: Progress
    ) -> None:
        """Shard after shard; an error ends it, and what was finished stays."""
        from fctl_geo.run.sweep_shards import open_network, write_run

        with open_network(run, step, self.networks(run, progress), work) as (network, finish):
            for shards in runs:
                for _ in write_run(network, finish, step.stage, step.layer, shards, work, progress):
                    check_cancelled(progress)

    def each(
        self, function: Callable[[Job, Executor, Progress], Outcome], jobs: Sequence[Job], progress: Progress
    ) -> Iterator[Outcome]:
        """Job after job."""
        for job in jobs:
            yield function(job, self, progress)

    def networks(self, run: Run, progress: Progress) -> Networks:
        """The networks of a run's model, loaded when they are first asked for."""
        from fctl_geo.run.networks import load

        engine = self._adapt(run.settings.engine)
        key = (run.model_checksum, engine)
        kept = self._networks.get(key)
        if kept is not None and kept.device.torch_device.type == run.hardware.kind:
            kept.device.progress = progress
            return kept
        self.close()  # another model, or a GPU that had given up: one set of networks at a time
        self._networks[key] = load(run.settings.model, engine, progress)
        return self._networks[key]

    def close(self) -> None:
        """Let the networks go."""
        for networks in self._networks.values():
            networks.close()
        self._networks.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
