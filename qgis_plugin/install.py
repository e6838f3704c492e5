"""'Set Up Engine': a virtual environment in the user's profile, from the internet or from a folder of wheels."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from qgis.core import QgsFeedback, QgsNetworkAccessManager
from qgis.PyQt.QtCore import QProcessEnvironment
from qgis.PyQt.QtNetwork import QNetworkProxy

from . import settings
from .base_python import find_base_python
from .engine import READY, Engine, engines_folder, folder_in_use, process_environment, python_of, query, run_process
from .errors import EngineError, EngineStopped
from .words import tr

TORCH_INDEX = "https://download.pytorch.org/whl/"
CUDA = "cu128"
TESTED_TORCH = "torch==2.13.0"
"""For CPUs. With CUDA, the newest supported version is used, because the versions in its index may differ."""
ANY_TORCH = "torch>=2.4,<3"
BUNDLED = Path(__file__).parent / "wheels"
"""Folder of the engine's wheel in the zip file, so that plugin and engine have the same version."""
CONSTRAINTS = BUNDLED / "constraints.txt"
"""In the zip file: the versions of all packages except torch that this release was tested with."""
ABANDONED_S = 86_400.0
"""Unused engine folders older than this were left behind by a setup that was killed."""
PACKAGES = 50
"""Approximate number of packages, for the progress bar."""
TRIES = 3
TEST_S = 900.0
"""Time limit for the test run of a new engine, which compiles its kernels; two minutes on two idle cores."""
NETWORK_WORDS = ("timed out", "connection", "temporary failure", "reset by peer", "incompleteread", "503", "502")
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "5", "--timeout", "60")


@dataclass(frozen=True)
class Plan:
    """What to set up, and from where."""

    base_python: str
    """The interpreter that creates the virtual environment."""
    cuda: bool
    """torch for NVIDIA GPUs, else for CPUs."""
    wheels: str = ""
    """A folder of wheels to install from, without internet access; empty: from the internet."""
    proxy: str = ""
    """A URL with user, password, host, and port; empty: none."""
    no_proxy: str = ""
    """Hosts without proxy, comma-separated."""

    def steps(self, folder: Path) -> list[tuple[str, str, list[str], float]]:
        """(message, program, arguments, percent of the progress bar at the end)."""
        python = str(python_of(folder))
        package = [*tested_versions(), str(bundled_wheel() or "fctl-geo")]
        steps = [
            (tr("Creating the virtual environment"), self.base_python, ["-m", "venv", "--clear", str(folder)], 5.0)
        ]
        if self.wheels:
            offline = ["--no-index", "--find-links", self.wheels]
            return [
                *steps,
                (tr("Installing from the wheels folder"), python, [*PIP, "install", *offline, *package], 90.0),
            ]
        index = [] if sys.platform == "darwin" else ["--index-url", torch_index(self.cuda)]
        torch = ANY_TORCH if self.cuda else TESTED_TORCH
        return [
            *steps,
            (tr("Downloading torch (the largest package)"), python, [*PIP, "install", torch, *index], 60.0),
            (tr("Downloading the other packages"), python, [*PIP, "install", *package], 90.0),
        ]


def torch_index(cuda: bool) -> str:
    """The index of torch for CUDA or for CPUs."""
    return TORCH_INDEX + (CUDA if cuda else "cpu")


def bundled_wheel() -> Path | None:
    """The engine's wheel that came with the plugin; None in a source tree."""
    found = sorted(BUNDLED.glob("fctl_geo-*.whl"))
    return found[-1] if found else None


