"""The door itself: quick help, errors in two lines, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from fctl_geo_cli.main import COMMANDS

HEAVY = ("torch", "geopandas", "pandas", "rasterio", "numpy", "pyogrio", "shapely", "numba", "matplotlib", "rich")
Fctl = Callable[..., Result]


@pytest.mark.parametrize("arguments", [["--help"], ["segment", "--help"], ["--version"], ["train", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from fctl_geo_cli.main import cli\n"
        f"try: cli({arguments!r})\n"
        "except SystemExit as left: assert left.code == 0\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.rstrip().endswith("HEAVY []")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_with_an_example(fctl: Fctl, name: str) -> None:
    said = fctl(name, "--help")
    assert said.exit_code == 0
    assert f"  fctl-geo {name}" in said.stdout, "an example"
    assert "Take" in said.stdout and ("Writes" in said.stdout or "Prints" in said.stdout)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--bbox", "nan", "1", "2", "3"],
        ["--bbox", "0", "0", "inf", "3"],
        ["--mask", "alfa"],
        ["--mask", "nodata=none"],
    ],
)
def test_a_value_that_cannot_be_is_wrong_usage(fctl: Fctl, tmp_path: Path, wrong: list[str]) -> None:
    said = fctl("segment", tmp_path / "none.tif", "--out", tmp_path / "x.tif", *wrong)
    assert said.exit_code == 2 and f"Invalid value for '{wrong[0]}'" in said.stderr


def test_an_error_is_two_lines_on_stderr_and_exit_code_1(fctl: Fctl, tmp_path: Path) -> None:
    said = fctl("info", tmp_path / "none.tif")
    assert said.exit_code == 1 and said.stdout == ""
    first, second = said.stderr.splitlines()
    assert first.startswith("Error: ") and "none.tif does not exist" in first
    assert second.startswith("Hint: ")


def test_an_error_is_one_json_object_for_a_program(fctl: Fctl, model_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.gpkg"
    said = fctl("segment", tmp_path / "none.tif", "--model", model_file, "--out", out, "--progress", "json")
    assert said.exit_code == 1
    last = json.loads(said.stderr.splitlines()[-1])
    assert last["event"] == "error" and "none.tif" in last["text"] and last["hint"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["segment", "x.tif"], "Missing option '--out'"),
        (["segment", "x.tif", "--out", "x.gpkg", "--merge", "mean"], "'mean' is not one of"),
        (["segment", "x.tif", "--out", "x.gpkg", "--max-memory", "much"], "write, for example, 800M"),
        (["segment", "x.tif", "--out", "x.gpkg", "--min-area", "-1"], "--min-area"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_usage_has_exit_code_2_and_says_what_is_wrong(fctl: Fctl, arguments: list[str], words: str) -> None:
    said = fctl(*arguments)
    assert said.exit_code == 2 and words in said.stderr


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("800M", 800 << 20), ("1.5G", 3 << 29), ("2GiB", 2 << 30), ("64kb", 64 << 10), ("7", 7)]
)
def test_sizes_are_understood_as_people_write_them(text: str, size_bytes: int) -> None:
    from fctl_geo_cli.options import ByteSize

    assert ByteSize().convert(text, None, None) == size_bytes


def test_a_traceback_comes_with_vv_only(tmp_path: Path) -> None:
    outs = []
    for loud in ("-v", "-vv"):
        command = [sys.executable, "-m", "fctl_geo_cli.main", "info", str(tmp_path / "none.tif"), loud]
        outs.append(subprocess.run(command, capture_output=True, text=True, check=False))
    assert [out.returncode for out in outs] == [1, 1]
    assert "Traceback" not in outs[0].stderr and "Traceback" in outs[1].stderr


def test_data_folders_of_another_installation_are_ignored(tmp_path: Path, make_scene: Callable[..., Path]) -> None:
    foreign = {"PROJ_LIB": str(tmp_path), "PROJ_DATA": str(tmp_path), "GDAL_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "fctl_geo_cli.main", "info", str(make_scene())]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | foreign)
    assert said.returncode == 0, said.stderr
    assert "WGS 84 / UTM zone 35N (EPSG:32635)" in said.stdout


def test_data_folders_of_this_very_environment_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    from fctl_geo_cli.environment import clear_foreign_gis_data

    own = str(Path(sys.prefix) / "share" / "proj")
    monkeypatch.setenv("PROJ_LIB", own)
    monkeypatch.setenv("GDAL_DATA", "/usr/share/gdal")
    assert clear_foreign_gis_data() == ("GDAL_DATA=/usr/share/gdal belongs to another installation and is ignored",)
    assert os.environ["PROJ_LIB"] == own and "GDAL_DATA" not in os.environ
