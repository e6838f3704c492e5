"""What workers must agree on, and which of Dask's inner parts we lean on."""

from __future__ import annotations

import inspect

import pytest
from distributed.scheduler import Scheduler, SchedulerState
from distributed.worker_state_machine import TaskState, WorkerState

from fctl_geo import __version__
from fctl_geo.cluster import flow, remote_progress
from fctl_geo.cluster.executor import _check_alike
from fctl_geo.cluster.tasks import WorkerInfo
from fctl_geo.errors import ClusterError
from fctl_geo.progress import Silent
from fctl_geo.run.hardware import Hardware


class Hearing(Silent):
    def __init__(self) -> None:
        self.words: list[str] = []

    def warn(self, text: str) -> None:
        self.words.append(text)


def worker(host: str, *, version: str = __version__, kind: str = "cpu", arithmetic: str = "torch 2, AVX2") -> WorkerInfo:
    return WorkerInfo(host, Hardware(kind, "fp32", kind, arithmetic=arithmetic), version)


def test_workers_whose_last_bits_may_differ_are_warned_of_by_name() -> None:
    heard = Hearing()
    _check_alike([worker("a"), worker("b")], heard)
    assert heard.words == []
    _check_alike([worker("a"), worker("b", arithmetic="torch 2, AVX512")], heard)
    (words,) = heard.words
    assert "torch 2, AVX2 (a); torch 2, AVX512 (b)" in words


@pytest.mark.parametrize("other", [worker("b", version="99"), worker("b", kind="cuda")])
def test_workers_whose_results_differ_are_refused(other: WorkerInfo) -> None:
    with pytest.raises(ClusterError, match="differ"):
        _check_alike([worker("a"), other], Silent())


def test_the_parts_of_dask_that_it_does_not_promise_are_there() -> None:
    """`Scheduler.unrunnable` (calls that found no worker) and `Worker.state.tasks` with the state 'cancelled'.

    Where this fails, mend the two places named here and raise the bound of `distributed` in setup.cfg.
    """
    assert "dask_scheduler.unrunnable" in inspect.getsource(flow)
    assert "self.unrunnable" in inspect.getsource(SchedulerState)
    assert issubclass(Scheduler, SchedulerState)
    assert "_worker.state.tasks" in inspect.getsource(remote_progress)
    state = WorkerState()
    assert dict(state.tasks) == {}
    state.tasks["a"] = TaskState("a", state="cancelled")
    assert state.tasks["a"].state == "cancelled"
