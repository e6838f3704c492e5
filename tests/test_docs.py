"""What README, the docs and the examples of --help show works: commands parse or run, options exist, Python runs."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import geopandas
import pytest
import rasterio
from click.testing import CliRunner
from fctl_geo_cli.main import COMMANDS, cli
from shapely.geometry import box

from fctl_geo import PolygonSettings, polygonise
from fctl_geo.spec import ClassInfo, Legend

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
RUN = {
    "fctl-geo segment town.tif --out town.gpkg",
    "fctl-geo segment region.tif --model landcover --out cover.tif --out cover.gpkg --aoi district.shp --min-area 20",
    "fctl-geo evaluate classes.tif --image town.tif --labels truth.tif --json report.json",
    "fctl-geo evaluate --polygons roofs.gpkg --truth houses.gpkg --out errors.gpkg",
    "fctl-geo refine classes.tif --out refined.tif",
    "fctl-geo polygonise classes.tif --out regions.gpkg --min-area 10",
}
"""Commands that are run as they stand, on small scenes; the others ask for a network, a cluster, a GPU, large data or
hours, and are parsed."""
PROGRAMS = (*(ROOT / "benchmarks").rglob("*.py"), ROOT / "tests/fault_matrix.py", ROOT / "tests/hostile.py")
"""Programs of this repository whose options the docs name, too."""
ELSEWHERE = {"--nthreads", "--gres", "--constraint", "--extra-index-url"}
"""Options of dask, SLURM and pip."""


def command_of(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None, f"there is no command {name}"
    return found


def options_of(name: str) -> set[str]:
    parameters = [p for p in command_of(name).params if isinstance(p, click.Option)]
    return {"--help", *(flag for p in parameters for flag in (*p.opts, *p.secondary_opts))}


def commands_in(text: str) -> Iterator[str]:
    """Lines that are a command of ours, with the lines that continue them."""
    for line in text.replace("\\\n", " ").splitlines():
        if re.match(r"\s*fctl-geo [a-z]", line):
            yield " ".join(line.split())


def shown() -> list[str]:
    pages = [command for page in PAGES for command in commands_in(page.read_text("utf-8"))]
    examples = [command for name in COMMANDS for command in commands_in(command_of(name).help or "")]
    return list(dict.fromkeys([*pages, *examples]))


@pytest.mark.parametrize("command", shown())
def test_every_command_that_is_shown_parses(command: str) -> None:
    _, name, *words = shlex.split(command, comments=True)
    words = ["tcp://head:8786" if word.startswith("$(") else word for word in words]  # the address of a cluster
    command_of(name).make_context(name, words)


def test_what_is_run_is_shown() -> None:
    assert set(shown()) >= RUN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_in_the_docs_is_one(page: Path) -> None:
    every = ELSEWHERE | {option for name in COMMANDS for option in options_of(name)}
    for program in PROGRAMS:
        every |= set(re.findall(r"\"(--[a-z][a-z-]*)\"", program.read_text("utf-8")))
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`]+)`", text):
        ours = re.match(r"(?:time )?fctl-geo ([a-z-]+)", code)
        known = options_of(ours[1]) if ours and ours[1] in COMMANDS else every
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code))
        assert named <= known, f"{page.name}: `{code}`"


def test_every_command_has_its_row_in_the_readme() -> None:
    rows = re.findall(r"^\| `fctl-geo ([a-z-]+)", PAGES[0].read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(COMMANDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the examples name: a town and a region that no camera has seen, their classes, a district."""
    from fctl_geo.synthetic.write import write_scene

    made = tmp_path_factory.mktemp("docs")
    for name, gsd_m in (("town", 0.25), ("region", 1.0)):
        scene, truth = write_scene(made / f"{name} files", size_px=320, gsd_m=gsd_m)
        scene.rename(made / f"{name}.tif")
        truth.rename(made / f"{name}-truth.tif")
    for copy in ("truth.tif", "classes.tif"):
        (made / copy).write_bytes((made / "town-truth.tif").read_bytes())
    named = Legend((ClassInfo(1, "building", (214, 69, 65)),))
    for copy in ("houses.gpkg", "roofs.gpkg"):
        polygonise(made / "truth.tif", [made / copy], PolygonSettings(classes=("building",)), legend=named)
    with rasterio.open(made / "region.tif") as region:
        west, south, east, north = region.bounds
        inside = box(west + 40, south + 60, east - 80, north - 20)
        geopandas.GeoDataFrame(geometry=[inside], crs=region.crs).to_file(made / "district.shp")
    return made


@pytest.mark.parametrize("command", sorted(RUN))
def test_commands_of_the_docs_run(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    words = shlex.split(command)[1:]
    said = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert said.exit_code == 0, said.stderr
    outs = [value for flag, value in pairwise(words) if flag in ("--out", "--json")]
    assert outs and all(Path(out).stat().st_size for out in outs)


def test_the_readmes_python_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGES[0].read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for name in ("cover.tif", "cover.gpkg", "refined.tif"):
        for made in folder.glob(name + "*"):
            made.unlink()
    monkeypatch.chdir(folder)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert "vegetation" in capsys.readouterr().out
    made = ("cover.tif", "cover.gpkg", "cover.png", "refined.tif", "refined.fgb")
    assert all((folder / name).exists() for name in made)


def test_the_notebook_runs_and_shows_something_in_every_cell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    book = json.loads((ROOT / "docs" / "notebook.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    names: dict[str, object] = {"__name__": "notebook"}
    shown = [run_cell(cell, names) for cell in cells]
    assert [type(value).__name__ for value in shown] == [
        "SceneResult", "Picture", "DataFrame", "str", "SceneResult", "tuple", "NoneType",
    ]  # fmt: skip
    assert "background" in shown[0]._repr_html_() and shown[1]._repr_png_().startswith(b"\x89PNG")
    assert len(shown[2]) and shown[3].endswith("roofs")
    assert not any(cell.get("outputs") for cell in book["cells"]), "without outputs, so that diffs stay readable"


def run_cell(code: str, names: dict[str, object]) -> Any:
    """Run a cell as notebooks do: the value of the last line, if it is an expression, is what is shown."""
    *body, last = ast.parse(code).body
    if not isinstance(last, ast.Expr):
        body, last = [*body, last], ast.Expr(ast.Constant(None))
    exec(compile(ast.Module(body, []), "notebook.ipynb", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook.ipynb", "eval"), names)
