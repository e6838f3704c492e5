"""Where networks run: one patch per core on the CPU; `torch_device` and `onnx_device` add what their libraries need."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, TypeVar

from fctl_geo.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

_SLOW_S = 1.0


class Device:
    """Run a function over items, batch by batch, and yield the results in order.

    On the CPU each worker thread takes one item at a time, and the library that computes uses a single thread within
    it. That is at least as fast as the library's own threads, and a result depends neither on the number of cores nor
    on its neighbors (law 1).
    """

    def __init__(self, threads: int | None, progress: Progress) -> None:
        self.progress = progress
        self.threads = threads or available_cores()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def backend(self) -> Literal["torch", "onnx"]:
        """The library that computes."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """'cpu' or 'cuda'."""
        return "cpu"

    @property
    def precision(self) -> str:
        """'fp32' or 'bf16'."""
        return "fp32"

    @property
    def name(self) -> str:
        """For the summary: 'cpu (2 threads)', or the GPU's name."""
        return f"cpu ({self.threads} thread{'s' if self.threads > 1 else ''})"

    @property
    def fallback(self) -> str:
        """`name` if the CPU took over from a GPU: not all patches were computed alike. Otherwise empty."""
        return ""

    @property
    def arithmetic(self) -> str:
        """What the last bits of a result depend on, apart from precision: library, version and instruction set."""
        raise NotImplementedError

    def run(self, function: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> Iterator[Result]:
        """Run `function` over batches of `items`; yield one result per item, in order."""
        yield from self._run_threads(function, items)

    def close(self) -> None:
        """End the worker threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _start_thread(self) -> None:
        """Prepare a worker thread."""

    def _run_threads(
        self, function: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]
    ) -> Iterator[Result]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, "fctl", initializer=self._start_thread)
        waiting: deque[Future[list[Result]]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(function, [item]))
                if len(waiting) > self.threads:  # one ahead: workers never wait, and results do not pile up
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def shortest_s(work: Callable[[], object], tries: int = 2) -> float:
    """Seconds taken by the fastest of several tries, since the first one sets up kernels. Slow work gets one try."""
    times: list[float] = []
    while len(times) < tries and not (times and times[0] > _SLOW_S):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def available_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
