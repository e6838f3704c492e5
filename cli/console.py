"""How a command reports: results to stdout; messages to stderr as a progress bar, as lines of JSON, or not at all."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_lock = threading.Lock()


@dataclass
class Console:
    """How one command reports. The command group creates it; `console_options` fills it in."""

    progress_kind: str = "bar"
    """bar, json, or none."""
    verbosity: int = 0
    """-1: quiet, 0: normal, 1: verbose, 2: with tracebacks."""
    stop_with_stdin: bool = False
    """Whether the end of standard input requests a stop."""
    cleared: tuple[str, ...] = ()
    """What was removed from the environment, one sentence each."""

    def emit(self, **event: Any) -> None:
        """Write one line of JSON to stderr, for programs that run the command line (as QGIS does)."""
        with _lock:
            click.echo(json.dumps(event, ensure_ascii=False), err=True)


def prepare_streams() -> None:
    """Make sure that no run fails because of a standard stream: what a closed or broken one does not take is discarded.

    Affects the whole process. Call it once, before any file is opened: a file that is given the descriptor of a closed
    stream would receive whatever libraries print there. Python's own warnings are meant for developers and shown only
    on request (`python -W`, PYTHONWARNINGS); what users should know goes through `Progress.warn`.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or os.name == "posix":
            encoding = stream.encoding if stream else "utf-8"
            raw = io.BufferedWriter(_Unbreakable(number, "w", closefd=False))
            wrapper = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)
            setattr(sys, name, wrapper)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def lost_results() -> OSError | None:
    """Why results printed to stdout were lost, as on a full disk; None if they were not, or if nobody reads them."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.error if isinstance(raw, _Unbreakable) else None


class _Unbreakable(io.FileIO):
    """A stream whose reader may go away (`fctl-geo info scene.tif | head -1`), or its disk be full."""

    error: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            pass
        except OSError as error:
            self.error = error
        return memoryview(data).nbytes


def console_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--progress, --stop-with-stdin, -v, and -q: stored in the context's `Console`, not passed to the command."""

    def keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        console = ctx.ensure_object(Console)
        if parameter.name == "progress_kind":
            console.progress_kind = value
        elif parameter.name == "stop_with_stdin":
            console.stop_with_stdin = value
        elif parameter.name == "quiet" and value:
            console.verbosity = -1
        elif parameter.name == "verbose" and value:
            console.verbosity = value

    options = (
        click.option(
            "--progress",
            "progress_kind",
            type=click.Choice(["bar", "json", "none"]),
            default="bar",
            show_default=True,
            help="Show a progress bar, one line of JSON per event (both on stderr), or neither.",
            callback=keep,
            expose_value=False,
        ),
        click.option("--stop-with-stdin", is_flag=True, hidden=True, callback=keep, expose_value=False,
                     help="Stop cleanly when standard input ends; for programs that run this command."),
        click.option("-v", "--verbose", count=True, help="Print more; -vv shows tracebacks of errors.", callback=keep,
                     expose_value=False),
        click.option("-q", "--quiet", is_flag=True, callback=keep, expose_value=False,
                     help="Print only warnings and errors while running."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function
