"""State of a worker: what stays open between its tasks, and which device it owns."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from distributed import Worker, WorkerPlugin

from fctl_geo.cluster.gpu import GpuClaim
from fctl_geo.progress import Silent
from fctl_geo.run.executor import LocalExecutor
from fctl_geo.run.open import Run, open_run
from fctl_geo.settings import EngineSettings, Settings

SEAT = "fctl-seat"
"""A Dask resource of which each worker has one: however many threads a worker has, it runs one task at a time, which
uses all of them."""


class WorkerState(WorkerPlugin):
    """Plugin that is set up on every worker, including those that join later or restart after a crash."""

    name = "fctl-geo"
    idempotent = True

    async def setup(self, worker: Worker) -> None:
        self.executor = LocalExecutor(self._mine)
        self.threads = worker.state.nthreads
        self._claim = GpuClaim()
        self._open: tuple[tuple[object, ...], Run, ExitStack] | None = None
        worker.fctl_worker_state = self  # type: ignore[attr-defined]
        await worker.set_resources(**{SEAT: 1})

    async def teardown(self, worker: Worker) -> None:
        self.forget()
        self.executor.close()
        self._claim.release()

    def run(self, scene: str, settings: Settings, shard_px: int) -> Run:
        """The run, opened by the first of its tasks on this worker and kept for the next ones."""
        key = (scene, settings, shard_px)
        if self._open is None or self._open[0] != key:
            self.forget()
            with ExitStack() as stack:
                hardware = self.executor.hardware(settings.model, settings.engine, Silent())
                run = stack.enter_context(open_run(scene, settings, hardware, Silent(), shard_px))
                self._open = (key, run, stack.pop_all())
        return self._open[1]

    def forget(self) -> None:
        """Close the scene."""
        if self._open is not None:
            self._open[2].close()
            self._open = None

    def _mine(self, engine: EngineSettings) -> EngineSettings:
        """The settings with this worker's own GPU, if torch computes, and its number of threads unless one was given.

        Raises:
            DeviceError: every GPU of this machine belongs to another worker.
        """
        device = self._claim.device(engine.device) if engine.backend == "torch" else engine.device
        return replace(engine, device=device, threads=engine.threads or self.threads)


def worker_state_of(worker: Any) -> WorkerState:
    """The state of a worker."""
    state = worker.fctl_worker_state
    assert isinstance(state, WorkerState), state
    return state
