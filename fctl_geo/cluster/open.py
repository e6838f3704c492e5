"""Opens a cluster: worker processes on this machine, or a running Dask scheduler."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from fctl_geo.errors import ClusterError
from fctl_geo.progress import Progress, Silent
from fctl_geo.settings import EngineSettings

if TYPE_CHECKING:
    from distributed import Client

    from fctl_geo.cluster.executor import DaskExecutor

_CONFIG = {
    # Dask cannot spill a shard's memory, and a paused worker would wait forever, so only the last limit is enabled.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # Dask would sample its workers a hundred times a second for a profile that is not needed.
    "distributed.worker.profile.enabled": False,
    # Dask's defaults include MALLOC_TRIM_THRESHOLD_, which would release and reallocate memory with every patch.
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), 1),
}
_CONNECT_S = 30


@contextmanager
def open_cluster(
    engine: EngineSettings = EngineSettings(),  # noqa: B008 - frozen
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> Iterator[DaskExecutor]:
    """Open workers as an executor for `segment_scene` and `run_batch`.

    Args:
        engine: memory limit and threads of each worker, for workers started here.
        workers: number of processes to start on this machine; they share its cores.
        scheduler: the address of a running scheduler to use instead, e.g. tcp://head:8786.
    Raises:
        ClusterError: Dask is not installed, or no scheduler answers.
    """
    try:
        import distributed
    except ImportError:
        raise ClusterError("clusters require Dask", hint="pip install 'fctl-geo[dask]'") from None
    from fctl_geo.cluster.executor import DaskExecutor

    with ExitStack() as stack:
        if scheduler is None:
            progress.say(f"starting {workers} worker processes")
            client = _local(stack, engine, workers or 1)
        else:
            try:
                client = stack.enter_context(distributed.Client(scheduler, timeout=_CONNECT_S))
            except (OSError, TimeoutError, ValueError) as error:
                raise ClusterError(
                    f"no Dask scheduler answers at {scheduler} ({error})",
                    hint="start one with `dask scheduler`; the address looks like tcp://host:8786",
                ) from None
        yield DaskExecutor(client)


def _local(stack: ExitStack, engine: EngineSettings, workers: int) -> Client:
    import dask
    from distributed import Client, LocalCluster

    from fctl_geo.model.device import available_cores

    stack.enter_context(dask.config.set(_CONFIG))
    try:
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=workers,
                threads_per_worker=engine.threads or max(1, available_cores() // workers),
                processes=True,
                memory_limit=engine.max_memory_bytes or "auto",
                dashboard_address="127.0.0.1:0",  # any free port: 8787 may be another cluster's
                silence_logs=logging.CRITICAL,
            )
        )
    except (RuntimeError, OSError) as error:
        raise ClusterError(
            f"{workers} worker processes could not be started ({error})",
            hint="is there enough memory? Use fewer workers",
        ) from error
    client: Client = stack.enter_context(Client(cluster))
    return client
