"""Options of `segment` and `batch` that run the work in worker processes or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.settings import EngineSettings

from .options import combine

if TYPE_CHECKING:
    from fctl_geo.progress import Progress
    from fctl_geo.run.executor import Executor

executor_options = combine(
    click.option("--workers", type=click.IntRange(1), metavar="N", help="Compute in N processes on this machine."),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Compute on a Dask cluster, e.g. tcp://head:8786; scenes and outputs must be in shared folders.",
    ),
)


@dataclass(frozen=True, slots=True)
class ExecutorChoice:
    """The values of --workers and --scheduler."""

    workers: int | None
    scheduler: str | None


def executor_choice(values: dict[str, Any]) -> ExecutorChoice:
    """Remove the executor's options from a command's values and return them."""
    choice = ExecutorChoice(values.pop("workers"), values.pop("scheduler"))
    if choice.workers is not None and choice.scheduler is not None:
        raise click.UsageError("--workers starts local processes, --scheduler has its own workers: give only one")
    return choice


@contextmanager
def open_executor(choice: ExecutorChoice, engine: EngineSettings, progress: Progress) -> Iterator[Executor]:
    """Open the executor, and close it at the end."""
    from fctl_geo.run.executor import LocalExecutor

    if choice == ExecutorChoice(None, None):
        with LocalExecutor() as executor:
            yield executor
        return
    from fctl_geo.cluster import open_cluster

    with open_cluster(engine, workers=choice.workers, scheduler=choice.scheduler, progress=progress) as cluster:
        yield cluster
