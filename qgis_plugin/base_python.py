"""Finds an interpreter that can make the virtual environment of an engine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from qgis.core import QgsFeedback

from .engine import run_process
from .errors import EngineError
from .words import tr

LEAST_PYTHON = (3, 11)
NEWEST_PYTHON = 14


def candidates() -> list[str]:
    """Interpreters that may be new enough, most likely first."""
    names = [f"python3.{minor}" for minor in range(NEWEST_PYTHON, LEAST_PYTHON[1] - 1, -1)] + ["python3", "python"]
    found = [shutil.which(name) or "" for name in names]
    if os.name == "nt":
        programs = Path(os.environ.get("LOCALAPPDATA", "")) / "Programs" / "Python"
        found += [*sorted(map(str, programs.glob("Python3*/python.exe")), reverse=True), f"{sys.prefix}\\python.exe"]
    elif sys.platform == "darwin":
        found += [f"{folder}/{name}" for folder in ("/opt/homebrew/bin", "/usr/local/bin") for name in names]
    return list(dict.fromkeys(path for path in found if path and Path(path).is_file()))


def find_base_python(wanted: str = "") -> str:
    """An interpreter of at least Python 3.11 that can make virtual environments.

    Raises:
        EngineError: there is none, or the wanted one is not suitable.
    """
    reasons = []
    for path in [wanted] if wanted else candidates():
        reason = _unfit(path)
        if not reason:
            return path
        reasons.append(f"{path}: {reason}")
    raise EngineError(
        tr("No Python 3.11 or newer that can create virtual environments was found. {}").format("; ".join(reasons)),
        tr("Install Python from python.org (on Debian and Ubuntu: apt install python3-venv), then try again."),
    )


def _unfit(path: str) -> str:
    """Why an interpreter is not suitable; empty: it is."""
    said: list[str] = []
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        status, crashed = run_process(path, ["-c", code], QgsFeedback(), said.append, said.append, timeout_s=30)
    except EngineError as error:
        return error.message
    if status != 0 or crashed or not said:
        return said[-1] if said else tr("does not run")
    version = tuple(int(part) for part in said[-1].split("."))
    return "" if version >= LEAST_PYTHON else tr("is Python {}").format(said[-1])
