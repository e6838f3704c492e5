"""What README, the docs and the examples of --help show works: commands parse or run, options exist, Python runs."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
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
DOCS = ROOT / "docs"
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(page for page in DOCS.rglob("*.md") if page.parent.name != "generated"),
)
RUN = {
    "fctl-geo segment town.tif --out town.gpkg",
    "fctl-geo segment region.tif --model landcover --out cover.tif --out cover.gpkg --aoi district.shp --min-area 20",
    "fctl-geo evaluate classes.tif --image town.tif --labels truth.tif --json report.json",
    "fctl-geo evaluate --polygons roofs.gpkg --truth houses.gpkg --out errors.gpkg",
    "fctl-geo refine classes.tif --out refined.tif",
    "fctl-geo polygonise classes.tif --out regions.gpkg --min-area 10",
    "fctl-geo segment region.tif --out try.gpkg --bbox 412650 5402250 412750 5402350",
    "fctl-geo segment town.tif --out draft.gpkg --simplify 0.4 --square --min-area 12 --confidence doubt.tif",
}
"""Commands that are run as they stand, on small scenes; the others ask for a network, a cluster, a GPU, large data or
hours, and are parsed."""
PROGRAMS = (*(ROOT / "benchmarks").rglob("*.py"), ROOT / "tests/fault_matrix.py", ROOT / "tests/hostile.py")
"""Programs of this repository whose options the docs name, too."""
NAMED = Legend((ClassInfo(1, "building", (214, 69, 65)),))
"""What the truth of a procedural scene shows, of which the examples use one class."""
PYTHON_ELSEWHERE = {"clusters.md": "needs SLURM"}
"""Pages whose Python is not run, and why."""
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


def test_every_command_has_its_row_in_the_reference() -> None:
    table = (DOCS / "reference" / "command-line.md").read_text("utf-8")
    rows = re.findall(r"^\| `fctl-geo ([a-z-]+)", table, re.MULTILINE)
    assert sorted(rows) == sorted(COMMANDS)


def links_in(page: Path) -> list[str]:
    """Where the links and pictures of a page lead, within the project."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def headings_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as its site and git hosts name them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links_in(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.parent.name == "generated":  # written by docs/prepare.py
            continue
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in headings_of(target), f"{page.name}: {link}"


def test_every_page_and_picture_of_the_docs_is_shown() -> None:
    navigation = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    pages = {page.relative_to(DOCS).as_posix() for page in PAGES if DOCS in page.parents}
    assert {name for name in navigation if not name.startswith("generated/")} == pages
    shown = {(page.parent / link).resolve() for page in PAGES for link in links_in(page)}
    drawn = {path for path in (DOCS / "images").iterdir() if not path.name.startswith("qgis-")}
    assert drawn <= shown


def test_what_the_site_shows_of_every_command_is_its_help() -> None:
    path = DOCS / "prepare.py"
    prepare: dict[str, Any] = {"__name__": "prepare", "__file__": str(path)}
    exec(compile(path.read_text("utf-8"), "prepare.py", "exec"), prepare)
    page = prepare["help_page"]()
    for name in COMMANDS:
        shown = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        told = [p for p in command_of(name).params if isinstance(p, click.Option) and not p.hidden]
        assert told and all(option.opts[-1] in shown for option in told), name


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
    for copy in ("houses.gpkg", "roofs.gpkg"):
        polygonise(made / "truth.tif", [made / copy], PolygonSettings(classes=("building",)), legend=NAMED)
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


def python_in(page: Path) -> str:
    """All Python of a page, as one program."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))


PROGRAMS_OF_PAGES = [page for page in PAGES if python_in(page) and page.name not in PYTHON_ELSEWHERE]


@pytest.mark.parametrize("page", PROGRAMS_OF_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_of_the_docs_runs(page: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page in a folder of its own, which has what the examples read, and nothing that they write."""
    for name in ("town.tif", "region.tif", "classes.tif", "houses.gpkg"):
        shutil.copyfile(folder / name, tmp_path / name)
    tidy = PolygonSettings(classes=("building",), separate=("building",), square="90", simplify_m=0.5)
    polygonise(folder / "truth.tif", [tmp_path / "draft.gpkg"], tidy, legend=NAMED)
    monkeypatch.chdir(tmp_path)
    exec(compile(python_in(page), page.name, "exec"), {"__name__": page.stem})
    written = re.findall(r"""(?:to_file|save)\("(.+?)"\)|Path\("(cover.+?|refined.+?)"\)""", python_in(page))
    assert all((tmp_path / (one or other)).exists() for one, other in written)


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
