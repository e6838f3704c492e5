"""What the tests of every room share: factories on the path, and where the data lies that is not in the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

AWKWARD_TABLE = pytest.StashKey[list[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[AWKWARD_TABLE] = []


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of imagery that is not part of the project (FCTL_SHARED/data); skips where it is not at hand."""
    root = Path(os.environ.get("FCTL_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not root.is_dir():
        pytest.skip(f"{root} is not here: set FCTL_SHARED")
    return root


@pytest.fixture
def tell_awkward(request: pytest.FixtureRequest) -> object:
    """Note what became of an awkward file, for the table at the end."""
    return lambda name, words: request.config.stash[AWKWARD_TABLE].append((name, words))


def pytest_terminal_summary(terminalreporter: object, config: pytest.Config) -> None:
    rows = sorted(config.stash.get(AWKWARD_TABLE, []))
    if rows:
        terminalreporter.section("awkward files")
        for name, words in rows:
            terminalreporter.write_line(f"{name:<44} {words}")
