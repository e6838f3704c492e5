"""A small part of the fault matrix (`make faults` is the whole): nothing is broken, and resume gives the same bytes."""

from __future__ import annotations

import sys

import pytest
from fault_matrix import Bench, make_bench, try_fault

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("fault", ["kill", "disk", "flipped", "times", "two", "sigterm", "folder"])
def test_no_fault_breaks_a_file_and_resume_gives_the_same_bytes(bench: Bench, fault: str) -> None:
    verdict = try_fault(bench, fault, times=1)
    if verdict.skipped:
        pytest.skip(verdict.skipped)
    assert verdict.troubles == []
    assert verdict.broken == 0 and verdict.equal == verdict.times
