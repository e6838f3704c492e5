"""How a command speaks: results to stdout, messages to stderr, as a bar, as lines of JSON, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

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
