"""How loud a command is and where it speaks: results to stdout, talk to stderr, and Ctrl-C asks the core to stop."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .progress import DoorProgress

_lock = threading.Lock()


@dataclass
class Talk:
    """One command's manners; the group makes it, `talk_options` fills it."""

    progress_kind: str = "bar"
    """bar, json or none."""
    verbosity: int = 0
    """-1 quiet, 0 normal, 1 more, 2 with tracebacks."""
    stop_with_stdin: bool = False
    """The end of standard input asks the core to stop."""
    cleared: tuple[str, ...] = ()
    """What was cleared from the environment, as sentences."""

    def emit(self, **event: Any) -> None:
        """One line of JSON on stderr: for programs that run us (QGIS does)."""
        with _lock:
            click.echo(json.dumps(event, ensure_ascii=False), err=True)

    @contextmanager
    def progress(self) -> Iterator[DoorProgress]:
        """The progress to hand to the core; while it lives, Ctrl-C and SIGTERM ask the core to stop."""
        from .progress import make_progress

        progress = make_progress(self)
        with progress, stop_on_signals(progress.ask_to_stop):
            if self.stop_with_stdin:
                threading.Thread(target=_ask_at_end_of_stdin, args=(progress.ask_to_stop,), daemon=True).start()
            if self.verbosity > 0:
                for sentence in self.cleared:
                    progress.say(sentence)
            yield progress


@contextmanager
def stop_on_signals(ask: Callable[[], None]) -> Iterator[None]:
    """The first signal asks, a later one interrupts. Signals reach the main thread only: elsewhere, nothing.

    A shell, make or `timeout` may deliver one key press twice: what comes within a second of the first is the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked_at_s: float | None = None

    def on_signal(*_: object) -> None:
        nonlocal asked_at_s
        if asked_at_s is None:
            asked_at_s = time.monotonic()
            ask()
        elif time.monotonic() - asked_at_s > 1.0:
            raise KeyboardInterrupt

    names = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        names.append(signal.SIGBREAK)
    before = {name: signal.signal(name, on_signal) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _ask_at_end_of_stdin(ask: Callable[[], None]) -> None:
    """A program that runs us holds our standard input open. When it closes it, or dies, nobody waits for us any more.

    It works alike on all systems, where signals do not. The plain descriptor is read: Python's own buffer could not be
    left behind at exit while a thread waits in it.
    """
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # closed on our side already: that is the end as well
        pass
    ask()


def talk_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--progress, --stop-with-stdin, -v and -q, kept in the context's `Talk` and not handed to the command."""

    def keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        talk = ctx.ensure_object(Talk)
        if parameter.name == "progress_kind":
            talk.progress_kind = value
        elif parameter.name == "stop_with_stdin":
            talk.stop_with_stdin = value
        elif parameter.name == "quiet" and value:
            talk.verbosity = -1
        elif parameter.name == "verbose" and value:
            talk.verbosity = value

    options = (
        click.option(
            "--progress",
            "progress_kind",
            type=click.Choice(["bar", "json", "none"]),
            default="bar",
            show_default=True,
            help="A bar, a line of JSON for each event (both on stderr), or neither.",
            callback=keep,
            expose_value=False,
        ),
        click.option("--stop-with-stdin", is_flag=True, hidden=True, callback=keep, expose_value=False,
                     help="Stop cleanly when standard input ends: for programs that run us."),
        click.option("-v", "--verbose", count=True, help="Say more; -vv shows where an error arose.", callback=keep,
                     expose_value=False),
        click.option("-q", "--quiet", is_flag=True, callback=keep, expose_value=False,
                     help="On the way say nothing but warnings and errors."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function
