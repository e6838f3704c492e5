"""What is installed is what is in the tree, and constraints never hand out a CUDA build."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


@pytest.fixture
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_every_package_of_the_tree_is_installed(setup: configparser.ConfigParser) -> None:
    listed = set(setup["options"]["packages"].split())
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("fctl_geo/**/__init__.py")}
    assert listed == found | {"fctl_geo_cli"}


def test_every_data_file_of_the_tree_is_installed(setup: configparser.ConfigParser) -> None:
    patterns = {name: words.replace(" ", "").split(",") for name, words in setup["options.package_data"].items()}
    built = (".py", ".pyc", ".nbi", ".nbc")
    for path in ROOT.glob("fctl_geo/**/*"):
        if path.is_dir() or path.suffix in built or path.name.startswith("."):
            continue
        package = path.parent if (path.parent / "__init__.py").exists() else path.parent.parent
        name = ".".join(package.relative_to(ROOT).parts)
        assert any(path.relative_to(package).match(pattern) for pattern in patterns.get(name, [])), path


def test_every_requirement_has_a_tested_version(setup: configparser.ConfigParser) -> None:
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints-cpu.txt").read_text().splitlines() if "==" in line
    }
    wanted = setup["options"]["install_requires"] + setup["options.extras_require"]["dev"]
    names = {re.split(r"[<>=!\[]", line.strip())[0].lower() for line in wanted.splitlines() if line.strip()}
    assert names <= pinned


def test_the_light_list_is_what_the_package_and_onnx_runtime_need_without_torch(
    setup: configparser.ConfigParser,
) -> None:
    constraints = set((ROOT / "constraints-cpu.txt").read_text().splitlines())
    lines = [line for line in (ROOT / "fctl_geo" / "requirements-light.txt").read_text().splitlines() if line[0] != "#"]
    assert set(lines) <= constraints
    words = setup["options"]["install_requires"] + setup["options.extras_require"]["onnx"]
    waiting = [Requirement(line) for line in words.splitlines() if line.strip()]
    needed: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not applies or requirement.name in needed | {"torch"}:
            continue
        needed.add(requirement.name)
        waiting += map(Requirement, requires(requirement.name) or [])
    assert {canonicalize_name(line.split("==")[0]) for line in lines} == set(map(canonicalize_name, needed))


def test_nothing_pulls_cuda() -> None:
    constraints, makefile = (ROOT / "constraints-cpu.txt").read_text(), (ROOT / "Makefile").read_text()
    assert not re.search(r"^(nvidia|triton|cuda)", constraints, re.MULTILINE)
    pinned = re.search(r"^torch==(\S+)$", constraints, re.MULTILINE)
    assert pinned is not None and f"torch=={pinned[1]}+cpu" in makefile
    assert f'TESTED_TORCH = "torch=={pinned[1]}"' in (ROOT / "qgis_plugin" / "install.py").read_text()


def test_private_parts_of_rasterio_are_used_in_one_place_and_below_a_tested_version(
    setup: configparser.ConfigParser,
) -> None:
    private = re.compile(r"^\s*(?:from|import) (rasterio\._\w+)(.*)", re.MULTILINE)
    sources = [path for room in ("fctl_geo", "cli") for path in (ROOT / room).rglob("*.py")]
    used = {(path.name, *hit) for path in sources for hit in private.findall(path.read_text("utf-8"))}
    assert used == {("references.py", "rasterio._err", " import CPLE_BaseError")}
    wanted = [line for line in setup["options"]["install_requires"].splitlines() if line.startswith("rasterio")]
    assert wanted == ["rasterio>=1.4,<1.5"], "try the next version's rasterio._err before raising the bound"


def make_says(*words: str) -> str:
    """What make would do, without doing it."""
    return subprocess.run(["make", "-n", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_what_the_readme_makes_can_be_made() -> None:
    """Each `make ...` of the README is a target that make understands, and the CI runs one of them."""
    commands = set(
        re.findall(r"^make .*?(?= #|$)|(?<=`)make [^`]*(?=`)", (ROOT / "README.md").read_text(), re.MULTILINE)
    )
    assert {"make demo", "make test"} <= {" ".join(command.split()) for command in commands}
    for command in commands:
        assert make_says(*shlex.split(command)[1:]), command
    assert "fctl-geo demo 'a b.tif' --model 'landcover' --out-dir 'result'" in make_says(
        "demo", "SCENE=a b.tif", "MODEL=landcover", "OUT=result"
    )
    assert "-m pytest" in make_says("test") and "exec make test\n" in (ROOT / ".ci/run").read_text()
