"""What the tests of every room share: factories on the path, and where the data lies that is not in the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent))

from postgres_server import Database, Server, run_server, skip_or_fail


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of imagery that is not part of the project (FCTL_SHARED/data); skips where it is not at hand."""
    root = Path(os.environ.get("FCTL_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not root.is_dir():
        pytest.skip(f"{root} is not here: set FCTL_SHARED")
    return root


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system (apt-get install chromium).

    Skips where there is none; fails instead if FCTL_REQUIRE_CHROMIUM is set, as in the CI.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("FCTL_REQUIRE_CHROMIUM"):
            pytest.fail("chromium is not installed")
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a folder on a disk of its own ('256k', '1m'); skips where the system does not let us mount one."""
    folder = tmp_path / "disk"

    def mount(size: str, mode: str = "rw") -> Path:
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},{mode}", "tmpfs", str(folder)]
        if sys.platform != "linux" or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("needs the right to mount a small disk")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(disk_of: Callable[[str], Path]) -> Path:
    """A folder on a disk of one megabyte."""
    return disk_of("1m")


@pytest.fixture
def tell_awkward(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Note what became of an awkward file, for the table at the end; reaches it from worker processes too."""
    return lambda name, words: record_property("awkward", (name, words))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for group in terminalreporter.stats.values() for report in group if hasattr(report, "user_properties")
    ]
    rows = sorted({tuple(value) for report in reports for key, value in report.user_properties if key == "awkward"})
    if rows:
        terminalreporter.section("awkward files")
        for name, words in rows:
            terminalreporter.write_line(f"{name:<44} {words}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server with PostGIS; skips where none is installed, fails where FCTL_REQUIRE_POSTGIS is set."""
    skip_or_fail()
    with run_server() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Database:
    """A database with PostGIS, for one test."""
    return postgres.database()
