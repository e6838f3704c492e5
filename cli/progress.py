"""How the command line shows progress: a bar, lines of JSON, or messages only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from fctl_geo.progress import Silent

from .stop import ask_at_end_of_stdin, stop_on_signals

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress

    from .console import Console

_EVERY_S = 0.1
"""Shortest interval between two reports of progress."""


class DoorProgress(Silent):
    """Base class: a progress that can be asked to stop, and that is closed at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.cancelled = False

    def ask_to_stop(self) -> None:
        """For signal handlers: a thread prints the message, since the main thread may be in the middle of a line."""
        self.cancelled = True
        message = "stopping after this step; press Ctrl-C again to stop immediately"
        threading.Thread(target=self.warn, args=(message,), daemon=True).start()

    def done(self, summary: dict[str, Any]) -> None:
        """Report the end of the run; `summary` is its result in machine-readable form."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class SentenceProgress(DoorProgress):
    """Messages on stderr, without a bar."""

    def __init__(self, console: Console) -> None:
        from rich.console import Console as RichConsole

        super().__init__(console)
        self.terminal: RichConsole = RichConsole(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        if self.console.verbosity >= 0:
            self.terminal.print(text, markup=False)

    def warn(self, text: str) -> None:
        self.terminal.print(f"Warning: {text}", markup=False, style="yellow")


class BarProgress(SentenceProgress):
    """Messages, and a bar for each stage with percentage, elapsed time, and remaining time."""

    def __init__(self, console: Console) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        super().__init__(console)
        self._task: Any = None
        self._gauges: dict[str, float] = {}
        self._bars = _with_table(Progress, self._gauges)(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.terminal,
            disable=console.verbosity < 0,
        )

    def stage(self, name: str, total: int) -> None:
        self._fill()
        self._task = self._bars.add_task(name, total=total)

    def advance(self, steps: int = 1) -> None:
        if self._task is not None:
            self._bars.advance(self._task, steps)

    def measure(self, values: Mapping[str, float]) -> None:
        self._gauges.update(values)

    def _fill(self) -> None:
        """Fill the bar of a finished stage, even if it took fewer steps than announced."""
        if self._task is not None:
            task = next(task for task in self._bars.tasks if task.id == self._task)
            self._bars.update(self._task, completed=task.total)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._fill()
        self._bars.stop()


class JsonProgress(DoorProgress):
    """One JSON object per line on stderr: stage, advance and measure (at most ten per second), say, warn, done."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._total = self._done = 0
        self._reported_at_s = 0.0
        self._measured: dict[str, float] = {}
        self._measured_at_s = 0.0

    def stage(self, name: str, total: int) -> None:
        self._total, self._done, self._reported_at_s = total, 0, 0.0
        self.console.emit(event="stage", name=name, total=total)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        now_s = time.monotonic()
        if now_s - self._reported_at_s >= _EVERY_S or self._done >= self._total:
            self._reported_at_s = now_s
            self.console.emit(event="advance", done=self._done, total=self._total)

    def measure(self, values: Mapping[str, float]) -> None:
        """Report the latest values, at most ten times per second."""
        self._measured.update(values)
        now_s = time.monotonic()
        if now_s - self._measured_at_s >= _EVERY_S:
            self._emit_measured(now_s)

    def _emit_measured(self, now_s: float) -> None:
        if self._measured:
            self.console.emit(event="measure", values=self._measured)
        self._measured, self._measured_at_s = {}, now_s

    def say(self, text: str) -> None:
        self.console.emit(event="say", text=text)

    def warn(self, text: str) -> None:
        self.console.emit(event="warn", text=text)

    def done(self, summary: dict[str, Any]) -> None:
        self._emit_measured(time.monotonic())
        self.console.emit(event="done", summary=summary)


def _with_table(bars: type[Progress], gauges: Mapping[str, float]) -> type[Progress]:
    """Progress bars below a live table of the latest values: loss, learning rate, IoU."""
    from rich import box
    from rich.table import Table

    class Gauged(bars):  # type: ignore[misc,valid-type]
        def get_renderables(self) -> Iterable[Any]:
            if gauges:
                table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
                for name, value in gauges.items():
                    table.add_row(name, f"{value:,.0f}" if name == "step" else f"{value:.4g}")
                yield table
            yield from super().get_renderables()

    return Gauged


@contextmanager
def open_progress(console: Console) -> Iterator[DoorProgress]:
    """Open the progress selected by --progress; while it is open, Ctrl-C and SIGTERM ask the core to stop."""
    kinds = {"bar": BarProgress, "json": JsonProgress, "none": SentenceProgress}
    progress = kinds[console.progress_kind](console)
    with progress, stop_on_signals(progress.ask_to_stop):
        if console.stop_with_stdin:
            threading.Thread(target=ask_at_end_of_stdin, args=(progress.ask_to_stop,), daemon=True).start()
        if console.verbosity > 0:
            for sentence in console.cleared:
                progress.say(sentence)
        yield progress
