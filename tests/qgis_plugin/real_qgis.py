"""A real QGIS with a profile of its own: `qgis_process`, scripts inside QGIS, and the command line beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PLUGIN = "fctl_geo_qgis"
PYTHON = os.environ.get("QGIS_PYTHON", "/usr/bin/python3")
"""QGIS's own interpreter."""
WHY = "QGIS is not installed here: apt-get install --no-install-recommends qgis python3-qgis qgis-providers xvfb xauth"


def qgis_process_program() -> str | None:
    """Debian's wrapper adds an option that its qgis_process does not know: the program behind it is run."""
    return shutil.which("qgis_process.bin") or shutil.which("qgis_process")


def has_qgis() -> bool:
    if qgis_process_program() is None:
        return False
    return subprocess.run([PYTHON, "-c", "import qgis.core"], check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Said:
    """What a program inside QGIS said and how it ended."""

    code: int
    text: str
    """stdout and stderr."""
    results: dict[str, Any]


@dataclass(frozen=True)
class Qgis:
    """A profile with the plugin, and ways to run things in it."""

    config: Path
    engine: str
    """The interpreter with fctl_geo; empty: none is named."""

    @property
    def profile(self) -> Path:
        return self.config / "profiles" / "default"

    @property
    def plugin(self) -> Path:
        return self.profile / "python" / "plugins" / PLUGIN

    def environment(self, **more: str) -> dict[str, str]:
        names = ("PATH", "HOME", "LANG")
        variables = {name: os.environ[name] for name in names if name in os.environ}
        runtime = self.config / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        variables |= {
            "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": str(self.config),
            "XDG_RUNTIME_DIR": str(runtime),
            "TMPDIR": str(runtime),  # QGIS leaves folders behind
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            "OMP_NUM_THREADS": "1",
            "LANG": variables.get("LANG", "C.UTF-8"),
        }
        return variables | ({"FCTL_GEO_PYTHON": self.engine} if self.engine else {}) | more

    def without_engine(self, python: str = "") -> Qgis:
        """A copy of the profile without the engine that another test may have chosen or set up in it."""
        config = Path(tempfile.mkdtemp(dir=self.config.parent)) / "config"
        shutil.copytree(self.config, config, ignore=shutil.ignore_patterns("engine"), symlinks=True)
        for path in config.rglob("*.ini"):
            lines = path.read_text("utf-8").splitlines(keepends=True)
            path.write_text("".join(line for line in lines if "engine-python" not in line), "utf-8")
        return Qgis(config, python)

    def process(self, *arguments: str, **environment: str) -> Said:
        """Run qgis_process as typed; results are those of `run`."""
        program = qgis_process_program()
        assert program is not None, WHY
        ended = subprocess.run(
            [program, *arguments], check=False, capture_output=True, text=True, timeout=900,
            env=self.environment(**environment),
        )  # fmt: skip
        _, _, told = ended.stdout.partition("Results\n----------------\n")
        results = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
        return Said(ended.returncode, ended.stdout + ended.stderr, results)

    def run(
        self, algorithm: str, *, fine: bool = True, environment: dict[str, str] | None = None, **given: Any
    ) -> Said:
        """qgis_process run fctl:ALGORITHM with parameters."""
        words = [f"--{name}={value}" for name, value in given.items()]
        said = self.process(
            "run", algorithm if "." in algorithm else f"fctl:{algorithm}", *words, **(environment or {})
        )
        if fine:
            assert said.code == 0 and said.results, said.text
        return said

    def script(
        self, code: str, *, environment: dict[str, str] | None = None, timeout_s: float = 600, **given: Any
    ) -> Any:
        """Run code inside a QgsApplication with the plugin loaded; it gets `given` and leaves a value in `answer`."""
        folder = Path(given["tmp"])
        answer, script = folder / "answer.json", folder / "script.py"
        answer.unlink(missing_ok=True)
        values = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
        script.write_text(_SCRIPT.format(given=json.dumps(values), answer=json.dumps(str(answer)), code=code), "utf-8")
        ended = subprocess.run(
            [PYTHON, str(script)], check=False, capture_output=True, text=True, timeout=timeout_s,
            env=self.environment(**(environment or {})),
        )  # fmt: skip
        assert answer.exists(), f"exit code {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return json.loads(answer.read_text("utf-8"))


_SCRIPT = """
import json, os, sys
globals().update(json.loads({given!r}))
from qgis.core import *
from qgis.PyQt.QtCore import QCoreApplication, QSettings
profile = os.path.join(os.environ["QGIS_CUSTOM_CONFIG_PATH"], "profiles", "default")
QSettings.setDefaultFormat(QSettings.Format.IniFormat)
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, profile)
QCoreApplication.setOrganizationName("QGIS")
QCoreApplication.setApplicationName("QGIS3")
QgsApplication.setPrefixPath("/usr", True)
application = QgsApplication([], False)
application.initQgis()
plugins = os.path.join(QgsApplication.qgisSettingsDirPath(), "python", "plugins")
sys.path[:0] = [plugins, os.path.join(QgsApplication.pkgDataPath(), "python", "plugins")]
import processing
from processing.core.Processing import Processing
Processing.initialize()
from fctl_geo_qgis import classFactory
plugin = classFactory(None)
plugin.initProcessing()

class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__(False)
        self.lines, self.warnings, self.errors = [], [], []
    def pushInfo(self, info): self.lines.append(info)
    def pushConsoleInfo(self, info): self.lines.append(info)
    def pushCommandInfo(self, info): self.lines.append(info)
    def setProgressText(self, text): self.lines.append(text)
    def pushWarning(self, text): self.warnings.append(text)
    def reportError(self, error, fatalError=False): self.errors.append(error)

answer = None
{code}
with open({answer} + ".aside", "w", encoding="utf-8") as file:
    json.dump(answer, file)
os.replace({answer} + ".aside", {answer})
sys.stdout.flush()
os._exit(0)
"""


def command_line(*arguments: object) -> None:
    """The engine's command line, in this interpreter's environment."""
    command = [sys.executable, "-m", "fctl_geo_cli", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def engines_that_name(place: object) -> list[str]:
    """The command lines of engines at work whose arguments name a place."""
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if "--stop-with-stdin" in line and str(place) in line]