def tested_versions() -> list[str]:
    """Arguments of pip that pin the tested versions; none in a source tree."""
    return ["-c", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []


def has_nvidia() -> bool:
    """Whether there is an NVIDIA driver, so that torch for CUDA is worth its size."""
    return shutil.which("nvidia-smi") is not None


def device_advice(cuda: bool, wheels: str) -> str:
    """Advice if the choice of torch does not suit this computer; empty: it does."""
    if wheels:
        return tr(
            "The wheels folder takes precedence: the engine runs on the device that the torch in it was built for."
        )
    if cuda and not has_nvidia():
        return tr(
            "No NVIDIA driver was found (nvidia-smi is missing): torch for CUDA would need several GB more and still "
            "run on the CPU. Install the driver of the GPU first, or choose CPU."
        )
    if not cuda and has_nvidia():
        return tr("This computer has an NVIDIA GPU: runs are many times faster with CUDA.")
    return ""


def qgis_proxy() -> tuple[str, str]:
    """The proxy of QGIS as (URL, hosts without proxy); empty: none. Call it in the main thread."""
    manager = QgsNetworkAccessManager.instance()
    proxy = manager.fallbackProxy()
    schemes = {QNetworkProxy.ProxyType.HttpProxy: "http", QNetworkProxy.ProxyType.Socks5Proxy: "socks5"}
    scheme = schemes.get(proxy.type())
    if scheme is None or not proxy.hostName():
        return "", ""
    who = ""
    if proxy.user():
        who = f"{quote(proxy.user(), safe='')}:{quote(proxy.password(), safe='')}@"
    hosts = [url.split("://")[-1].strip("/") for url in manager.noProxyList()]
    return f"{scheme}://{who}{proxy.hostName()}:{proxy.port()}", ",".join(hosts)


def set_up(
    plan: Plan, feedback: QgsFeedback, say: Callable[[str], None], engines: Path | None = None, *,
    warm: bool = True,
) -> Engine:  # fmt: skip
    """Install a new engine next to the one in use, check it, then switch to it; if canceled or failed, nothing changes.

    Args:
        feedback: receives the progress; canceling it stops the setup immediately.
        say: called with each line of the log, which is also saved in the profile (engine-setup.log).
        engines: folder for engines; None: in the profile.
        warm: whether a test run compiles the kernels, for which the first run of the user would have to wait.
    Raises:
        EngineError: the setup failed. EngineStopped: the user canceled it.
    """
    engines = engines or engines_folder()
    engines.mkdir(parents=True, exist_ok=True)
    with (engines.parent / "engine-setup.log").open("w", encoding="utf-8") as log:

        def tell(line: str) -> None:
            log.write(line + "\n")
            log.flush()
            say(line)

        folder = Path(tempfile.mkdtemp(prefix="e-", dir=engines))
        try:
            engine = _build(plan, folder, feedback, tell)
            _switch(engines, folder, _examine(engine, feedback, tell, warm=warm))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    feedback.setProgress(100.0)
    return engine


def remove(engines: Path | None = None) -> str:
    """Delete all engines that were set up; returns what could not be deleted, because it is in use."""
    engines = engines or engines_folder()
    shutil.rmtree(engines, ignore_errors=True)
    return str(engines) if engines.exists() else ""


def _build(plan: Plan, folder: Path, feedback: QgsFeedback, tell: Callable[[str], None]) -> Engine:
    low = 0.0
    for words, program, arguments, high in plan.steps(folder):
        tell(words)
        _run_step(plan, program, arguments, feedback, tell, (low, high))
        low = high
    return Engine(str(python_of(folder)), tr("set up by the plugin"))


def _switch(engines: Path, folder: Path, version: str) -> None:
    """Switch to an engine, and remove the previous one and the leftovers of killed setups."""
    former = folder_in_use(engines)
    aside = folder / READY
    aside.write_text(json.dumps({"folder": folder.name, "version": version, "made": time.time()}), "utf-8")
    aside.replace(engines / READY)
    for other in engines.glob("e-*"):
        abandoned = time.time() - other.stat().st_mtime > ABANDONED_S
        if other != folder and (other == former or abandoned):
            shutil.rmtree(other, ignore_errors=True)


def _run_step(
    plan: Plan, program: str, arguments: Sequence[str], feedback: QgsFeedback, tell: Callable[[str], None],
    span: tuple[float, float],
) -> None:  # fmt: skip
    for attempt in range(1, TRIES + 1):
        lines: list[str] = []

        def on_line(line: str, lines: list[str] = lines) -> None:
            lines.append(line)
            tell(line)
            fetched = sum(each.startswith(("Collecting ", "Processing ")) for each in lines)
            feedback.setProgress(span[0] + (span[1] - span[0]) * min(0.95, fetched / PACKAGES))

        variables = _variables(plan)
        code, crashed = run_process(program, arguments, feedback, on_line, on_line, environment=variables, grace_s=0.0)
        _check_stopped(feedback)
        if code == 0 and not crashed:
            feedback.setProgress(span[1])
            return
        if attempt == TRIES or plan.wheels or not _is_network_trouble(lines):
            raise _failure(plan, lines)
        tell(tr("Network error; trying again ({} of {})").format(attempt + 1, TRIES))


def _check_stopped(feedback: QgsFeedback) -> None:
    if feedback.isCanceled():
        raise EngineStopped(tr("Canceled. The engine was not set up."))


def _variables(plan: Plan) -> QProcessEnvironment:
    """The environment of pip. The proxy is set here because arguments are visible to all users of the computer."""
    variables = process_environment()
    if plan.wheels:  # ignore the configuration of pip, so that only the folder is used
        for name in variables.keys():  # noqa: SIM118 - no dict
            if name.startswith("PIP_"):
                variables.remove(name)
        variables.insert("PIP_CONFIG_FILE", os.devnull)
    if plan.proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            variables.insert(name, plan.proxy)
    if plan.no_proxy:
        variables.insert("NO_PROXY", plan.no_proxy)
    return variables


def _is_network_trouble(lines: Sequence[str]) -> bool:
    text = "\n".join(lines).lower()
    return any(word in text for word in NETWORK_WORDS)


def _failure(plan: Plan, lines: Sequence[str]) -> EngineError:
    errors = [line for line in lines if line.startswith("ERROR")] or list(lines[-2:])
    words = " ".join(errors[-2:])
    text = "\n".join(lines).lower()
    if "no space left" in text:
        return EngineError(
            tr("The disk is full. The engine needs about 2 GB (8 GB with CUDA). {}").format(words),
            tr("Free some space on the disk of your QGIS profile, then try again."),
        )
    if plan.wheels:
        return EngineError(
            tr("Packages are missing in the folder {}. {}").format(plan.wheels, words),
            tr(
                "On a computer with internet access and the same system ({}) and Python version, run these two "
                "commands, in this order: {}"
            ).format(platform.machine(), " && ".join(download_commands(plan.cuda))),
        )
    if _is_network_trouble(lines):
        return EngineError(
            tr("The package server could not be reached. {}").format(words),
            tr("Check the proxy in Settings > Options > Network, or install from a folder of wheels."),
        )
    return EngineError(
        tr("The engine could not be installed. {}").format(words), tr("See the log for the output of pip.")
    )


def download_commands(cuda: bool) -> list[str]:
    """Commands that fetch what an offline setup needs; both files that they name are in the plugin's folder 'wheels'.

    torch is fetched alone from the index of its device. The second command finds it in the folder: from the default
    index of pip it would bring CUDA, several gigabytes, to computers without a GPU, too.
    """
    wheel = bundled_wheel()
    package = "fctl-geo" if wheel is None else f"-c {CONSTRAINTS.name} {wheel.name}"
    torch = ANY_TORCH if cuda else TESTED_TORCH
    return [
        f'pip download -d FOLDER --index-url {torch_index(cuda)} "{torch}"',
        f"pip download -d FOLDER --find-links FOLDER {package}",
    ]


def _examine(engine: Engine, feedback: QgsFeedback, tell: Callable[[str], None], *, warm: bool) -> str:
    """Check the engine with `doctor`; returns its version.

    Raises:
        EngineError: it does not run, or runs would fail. EngineStopped: the user canceled it.
    """
    tell(tr("Checking the new engine"))
    if warm:
        tell(tr("A test run compiles parts of it (one to three minutes), so that your first run need not wait."))
    try:
        findings = query(engine, ["doctor", *([] if warm else ["--quick"])], feedback, timeout_s=TEST_S)
    finally:
        _check_stopped(feedback)  # canceling may have garbled the answer
    for finding in findings:
        tell(f"{finding['state']}: {finding['what']} {finding['words']}")
    broken = [finding for finding in findings if finding["state"] == "FAIL"]
    if broken:
        raise EngineError(f"{broken[0]['what']}: {broken[0]['words']}", broken[0]["mend"])
    return next((f["words"].split()[0] for f in findings if f["what"] == "fctl-geo"), "")


def plan_of_settings(*, cuda: bool, base_python: str = "") -> Plan:
    """A plan with the wheels folder of the settings and the proxy of QGIS. Call it in the main thread."""
    proxy, no_proxy = qgis_proxy()
    return Plan(find_base_python(base_python), cuda, settings.wheels_folder(), proxy, no_proxy)
