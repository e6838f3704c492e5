"""How a command speaks: results to stdout, messages to stderr, as a bar, as lines of JSON, or not at all."""

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
    """How one command reports; the group makes it, `console_options` fills it."""

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


def prepare_streams() -> None:
    """Make standard streams that work cannot fail for: closed ones lead nowhere, and so do those nobody reads any more.

    For the whole process; to be called once, before anything is opened: a file that got the number of a closed stream
    would receive what libraries print there. Python's own warnings are for developers and shown to those who ask for
    them (`python -W`, PYTHONWARNINGS): what a user should know is said by `Progress.warn`.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or os.name == "posix":
            encoding = stream.encoding if stream else "utf-8"
            raw = io.BufferedWriter(_Unbreakable(number, "w", closefd=False))
            made = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)
            setattr(sys, name, made)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


class _Unbreakable(io.FileIO):
    """A stream whose reader may leave (`fctl-geo info scene.tif | head -1`): the rest is dropped."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def console_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--progress, --stop-with-stdin, -v and -q, kept in the context's `Console` and not handed to the command."""

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
