"""`segment`, `refine` and `polygonise` as typed: products, tables, events, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from click.testing import Result

Fctl = Callable[..., Result]
MakeScene = Callable[..., Path]


def test_segment_writes_what_the_endings_ask_for_and_a_table(
    fctl: Fctl, make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    raster, polygons, sure = tmp_path / "x.tif", tmp_path / "x.gpkg", tmp_path / "sure.tif"
    said = fctl(
        "segment", make_scene(), "--model", model_file, "--out", raster, "--out", polygons, "--confidence", sure,
        "--device", "cpu", "--threads", 1, "--progress", "none",
    )  # fmt: skip
    assert said.exit_code == 0, said.stderr
    with rasterio.open(raster) as dataset:
        values = dataset.read(1)
        assert values.shape == (300, 400) and set(np.unique(values)) <= {0, 1}
    assert pyogrio.read_info(polygons, layer="x")["crs"] == "EPSG:32635"
    assert sure.exists()
    for words in ("background", "building", "km2", "nodata   0.00 %", "MPix/s", "x.tif", "x.gpkg", "sure.tif"):
        assert words in said.stdout, words
    assert "patches" in said.stderr, "says before it starts what it will do"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "nothing is left beside"


def test_segment_writes_styles_for_other_programs_and_refuses_to_replace_them(
    fctl: Fctl, make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    words = ("segment", make_scene(), "--model", model_file, "--device", "cpu", "--threads", 1, "--progress", "none")
    said = fctl(*words, "--out", tmp_path / "x.geojson", "--out", tmp_path / "x.tif", "--style", "sld", "--style",
                "maplibre")  # fmt: skip
    assert said.exit_code == 0, said.stderr
    for name in ("x.sld", "x.style.json", "x.qml"):
        assert (tmp_path / name).exists()
    assert "x.style.json" in said.stdout
    assert json.loads((tmp_path / "x.style.json").read_text())["sources"]["x"]["data"] == "x.geojson"
    for path in (tmp_path / "x.geojson", tmp_path / "x.tif"):
        path.unlink()
    said = fctl(*words, "--out", tmp_path / "x.geojson", "--style", "sld")
    assert said.exit_code == 1 and "x.sld already exists" in said.stderr and not (tmp_path / "x.geojson").exists()
    said = fctl(*words, "--out", tmp_path / "x.gpkg", "--style", "maplibre")
    assert said.exit_code == 1 and "--out roofs.geojson" in said.stderr


def test_segment_tells_programs_each_event_as_json(
    fctl: Fctl, make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    said = fctl("segment", make_scene(), "--model", model_file, "--out", tmp_path / "x.gpkg", "--progress", "json",
                "--device", "cpu", "--threads", 1)  # fmt: skip
    assert said.exit_code == 0, said.stderr
    events = [json.loads(line) for line in said.stderr.splitlines()]
    kinds = [event["event"] for event in events]
    assert {"stage", "advance", "say"} <= {*kinds} <= {"stage", "advance", "say", "warn", "done"}
    assert kinds[-1] == "done" and [Path(f).name for f in events[-1]["summary"]["files"]] == ["x.gpkg"]
    stages = [event for event in events if event["event"] == "stage"]
    assert any(stage["name"] == "segment" and stage["total"] > 0 for stage in stages)


def test_quiet_says_nothing_but_the_result(fctl: Fctl, make_scene: MakeScene, model_file: Path, tmp_path: Path) -> None:
    said = fctl("segment", make_scene(), "--model", model_file, "--out", tmp_path / "x.tif", "-q", "--device", "cpu",
                "--threads", 1)  # fmt: skip
    assert said.exit_code == 0 and said.stderr == "" and "building" in said.stdout


def test_an_output_that_exists_is_replaced_only_when_asked(
    fctl: Fctl, make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.tif"
    out.write_text("mine")
    arguments = ("segment", make_scene(), "--model", model_file, "--out", out, "--device", "cpu", "--threads", 1)
    said = fctl(*arguments)
    assert said.exit_code == 1 and "--overwrite" in said.stderr and out.read_text() == "mine"
    assert fctl(*arguments, "--overwrite").exit_code == 0
    assert out.read_bytes()[:2] == b"II"


def test_refine_and_polygonise_take_the_class_raster(
    fctl: Fctl, make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    crude, refined, polygons = tmp_path / "crude.tif", tmp_path / "refined.tif", tmp_path / "x.fgb"
    device = ("--device", "cpu", "--threads", 1, "-q")
    assert fctl("segment", make_scene(), "--model", model_file, "--out", crude, *device).exit_code == 0
    said = fctl("refine", crude, "--model", model_file, "--out", refined, *device)
    assert said.exit_code == 0, said.stderr
    with rasterio.open(refined) as dataset:
        assert dataset.shape == (300, 400)
    said = fctl("polygonise", refined, "--out", polygons, "--min-area", 1, "--simplify", 0.3)
    assert said.exit_code == 0, said.stderr
    assert "polygons" in said.stdout and polygons.exists()


def test_polygonise_takes_anybodys_class_raster_as_json_too(fctl: Fctl, tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    values = np.kron(np.array([[1, 2], [2, 1]], np.uint8), np.ones((50, 50), np.uint8))
    place = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 6_000_000)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="uint8",
        count=1,
        height=100,
        width=100,
        crs="EPSG:32635",
        transform=place,
        nodata=0,
    ) as dataset:
        dataset.write(values, 1)
    said = fctl("polygonise", path, "--out", tmp_path / "x.gpkg", "--classes", "class 2", "--progress", "json")
    assert said.exit_code == 0, said.stderr
    summary = json.loads(said.stderr.splitlines()[-1])["summary"]
    assert summary["polygons"] == 2 and [c["name"] for c in summary["classes"]] == ["class 2"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_stops_the_run_with_130_and_says_how_to_go_on(
    name: str, make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.tif"
    scene = make_scene("big.tif", 3000, 3000)
    command = [sys.executable, "-m", "fctl_geo_cli.main", "segment", str(scene), "--model", str(model_file)]
    options = ["--out", str(out), "--progress", "json", "--device", "cpu", "--threads", "1", "--tta", "d4"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if json.loads(line)["event"] == "advance":
                run.send_signal(getattr(signal, name))
                break
        rest = [json.loads(line) for line in run.stderr]
        run.communicate()
    assert run.returncode == 130
    last = rest[-1]
    assert last["event"] == "error" and last["cancelled"] and "--resume" in last["hint"]
    assert not out.exists()


def test_the_end_of_stdin_stops_the_run_as_a_signal_does(
    make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.tif"
    scene = make_scene("big.tif", 3000, 3000)
    command = [sys.executable, "-m", "fctl_geo_cli", "segment", str(scene), "--model", str(model_file)]
    options = [
        "--out",
        str(out),
        "--progress",
        "json",
        "--stop-with-stdin",
        "--device",
        "cpu",
        "--threads",
        "1",
        "--tta",
        "d4",
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, *options], text=True, **pipes) as run:
        assert run.stderr is not None and run.stdin is not None
        for line in run.stderr:
            if json.loads(line)["event"] == "advance":
                run.stdin.close()
                break
        rest = [json.loads(line) for line in run.stderr]
    assert run.returncode == 130
    assert rest[-1]["event"] == "error" and rest[-1]["cancelled"]
    assert not out.exists()


def test_a_run_that_may_be_stopped_by_stdin_ends_by_itself(
    make_scene: MakeScene, model_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.tif"
    command = [sys.executable, "-m", "fctl_geo_cli", "segment", str(make_scene()), "--model", str(model_file)]
    options = ["--out", str(out), "--progress", "json", "--stop-with-stdin", "--device", "cpu", "--threads", "1"]
    with subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        last = json.loads(run.stderr.read().splitlines()[-1])
        assert run.wait() == 0, "its standard input is still open"
    assert last["event"] == "done" and out.exists()
