"""A text about versions, engine, and recent errors, for reports of problems."""

from __future__ import annotations

import platform

from qgis.core import Qgis
from qgis.PyQt.QtCore import PYQT_VERSION_STR, QT_VERSION_STR

from . import runs, settings
from .engine import find_engine, query
from .errors import PluginError
from .version import plugin_version

MOST_LINES = 40
"""Of the log of the last setup."""
MOST_ERRORS = 3


def diagnostics() -> str:
    """Versions, the engine's own report, the last errors of runs, and the end of the setup log."""
    lines = [
        f"FCtL Geo {plugin_version() or '(source tree)'}; QGIS {Qgis.QGIS_VERSION}; Qt {QT_VERSION_STR}; "
        f"PyQt {PYQT_VERSION_STR}; Python {platform.python_version()}",
        platform.platform(),
    ]
    return "\n".join([*lines, "", *_engine(), "", *_errors(), "", *_setup_log()]).rstrip() + "\n"


def _engine() -> list[str]:
    try:
        engine = find_engine()
        findings = query(engine, ["doctor", "--quick"])
    except PluginError as error:
        return [f"Engine: {error}"]
    return [f"Engine: {engine.python} ({engine.found})"] + [
        f"{finding['state']}: {finding['what']} {finding['words']}" for finding in findings
    ]


def _errors() -> list[str]:
    failed = [run for run in runs.last_runs() if run.state == runs.FAILED][:MOST_ERRORS]
    return [f"{run.started} {run.algorithm} ({run.model}): {run.message}" for run in failed]


def _setup_log() -> list[str]:
    try:
        said = (settings.profile_folder() / "engine-setup.log").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return ["End of the setup log:", *said[-MOST_LINES:]]
