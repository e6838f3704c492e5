"""Progress that travels: a worker's few words on the way to whoever waits for its task."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from fctl_geo.progress import Silent

EVERY_S = 2.0
"""A worker tells how far it is at most so often: an event takes some 300 bytes through the scheduler."""


class TaskProgress(Silent):
    """The progress of one task; cancelled as soon as nobody waits for the task any more."""

    def __init__(self, worker: Any, topic: str, key: str) -> None:
        self._worker, self._topic, self._key = worker, topic, key
        self._done = self._told = 0
        self._told_at_s = time.monotonic()
        self.warnings: list[str] = []

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state == "cancelled"

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if time.monotonic() - self._told_at_s >= EVERY_S:
            self._tell()

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._done > self._told:
            self._tell()

    def _tell(self) -> None:
        self._worker.log_event(self._topic, [self._key, self._done])
        self._told, self._told_at_s = self._done, time.monotonic()
