"""Imports run downhill, and each heavy library lives in its own rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "fctl_geo"
ORDER = ["scene", "windows", "model", "stitch", "raster", "polygons"]
WALLS = {"errors", "progress", "spec", "settings", "windows"}
"""What every room may use: values, not work."""
HOMES = {
    "torch": {"model", "training"},
    "rasterio": {"scene", "raster", "training", "synthetic"},
    "pyogrio": {"polygons", "scene"},
    "shapely": {"polygons", "scene"},
    "click": set(),
    "rich": set(),
    "dask": {"cluster"},
    "distributed": {"cluster"},
    "pystac": {"batch"},
    "qgis": set(),
}
KNOWN = {
    # The ground size of a class raster is found as a scene's is.
    ("raster", "polygons"),  # the .qml beside a class raster is drawn by the room that knows styles
}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports anywhere, 'from a import b' as 'a'."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_what_lies_uphill_of_it(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    if room not in ORDER:
        return
    below = set(ORDER[ORDER.index(room) + 1 :]) - WALLS
    for module in imports_of(path):
        parts = module.split(".")
        if parts[0] == "fctl_geo" and len(parts) > 1 and (room, parts[1]) not in KNOWN:
            assert parts[1] not in below, f"{path.name} imports {module}, which lies downhill"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
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
