"""Access to the engine: finds the interpreter that has fctl_geo, runs its command line, and stops it cleanly.

Only this module starts processes. It passes a program and a list of arguments to QProcess, without a shell. The
engine's standard input stays open as long as it should run; when it closes (on cancel, or because QGIS has crashed),
the engine stops and leaves no incomplete files. Its standard error has one JSON object per line (`--progress json`).
"""

from __future__ import annotations

import codecs
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import QgsFeedback
from qgis.PyQt.QtCore import QProcess, QProcessEnvironment

from . import settings
from .errors import EngineError, EngineStopped
from .words import count, tr

MODULE = "fctl_geo_cli"
VARIABLE = "FCTL_GEO_PYTHON"
"""Path of the engine's interpreter, for servers and scripts; takes precedence over the settings."""
READY = "engine.json"
"""File that names the engine in use, next to the folders of engines; replaced atomically after a complete setup."""
GRACE_S = 20.0
"""Time that the engine has to finish its step after it was asked to stop."""
FOREIGN = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV",
    "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_LIB", "PROJ_DATA",
)  # fmt: skip
"""Variables for the Python, GDAL, and PROJ of QGIS, which must not reach the engine."""


@dataclass(frozen=True)
class Engine:
    """A Python interpreter that should have fctl_geo."""

    python: str
    """Path of the interpreter."""
    found: str
    """Where the path comes from, for messages."""

    def arguments(self, command: Sequence[str]) -> list[str]:
        """The interpreter's arguments for a command of fctl-geo."""
        return ["-X", "utf8", "-m", MODULE, *command]


def engines_folder() -> Path:
    """Where 'Set Up Engine' installs engines: a folder for each, and the file that names the one in use."""
    return settings.profile_folder() / "engine"


