"""The ablation's grid and report; what its rows compute is tested with the training and the networks."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fctl_geo.model.architectures import build_segmentation

FOLDER = Path(__file__).parents[1] / "benchmarks" / "ablation"
GRID: dict[str, Any] = tomllib.loads((FOLDER / "grid.toml").read_text("utf-8"))


@pytest.fixture
def run() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    import run as module

    yield module
    sys.path.remove(str(FOLDER))
    del sys.modules["run"], sys.modules["report"]


def rows(run: ModuleType) -> list[Any]:
    return list(run.rows_of(GRID, None, [1], []))


def test_every_row_names_a_network_that_can_be(run: ModuleType) -> None:
    found = rows(run)
    assert len(found) == 2 * sum(len(table["rows"]) for table in GRID["tables"])
    for row in found:
        method = row.recipe.method
        build_segmentation(method.architecture, method.network, bands=3, classes=len(row.recipe.legend))


def test_every_row_of_a_table_has_the_same_budget_and_protocol(run: ModuleType) -> None:
    for table in GRID["tables"]:
        told = [(r.recipe.method.steps, r.recipe.method.batch, r.recipe.method.sample_px, r.recipe.method.learning_rate,
                 r.recipe.method.patch_px, r.recipe.method.layout)
                for r in rows(run) if r.table == table["name"]]  # fmt: skip
        steps = table.get("budget", GRID["budget"])["steps"]
        assert set(told) == {(steps, 4, 192, 1e-3, 192, "fitted")}


def test_steps_asked_for_overrule_a_tables_own(run: ModuleType) -> None:
    assert {r.recipe.method.steps for r in run.rows_of(GRID, 30, [1], [])} == {30}


def test_systems_have_three_seeds_unless_others_are_asked_for(run: ModuleType) -> None:
    assert {r.seed for r in run.rows_of(GRID, None, [], ["Systems"])} == {1, 2, 3}
    assert {r.seed for r in run.rows_of(GRID, None, [], ["Table 3"])} == {1}
    assert {r.seed for r in run.rows_of(GRID, None, [7], [])} == {7}


def test_rows_that_differ_only_in_judgment_share_their_training(run: ModuleType) -> None:
    table = [r for r in rows(run) if r.table.startswith("Table 6") and r.dataset == "buildings"]
    assert len({r.training for r in table}) == 1 and len({r.key for r in table}) == len(table) == 6


def test_every_table_has_its_baseline_among_its_rows() -> None:
    for table in GRID["tables"]:
        assert table["baseline"] in [row["name"] for row in table["rows"]]


def test_the_report_tells_the_gain_and_the_papers_order_also_where_it_is_not_found(
    run: ModuleType, tmp_path: Path
) -> None:
    scores = {"average": 0.50, "weighted": 0.52, "adaptive (released)": 0.51}
    results = [
        {"key": name, "table": "Table 5: fusion", "row": name, "dataset": "buildings", "seed": 1, "steps": 9,
         "parameters": 1e6, "miou": score, "row_s": 60.0}
        for name, score in scores.items()
    ]  # fmt: skip
    run.write_report(tmp_path / "ablation.md", GRID, results, "python x")
    text = (tmp_path / "ablation.md").read_text("utf-8")
    assert "| weighted |  | 52.00 | 1.00 M | 60 | 72.99 | 73.43 |" in text
    assert "- buildings: best is weighted, +2.00 points from average." in text
    assert "3 pairs of rows on Inria Aerial, 2 come out in its order" in text
    assert "- landcover: not run yet." in text
    assert "## Table 5: fusion\n\n9 steps a row.\n" in text
