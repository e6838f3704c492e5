"""One GPU for each process, without a GPU: the claim is a lock, and the names are given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fctl_geo.cluster.gpu import GpuClaim
from fctl_geo.errors import DeviceError

NAMES = ["GPU-a", "GPU-b"]


def test_each_claim_gets_its_own_and_one_too_many_is_refused(tmp_path: Path) -> None:
    claims = [GpuClaim(tmp_path) for _ in range(3)]
    assert [claims[0].claim(NAMES), claims[1].claim(NAMES)] == [0, 1]
    with pytest.raises(DeviceError, match="all 2 GPUs"):
        claims[2].claim(NAMES)
    claims[0].release()
    assert claims[2].claim(NAMES) == 0


def test_a_gpu_is_known_by_its_name_whatever_its_number(tmp_path: Path) -> None:
    """Two processes may number the same GPUs differently (CUDA_VISIBLE_DEVICES)."""
    first, second = GpuClaim(tmp_path), GpuClaim(tmp_path)
    assert first.claim(["GPU-a"]) == 0
    assert second.claim(["GPU-a", "GPU-b"]) == 1


def test_a_process_that_is_killed_gives_its_gpu_back(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fctl_geo.cluster.gpu import GpuClaim;"
        "claim = GpuClaim(Path(sys.argv[1])); print(claim.claim(['GPU-a']), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"0\n"
        with pytest.raises(DeviceError):
            GpuClaim(tmp_path).claim(["GPU-a"])
        process.kill()
    assert GpuClaim(tmp_path).claim(["GPU-a"]) == 0


def test_the_device_is_the_claimed_one_or_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fctl_geo.model.choice.gpu_names", lambda: NAMES)
    first, second = GpuClaim(tmp_path), GpuClaim(tmp_path)
    assert [first.device("auto"), first.device("cuda"), second.device("auto")] == ["cuda:0", "cuda:0", "cuda:1"]
    assert second.device("cpu") == "cpu" and second.device("cuda:5") == "cuda:5"
    monkeypatch.setattr("fctl_geo.model.choice.gpu_names", list)
    assert GpuClaim(tmp_path).device("auto") == "auto"
