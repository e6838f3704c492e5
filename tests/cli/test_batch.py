"""`batch` as typed: exit codes, the table at the end, events, and what is wrong usage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from stac_factory import collection_of, item_of

Fctl = Callable[..., Result]
MakeScene = Callable[..., Path]


@pytest.fixture
def folder(make_scene: MakeScene, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        make_scene(f"in/{name}", 60, 80)
    return folder


@pytest.fixture
def batch(fctl: Fctl, model_file: Path, tmp_path: Path) -> Callable[..., Result]:
    def run(*arguments: object) -> Result:
        given = (*arguments, "--out", tmp_path / "out", "--model", model_file, "--device", "cpu", "--threads", 1)
        return fctl("batch", *given)

    return run


def test_all_done_is_0_and_some_failed_is_3_with_reasons(batch: Callable[..., Result], folder: Path) -> None:
    said = batch(folder, "--format", "gpkg", "--format", "tif", "--progress", "none")
    assert said.exit_code == 0, said.stderr
    out = folder.parent / "out"
    assert {"a.gpkg", "a.tif", "b.gpkg", "b.tif", "batch.sqlite"} <= {path.name for path in out.iterdir()}
    assert "done" in said.stdout and "MPix/s" in said.stdout
    (folder / "bad.tif").write_bytes(b"not a raster")
    said = batch(folder, "--format", "gpkg", "--format", "tif", "--progress", "none")
    assert said.exit_code == 3
    for words in ("unchanged   2", "failed      1", "bad", "not a raster"):
        assert words in said.stdout, words


def test_programs_get_events_and_a_summary(batch: Callable[..., Result], folder: Path) -> None:
    (folder / "bad.tif").write_bytes(b"not a raster")
    said = batch(folder, "--template", "{number:02d}-{stem}", "--progress", "json")
    events = [json.loads(line) for line in said.stderr.splitlines()]
    assert said.exit_code == 3
    assert [event for event in events if event["event"] == "stage"] == [
        {"event": "stage", "name": "batch", "total": 3000}
    ]
    assert events[-2]["event"] != "done" and events[-1]["event"] == "done"
    summary = events[-1]["summary"]
    assert (summary["done"], summary["unchanged"], summary["left"]) == (2, 0, 0)
    assert [(one["name"], bool(one["error"]), bool(one["hint"])) for one in summary["failed"]] == [
        ("03-bad", True, True)
    ]
    assert [Path(file).name for file in summary["files"]] == ["01-a.gpkg", "02-b.gpkg"]


def test_stac_items_come_in_and_go_out(batch: Callable[..., Result], folder: Path) -> None:
    collection_of(folder / "items.json", item_of("first", {"data": ("./a.tif", "image/tiff")}, published=False))
    said = batch("--stac", folder / "items.json", "--progress", "none")
    assert said.exit_code == 0, said.stderr
    told = json.loads((folder.parent / "out" / "items.json").read_text())
    assert told["features"][0]["assets"]["gpkg"]["href"] == "./first.gpkg"


def test_a_mosaic_is_one_product(batch: Callable[..., Result], folder: Path) -> None:
    said = batch(folder, "--mosaic", "--progress", "none")
    assert said.exit_code == 0, said.stderr
    assert [path.name for path in (folder.parent / "out").glob("*.gpkg")] == ["mosaic-a.gpkg"]


@pytest.mark.parametrize(
    "words",
    [(), ("in", "--stac", "x.json"), ("in", "--split"), ("in", "--workers", 2, "--scheduler", "tcp://x:1")],
    ids=lambda words: " ".join(map(str, words)) or "nothing",
)
def test_what_contradicts_itself_is_wrong_usage(batch: Callable[..., Result], words: tuple[object, ...]) -> None:
    assert batch(*words).exit_code == 2


def test_a_folder_without_scenes_is_an_error(batch: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert batch(tmp_path / "empty").exit_code == 1