def folder_in_use(engines: Path) -> Path | None:
    """The folder of the engine that was set up last; None: no engine was set up."""
    try:
        return engines / json.loads((engines / READY).read_text("utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_engine(chosen: str | None = None) -> Engine:
    """The engine to use: from the environment, from the settings, or the one that was set up, in this order.

    Args:
        chosen: replaces the value of the settings; None: use the settings.
    Raises:
        EngineError: there is none, or the first one does not exist.
    """
    own = folder_in_use(engines_folder())
    for path, found in (
        (os.environ.get(VARIABLE, ""), tr("environment variable {}").format(VARIABLE)),
        (settings.engine_python() if chosen is None else chosen, tr("settings")),
        ("" if own is None else str(python_of(own)), tr("set up by the plugin")),
    ):
        if not path:
            continue
        if not Path(path).is_file():
            raise EngineError(
                tr("The Python interpreter of the engine, {}, does not exist (source: {}).").format(path, found),
                tr("Choose another interpreter, or set up the engine, in Settings > Options > FCtL Geo."),
            )
        return Engine(path, found)
    raise EngineError(
        tr("The engine has not been set up yet."),
        tr(
            "Click 'Set Up Engine' in Settings > Options > FCtL Geo, or select a Python interpreter with fctl-geo "
            "there."
        ),
    )


def override_words() -> str:
    """A note if the environment names an engine, which then takes precedence over the settings; empty: it does not."""
    path = os.environ.get(VARIABLE, "")
    if not path:
        return ""
    return tr("The environment variable {} names the engine {}, which takes precedence over these settings.").format(
        VARIABLE, path
    )


def process_environment() -> QProcessEnvironment:
    """The environment of QGIS without the variables that would break another Python."""
    variables = QProcessEnvironment.systemEnvironment()
    for name in FOREIGN:
        variables.remove(name)
    variables.insert("PYTHONUTF8", "1")
    variables.insert("PYTHONSAFEPATH", "1")  # do not import modules from the current folder
    return variables


class Lines:
    """Splits a stream of UTF-8 bytes into lines."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes, *, last: bool = False) -> list[str]:
        """The lines that are complete now; with `last`, also the last one without a line break."""
        *lines, self._rest = (self._rest + self._decoder.decode(data, last)).replace("\r\n", "\n").split("\n")
        if last and self._rest:
            lines, self._rest = [*lines, self._rest], ""
        return lines


class Listener:
    """Converts the engine's output to events; other lines are kept for error messages."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None], on_line: Callable[[str], None]) -> None:
        self._on_event, self._on_line = on_event, on_line
        self.error: dict[str, Any] | None = None
        self.summary: dict[str, Any] | None = None
        self.tail: list[str] = []

    def hear(self, line: str) -> None:
        """Process one line of standard error."""
        event = _event_of(line)
        if event is None:
            if line.strip():
                self.tail = [*self.tail[-40:], line]
                self._on_line(line)
        elif event["event"] == "error":
            self.error = event
        elif event["event"] == "done":
            self.summary = event.get("summary", {})
        else:
            self._on_event(event)


def _event_of(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def run_process(
    program: str,
    arguments: Sequence[str],
    feedback: QgsFeedback,
    on_error_line: Callable[[str], None],
    on_line: Callable[[str], None],
    *,
    environment: QProcessEnvironment | None = None,
    timeout_s: float | None = None,
    grace_s: float = GRACE_S,
) -> tuple[int, bool]:
    """Run a program until it ends or the user cancels; returns exit code and whether it crashed.

    Args:
        feedback: if it is canceled, standard input is closed, and the process is killed after `grace_s`.
        on_error_line: called with each line of standard error.
        on_line: called with each line of standard output.
        timeout_s: time limit.
    Raises:
        EngineError: the program could not be started, or took too long.
    """
    process = QProcess()
    process.setProcessEnvironment(environment or process_environment())
    process.start(program, list(arguments))
    if not process.waitForStarted(30_000):
        raise EngineError(
            tr("{} could not be started: {}.").format(program, process.errorString()),
            tr("Choose another interpreter, or set up the engine, in Settings > Options > FCtL Geo."),
        )
    begun_s = time.monotonic()
    asked_at_s = None
    outputs = (
        (Lines(), process.readAllStandardError, on_error_line),
        (Lines(), process.readAllStandardOutput, on_line),
    )
    try:
        while process.state() != QProcess.ProcessState.NotRunning:
            process.waitForReadyRead(100)
            for lines, read, tell in outputs:
                for line in lines.feed(bytes(read())):
                    tell(line)
            now_s = time.monotonic()
            if feedback.isCanceled() and asked_at_s is None:
                asked_at_s = now_s
                process.closeWriteChannel()
            if asked_at_s is not None and now_s - asked_at_s > grace_s:
                process.kill()
            if timeout_s is not None and now_s - begun_s > timeout_s:
                raise EngineError(tr("The engine did not respond within {} s.").format(count(timeout_s)))
        for lines, read, tell in outputs:
            for line in lines.feed(bytes(read()), last=True):
                tell(line)
    finally:
        _end(process)
    return process.exitCode(), process.exitStatus() != QProcess.ExitStatus.NormalExit


def _end(process: QProcess) -> None:
    """Do not leave the process running, whatever happened."""
    if process.state() == QProcess.ProcessState.NotRunning:
        return
    process.closeWriteChannel()
    if not process.waitForFinished(int(GRACE_S * 1000)):
        process.kill()
        process.waitForFinished(5_000)


def run_command(
    engine: Engine,
    command: Sequence[str],
    feedback: QgsFeedback,
    on_event: Callable[[dict[str, Any]], None],
    on_line: Callable[[str], None],
    *,
    fine: Sequence[int] = (0,),
) -> dict[str, Any]:
    """Run a command of fctl-geo that reports progress; returns its summary.

    Args:
        on_event: called with the events stage, advance, say, and warn.
        on_line: called with output of the engine's libraries.
        fine: exit codes of runs that have a result.
    Raises:
        EngineStopped: the user canceled it; there are no incomplete files.
        EngineError: with the error message of the engine, or an explanation of its exit code.
    """
    listener = Listener(on_event, on_line)
    arguments = engine.arguments([*command, "--progress", "json", "--stop-with-stdin"])
    code, crashed = run_process(engine.python, arguments, feedback, listener.hear, lambda line: None)
    if not crashed and code in fine and listener.summary is not None:
        return listener.summary
    if feedback.isCanceled():
        raise EngineStopped(tr("Canceled. No incomplete files were left behind."))
    if listener.error is not None:
        raise EngineError(listener.error.get("text", ""), listener.error.get("hint", ""))
    raise explain_exit(engine, code, crashed, listener.tail)


def query(engine: Engine, command: Sequence[str], feedback: QgsFeedback | None = None, timeout_s: float = 120) -> Any:
    """The output of a command of fctl-geo with `--json`.

    Raises:
        EngineError: with the error message of the engine, or an explanation of its exit code.
    """
    said: list[str] = []
    listener = Listener(lambda event: None, lambda line: None)
    code, crashed = run_process(
        engine.python,
        engine.arguments([*command, "--json", "--progress", "json"]),
        feedback or QgsFeedback(),
        listener.hear,
        said.append,
        timeout_s=timeout_s,
    )
    if listener.error is not None:
        raise EngineError(listener.error.get("text", ""), listener.error.get("hint", ""))
    try:
        return json.loads("\n".join(said))
    except ValueError:
        raise explain_exit(engine, code, crashed, listener.tail) from None


def explain_exit(engine: Engine, code: int, crashed: bool, tail: Sequence[str]) -> EngineError:
    """An explanation of the exit code of an engine that ended without an error message, and what to do."""
    words = "\n".join(tail[-3:])
    setup = tr("Set up the engine again in Settings > Options > FCtL Geo.")
    if "No module named" in words:
        return EngineError(
            tr("The Python interpreter {} has no working fctl-geo: {}").format(engine.python, tail[-1]),
            tr("Choose an interpreter with fctl-geo, or set up the engine, in Settings > Options > FCtL Geo."),
        )
    if code == 2 and not crashed:
        return EngineError(tr("The engine does not match this version of the plugin: {}").format(words), setup)
    if crashed or code in (-9, 137):
        return EngineError(
            tr("The engine was killed, most likely because it ran out of memory. {}").format(words).strip(),
            tr("Close other programs, or set 'Memory limit' (advanced parameters) to less than the free memory."),
        )
    return EngineError(
        tr("The engine stopped with exit code {} and without an error message. {}").format(code, words).strip(), setup
    )
