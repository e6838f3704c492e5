"""Who computes: the options of `segment` and `batch` that bring in more processes than this one."""

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
        help="Compute on a Dask cluster, e.g. tcp://head:8786; scenes and outputs lie in folders that all share.",
    ),
)


@dataclass(frozen=True, slots=True)
class ExecutorChoice:
    """What was asked for."""

    workers: int | None
    scheduler: str | None


def executor_choice(values: dict[str, Any]) -> ExecutorChoice:
    """The executor's options, taken out of a command's."""
    choice = ExecutorChoice(values.pop("workers"), values.pop("scheduler"))
    if choice.workers is not None and choice.scheduler is not None:
        raise click.UsageError("--workers starts processes here, --scheduler has its own: give one of them")
    return choice


@contextmanager
def open_executor(choice: ExecutorChoice, engine: EngineSettings, progress: Progress) -> Iterator[Executor]:
    """The executor, and its end."""
    from fctl_geo.run.executor import LocalExecutor

    if choice == ExecutorChoice(None, None):
        with LocalExecutor() as executor:
            yield executor
        return
    from fctl_geo.cluster import open_cluster

    with open_cluster(engine, workers=choice.workers, scheduler=choice.scheduler, progress=progress) as cluster:
        yield cluster
