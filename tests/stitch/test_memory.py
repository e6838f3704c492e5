"""Freed memory does not stay with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os
from fctl_geo.stitch.memory import give_back_freed_memory

def resident_mib():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

held = [bytearray(60_000) for _ in range(3000)]  # below the size that is mapped piece by piece
last = bytearray(60_000)  # keeps the top of the heap in use
del held
before = resident_mib()
give_back_freed_memory()
print(before - resident_mib())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_was_freed_goes_back_to_the_system() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert float(told) > 100, "180 MB were freed"
