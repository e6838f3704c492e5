"""Machine code is kept where there is a place for it, and a run works where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fctl_geo.system import kernels


@pytest.fixture(autouse=True)
def _forget() -> None:
    kernels.cache_folder.cache_clear()


def make_room(folder: Path, value: int) -> Path:
    room = folder / "room"
    room.mkdir(exist_ok=True)
    (room / "part.py").write_text(
        f"from fctl_geo.system.kernels import inner\n\n@inner\ndef plus(x):\n    return x + {value}\n"
    )
    (room / "whole.py").write_text(
        "from fctl_geo.system.kernels import kernel\nfrom part import plus\n\n"
        "@kernel\ndef answer(x):\n    return plus(x)\n"
    )
    return room


def answer_of(room: Path) -> int:
    code = (
        f"import sys; sys.path[:0] = [{str(room)!r}, {str(Path.cwd())!r}]; from whole import answer; print(answer(1))"
    )
    env = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True, env=env)
    return int(done.stdout)


def test_a_change_in_one_kernel_makes_the_code_of_its_callers_old(tmp_path: Path) -> None:
    assert answer_of(make_room(tmp_path, 10)) == 11
    kept = list((tmp_path / "room" / "__pycache__").rglob("*.nbi"))
    assert len(kept) == 1
    assert answer_of(make_room(tmp_path, 20)) == 21


def test_a_change_in_another_package_makes_the_code_of_kernels_that_import_it_old(tmp_path: Path) -> None:
    (tmp_path / "house" / "room").mkdir(parents=True)
    (tmp_path / "house" / "beside").mkdir()
    kernel = "from fctl_geo.system.kernels import kernel\nfrom house.beside.part import plus\n"
    (tmp_path / "house" / "room" / "whole.py").write_text(kernel)
    part = tmp_path / "house" / "beside" / "part.py"
    part.write_text("from fctl_geo.system.kernels import inner\nfrom house.room.whole import answer\n")
    before = kernels.cache_folder(tmp_path / "house" / "room")
    part.write_text(part.read_text() + "VALUE = 2\n")
    kernels.cache_folder.cache_clear()
    assert kernels.cache_folder(tmp_path / "house" / "room") != before


def test_the_installation_comes_first_then_the_home_folder_then_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room(tmp_path, 1)
    monkeypatch.setattr(kernels.config, "CACHE_DIR", "")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    refused: list[Path] = []
    writable = kernels._is_writable
    monkeypatch.setattr(
        kernels, "_is_writable", lambda folder: not any(folder.is_relative_to(r) for r in refused) and writable(folder)
    )
    for place in (room / "__pycache__", tmp_path / "home", tmp_path / "tmp"):
        kernels.cache_folder.cache_clear()
        found = kernels.cache_folder(room)
        assert found is not None and found.is_relative_to(place)
        refused.append(place)
    kernels.cache_folder.cache_clear()
    assert kernels.cache_folder(room) is None


def test_without_a_home_the_temporary_files_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(kernels.config, "CACHE_DIR", "")
    monkeypatch.setattr(Path, "home", nobody_knows)
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(tmp_path))
    room = tmp_path / "room"
    room.mkdir()
    (room / "__pycache__").write_text("a file: no folder can be created here")
    found = kernels.cache_folder(room)
    assert found is not None and found.parent == tmp_path / f"fctl-geo-{os.getuid()}"
    assert found.parent.stat().st_mode & 0o077 == 0


def test_machine_code_that_others_could_have_put_there_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    assert not kernels._is_own(folder)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not kernels._is_own(tmp_path / "link")


def test_where_nothing_can_be_kept_kernels_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "cache_folder", lambda room: None)

    @kernels.kernel
    def twice(x: int) -> int:
        return 2 * x

    assert twice(21) == 42


def test_the_folder_that_numba_had_before_is_its_folder_after() -> None:
    before = kernels.config.CACHE_DIR
    kernels.kernel(lambda x: x)
    assert before == kernels.config.CACHE_DIR
