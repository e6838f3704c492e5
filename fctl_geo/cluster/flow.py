"""Calls that go out to workers, as many as there are workers, and come back in any order."""

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
    """Turn what Dask raises when its scheduler dies, in the midst of whatever, into an error of ours."""
    try:
        yield
    except (OSError, FutureCancelledError) as error:  # CommClosedError is an OSError
        raise scheduler_lost() from error


def scheduler_lost() -> ClusterError:
    return ClusterError(
        "the connection to the Dask scheduler was lost",
        hint="finished shards and scenes are kept: start the cluster, then the same command (segment: with --resume)",
    )


def _seats(dask_scheduler: Scheduler) -> tuple[int, set[str]]:
    """How many seats there are, and the calls that found none."""
    return len(dask_scheduler.resources.get(SEAT, {})), {str(task.key) for task in dask_scheduler.unrunnable}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a task's function on some worker."""

    function: Callable[..., Any]
    about: Any
    """Its first argument, and what the caller knows it by."""
    arguments: tuple[Any, ...]
    key: str = field(default_factory=lambda: f"fctl-{secrets.token_hex(6)}")


class Flow:
    """Sends calls out and yields each with its finished future; calls may be added meanwhile.

    No more calls are out than there are workers: none waits in a queue of a worker that dies, and each death is then
    the fault of what ran there.
    """

    def __init__(self, client: Client, progress: Progress, *, steps: int, said: int) -> None:
        """
        Args:
            steps: that `progress` is to be advanced by, in all.
            said: steps that the calls will tell, in all.
        """
        self._client, self._progress = client, progress
        self._steps, self._said = steps, max(1, said)
        self._topic = f"fctl-{secrets.token_hex(6)}"
        self._waiting: deque[Call] = deque()
        self._out: dict[str, tuple[Call, Future[Any]]] = {}
        self._news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._told: dict[str, int] = {}
        self._advanced = 0
        self._seats, self._counted_at_s, self._alone_since_s = 0, 0.0, time.monotonic()

    def add(self, function: Callable[..., Any], about: Any, *arguments: Any) -> None:
        """One more call: `function(*arguments, topic, key)`."""
        self._waiting.append(Call(function, about, arguments))

    def finished(self) -> Iterator[tuple[Call, Future[Any]]]:
        """Calls as they end, well or not, until none is left.

        Raises:
            Cancelled: the user asked to stop.
            ClusterError: the scheduler is gone.
        """
        self._client.subscribe_topic(self._topic, lambda event: self._news.put(("told", event[1])))
        try:
            while self._waiting or self._out:
                check_cancelled(self._progress)
                self._send()
                yield from self._hear()
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
            future.add_done_callback(lambda done: self._news.put(("done", done.key)))

    def _hear(self) -> Iterator[tuple[Call, Future[Any]]]:
        try:
            kind, what = self._news.get(timeout=_LOOK_S)
        except queue.Empty:
            return
        if kind == "told":
            key, done = what
            self._told[key] = max(self._told.get(key, 0), done)
            self._advance(self._steps * sum(self._told.values()) // self._said)
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
        """How many workers there are now: some join, some are lost."""
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
        """Dask does not look anew for who could take a call when a worker gets its seat, which is after it joined."""
        for key in stranded:
            call, future = self._out.pop(key)
            self._client.cancel([future], force=True)
            self._waiting.appendleft(Call(call.function, call.about, call.arguments))
