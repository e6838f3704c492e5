"""Sends calls to workers, no more at a time than there are workers, and collects them in any order."""

from __future__ import annotations

import queue
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future, Scheduler
from distributed.client import FutureCancelledError

from fctl_geo.cluster.worker_state import SEAT
from fctl_geo.errors import ClusterError
from fctl_geo.progress import Progress, check_cancelled

_LOOK_S = 0.2
_COUNT_EVERY_S = 1.0
_PATIENCE_S = 60.0


@contextmanager
def scheduler_errors() -> Iterator[None]:
    """Turn whatever Dask raises when its scheduler dies into a `ClusterError`."""
    try:
        yield
    except (OSError, FutureCancelledError) as error:  # CommClosedError is an OSError
        raise scheduler_lost() from error


def scheduler_lost() -> ClusterError:
    return ClusterError(
        "the connection to the Dask scheduler was lost",
        hint="finished shards and scenes are kept: restart the cluster, then run the same command again "
        "(segment: with --resume)",
    )


def _seats(dask_scheduler: Scheduler) -> tuple[int, set[str]]:
    """The number of seats, and the calls that found none.

    `unrunnable` is not part of Dask's public API: setup.cfg bounds the version, and a test checks that it exists.
    """
    return len(dask_scheduler.resources.get(SEAT, {})), {str(task.key) for task in dask_scheduler.unrunnable}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a task's function on some worker."""

    function: Callable[..., Any]
    about: Any
    """What the caller identifies it by."""
    arguments: tuple[Any, ...]
    key: str = field(default_factory=lambda: f"fctl-{secrets.token_hex(6)}")


class Flow:
    """Submits calls and yields each with its finished future; calls may be added in the meantime.

    No more calls are submitted at a time than there are workers. None then waits in the queue of a worker that dies,
    so that each death can be attributed to the call that was running there.
    """

    def __init__(self, client: Client, progress: Progress, *, steps: int, said: int) -> None:
        """
        Args:
            steps: total steps by which to advance `progress`.
            said: total steps that the calls will report.
        """
        self._client, self._progress = client, progress
        self._steps, self._said = steps, max(1, said)
        self._topic = f"fctl-{secrets.token_hex(6)}"
        self._waiting: deque[Call] = deque()
        self._out: dict[str, tuple[Call, Future[Any]]] = {}
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._reported: dict[str, int] = {}
        self._advanced = 0
        self._seats, self._counted_at_s, self._alone_since_s = 0, 0.0, time.monotonic()

    def add(self, function: Callable[..., Any], about: Any, *arguments: Any) -> None:
        """Add a call: `function(*arguments, topic, key)`."""
        self._waiting.append(Call(function, about, arguments))

    def finished(self) -> Iterator[tuple[Call, Future[Any]]]:
        """Yield calls as they end, successfully or not, until none is left.

        Raises:
            Cancelled: the user asked to stop.
            ClusterError: the scheduler is gone.
        """
        self._client.subscribe_topic(self._topic, lambda event: self._events.put(("progress", event[1])))
        try:
            while self._waiting or self._out:
                check_cancelled(self._progress)
                self._send()
                yield from self._receive()
            self._advance(self._steps)
        finally:
            self._client.cancel([future for _, future in self._out.values()], force=True)
            if self._client.status == "running":
                self._client.unsubscribe_topic(self._topic)

    def _send(self) -> None:
        self._count()
        while self._waiting and len(self._out) < self._seats:
            call = self._waiting.popleft()
            future = self._client.submit(
                call.function, *call.arguments, self._topic, call.key, key=call.key, pure=False, resources={SEAT: 1}
            )
            self._out[call.key] = call, future
            future.add_done_callback(lambda done: self._events.put(("done", done.key)))

    def _receive(self) -> Iterator[tuple[Call, Future[Any]]]:
        try:
            kind, what = self._events.get(timeout=_LOOK_S)
        except queue.Empty:
            return
        if kind == "progress":
            key, done = what
            self._reported[key] = max(self._reported.get(key, 0), done)
            self._advance(self._steps * sum(self._reported.values()) // self._said)
        elif what in self._out:
            call, future = self._out.pop(what)
            if future.status in ("cancelled", "lost"):
                raise scheduler_lost()
            yield call, future

    def _advance(self, to: int) -> None:
        to = min(to, self._steps)
        if to > self._advanced:
            self._progress.advance(to - self._advanced)
            self._advanced = to

    def _count(self) -> None:
        """Update the number of workers, since some join and some are lost."""
        now_s = time.monotonic()
        if now_s - self._counted_at_s < _COUNT_EVERY_S:
            return
        self._counted_at_s = now_s
        self._seats, stranded = self._client.run_on_scheduler(_seats)
        if self._seats:
            self._alone_since_s = now_s
            self._call_again(stranded & set(self._out))
        elif now_s - self._alone_since_s > _PATIENCE_S:
            self._progress.warn("the cluster has no workers: waiting for some to join")
            self._alone_since_s = now_s

    def _call_again(self, stranded: set[str]) -> None:
        """Submit stranded calls again: Dask does not reconsider them when a worker gets its seat, after joining."""
        for key in stranded:
            call, future = self._out.pop(key)
            self._client.cancel([future], force=True)
            self._waiting.appendleft(Call(call.function, call.about, call.arguments))
