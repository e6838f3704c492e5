"""Progress across machines: a worker's reports to the process that waits for its task."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from fctl_geo.progress import Silent

EVERY_S = 2.0
"""Minimum interval of a worker's reports; each sends about 300 bytes through the scheduler."""


class TaskProgress(Silent):
    """The progress of one task; cancelled as soon as nobody is waiting for the task."""

    def __init__(self, worker: Any, topic: str, key: str) -> None:
        self._worker, self._topic, self._key = worker, topic, key
        self._done = self._reported = 0
        self._reported_at_s = time.monotonic()
        self.warnings: list[str] = []

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        task = self._worker.state.tasks.get(self._key)  # not part of Dask's public API: see `_seats` in flow.py
        return task is None or task.state == "cancelled"

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if time.monotonic() - self._reported_at_s >= EVERY_S:
            self._report()

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._done > self._reported:
            self._report()

    def _report(self) -> None:
        self._worker.log_event(self._topic, [self._key, self._done])
        self._reported, self._reported_at_s = self._done, time.monotonic()
