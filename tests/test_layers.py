"""Imports run downhill through all rooms, without circles, and each heavy library lives in its own rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = (
    ("errors", "system"),
    ("progress", "spec"),
    ("settings",),
    ("storage", "windows"),
    ("georef",),
    ("scene", "model"),
    ("stitch", "raster"),
    ("polygons",),
    ("square", "separate"),
    ("run",),
    ("report",),
    ("products",),
    ("pipeline", "assess"),
    ("batch", "cluster", "training"),
    ("cli",),
)
"""Every room, lowest first: a room imports from the floors below its own alone."""
ASIDE = {
    "__init__": "the public names, each fetched when it is used",
    "synthetic": "draws, from errors and system alone",
    "weights": "files",
}
HOMES = {
    "torch": {"model", "training", "cli"},  # doctor examines it
    "onnx": {"model"},
    "onnxruntime": {"model"},
    "onnxscript": {"model"},
    "rasterio": {"scene", "raster", "report", "products", "training", "synthetic", "cli"},
    "pyogrio": {"products", "scene", "assess", "cli"},
    "shapely": {"products", "polygons", "scene", "assess"},
    "click": {"cli"},
    "rich": {"cli"},
    "dask": {"cluster"},
    "distributed": {"cluster"},
    "psycopg": {"products"},
    "pystac": {"batch", "products"},
    "qgis": set(),
}
MOST_LINES = 350


def module_of(path: Path) -> str:
    """fctl_geo/run/open.py: 'fctl_geo.run.open'; cli/main.py: 'cli.main'; a package: its own name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def room_of(module: str) -> str:
    """The part of the house in which a module stands."""
    first, *rest = module.split(".")
    return first if first == "cli" else (rest[0] if rest else "__init__")


FILES = sorted([*(ROOT / "fctl_geo").rglob("*.py"), *(ROOT / "cli").glob("*.py")])
MODULES = {module_of(path) for path in FILES}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports anywhere, 'from a import b' as 'a.b' where that is a module, else 'a'."""
    found = set()
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [package if node.level else None, node.module]))
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names}
    return found


def own(modules: set[str]) -> set[str]:
    """Those of this project."""
    return {name for name in modules if name.split(".")[0] in ("fctl_geo", "cli")}


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module) for module in MODULES}
    assert rooms == {room for floor in FLOORS for room in floor} | set(ASIDE)
    for number, floor in enumerate(FLOORS):
        print(f"floor {number:2}: {', '.join(floor)}")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_from_the_floors_below(path: Path) -> None:
    room = room_of(module_of(path))
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    for module in own(imports_of(path)):
        other = room_of(module)
        if other == room or module == "fctl_geo" or room == "__init__":
            continue
        if room == "synthetic" or other == "synthetic":
            assert other in ("errors", "system") or room in ("training", "cli"), f"{module_of(path)} imports {module}"
        else:
            assert floor_of[other] < floor_of[room], f"{module_of(path)} imports {module}, which is not below it"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_of(path): own(imports_of(path)) - {"fctl_geo"} for path in FILES if room_of(module_of(path))}
    for room in {module for module in graph if module.count(".") == 1}:  # a package's lazy names lead into itself
        graph[room] = {name for name in graph[room] if not name.startswith(room + ".")}
    graph.pop("fctl_geo.__init__", None)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def test_no_module_is_longer_than_the_house_allows() -> None:
    long = {module_of(p): n for p in FILES if (n := len(p.read_text("utf-8").splitlines())) > MOST_LINES}
    assert not long


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    room = room_of(module_of(path))
    for module in imports_of(path):
        homes = HOMES.get(module.split(".")[0])
        assert homes is None or room in homes, f"{path.name} imports {module}"


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, fctl_geo; fctl_geo.Settings;"
        "heavy = {'torch', 'rasterio', 'geopandas', 'numba', 'numpy', 'pyogrio'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
