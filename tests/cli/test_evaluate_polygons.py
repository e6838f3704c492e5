"""`evaluate --polygons --truth` as typed: tables, JSON, the layers of errors, and what is refused at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import pytest
import shapely
from click.testing import Result
from shapely.affinity import translate

Fctl = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Polygons that are 1 m off to the east, and the reference; --polygons and --truth with them."""
    houses = [shapely.box(5e5 + 20 * i, 6e6, 5e5 + 20 * i + 10, 6e6 + 8) for i in range(5)]
    found, truth = tmp_path / "found.gpkg", tmp_path / "truth.geojson"
    frame = geopandas.GeoDataFrame({"kind": ["house"] * 4 + ["shed"]}, geometry=houses, crs="EPSG:32635")
    frame.to_crs(4326).to_file(truth, engine="pyogrio")
    frame.assign(geometry=[translate(house, 1.0) for house in houses]).iloc[:4].to_file(found, engine="pyogrio")
    return ["--polygons", found, "--truth", truth]  # type: ignore[list-item]


def test_polygons_are_measured_in_tables_in_json_and_in_layers(fctl: Fctl, tmp_path: Path, files: list[Path]) -> None:
    numbers, errors = tmp_path / "n.json", tmp_path / "errors.gpkg"
    said = fctl("evaluate", *files, "--json", numbers, "--out", errors, "--progress", "json")
    assert said.exit_code == 0, said.stderr
    told = json.loads(numbers.read_text())
    assert json.loads(said.stderr.splitlines()[-1]) == {"event": "done", "summary": told}
    assert (told["all"]["matched"], told["all"]["missed"], told["all"]["F1"]) == (4, 1, pytest.approx(8 / 9, abs=1e-6))
    assert told["all"]["PoLiS"] == pytest.approx(0.5, rel=2e-3)
    rows = [line.split() for line in said.stdout.splitlines() if line.strip().startswith("object")]
    assert rows[0] == ["object", "5", "4", "4", "0.889", "1.000", "0.800", "0.622", "0", "0", "1", "0"]
    assert rows[1][:3] == ["object", "0.818", "0.500"] and "PoLiS m" in said.stdout
    assert str(errors) in said.stdout and len(geopandas.read_file(errors, layer="reference")) == 5
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "nothing is left beside"


def test_classes_have_a_row_each_and_one_for_all(fctl: Fctl, files: list[Path]) -> None:
    said = fctl("evaluate", *files, "--field", "kind", "--progress", "none")
    assert said.exit_code == 0, said.stderr
    names = [line.split()[0] for line in said.stdout.splitlines() if line.strip()]
    assert [name for name in names if name in ("house", "shed", "all")] == ["house", "shed", "all"] * 2


def test_an_output_that_exists_or_is_an_input_is_refused_before_the_work(
    fctl: Fctl, tmp_path: Path, files: list[Path]
) -> None:
    (tmp_path / "old.gpkg").write_text("mine")
    said = fctl("evaluate", *files, "--out", tmp_path / "old.gpkg", "--progress", "none")
    assert said.exit_code == 1 and "already exists" in said.stderr
    said = fctl("evaluate", *files, "--out", files[1], "--overwrite", "--progress", "none")
    assert said.exit_code == 1 and "is also an input" in said.stderr
    assert (tmp_path / "old.gpkg").read_text() == "mine" and len(geopandas.read_file(files[1])) == 4


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--polygons", "a.gpkg"], 2, "--polygons and --truth need each other"),
        (["buildings", "--truth", "a.gpkg"], 2, "--polygons and --truth need each other"),
        (["buildings", "--polygons", "a.gpkg", "--truth", "b.gpkg"], 2, "give either a model"),
        ([], 2, "give either a model"),
        (["--polygons", "a.gpkg", "--truth", "b.gpkg", "--tta", "d4"], 2, "--tta does not apply to --polygons"),
        (["--polygons", "a.gpkg", "--truth", "b.gpkg", "--out", "r.html"], 1, "has the extension '.html'"),
        (["--polygons", "a.gpkg", "--truth", "b.gpkg"], 1, "b.gpkg does not exist"),
        (["--polygons", "a.gpkg", "--truth", "b.gpkg", "--classes", "1=a"], 1, "no column that holds them"),
    ],
)
def test_what_does_not_go_together_is_refused(fctl: Fctl, words: list[str], code: int, told: str) -> None:
    said = fctl("evaluate", *words, "--progress", "none")
    assert (said.exit_code, told in said.stderr) == (code, True), said.stderr
