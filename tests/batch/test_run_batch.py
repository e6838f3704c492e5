"""A batch does what is missing, names what fails, keeps what is done; whatever is pulled."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.batch.inputs import find_scenes
from fctl_geo.batch.run_batch import BatchSettings, BatchSummary, run_batch
from fctl_geo.errors import Cancelled, FctlError, OutputError, SettingsError
from fctl_geo.progress import Silent
from fctl_geo.run.executor import LocalExecutor


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        make_scene(folder / f"s{i}.tif", 70, 50, seed=i)
    return folder


def settings_of(model: Path, **values: object) -> Settings:
    return Settings.of({"model": str(model), "device": "cpu", "threads": 1, **values})


def batch(folder: Path, out: Path, model: Path, progress: Silent | None = None, **values: object) -> BatchSummary:
    own = {name: values.pop(name) for name in list(values) if name in BatchSettings.__slots__}
    told = BatchSettings(out, **{"formats": ("tif",), **own})
    return run_batch(find_scenes([str(folder)]), told, settings_of(model, **values), progress=progress or Silent())


def rows(out: Path) -> dict[str, sqlite3.Row]:
    connection = sqlite3.connect(out / "batch.sqlite")
    connection.row_factory = sqlite3.Row
    try:
        return {row["name"]: row for row in connection.execute("SELECT * FROM scenes")}
    finally:
        connection.close()


def test_two_hundred_scenes_with_five_broken_ones(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """195 done, 5 named with reasons; a second call does nothing for the 195 and tries the 5 again."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    one = make_scene(tmp_path / "one.tif", 24, 20).read_bytes()
    for i in range(200):
        (folder / f"s{i:03d}.tif").write_bytes(one)
    broken = {7: b"", 50: b"not a raster", 99: one[:200], 120: one[: len(one) - 900], 199: b"II*\0garbage"}
    for i, content in broken.items():
        (folder / f"s{i:03d}.tif").write_bytes(content)
    loads = counted(monkeypatch, "fctl_geo.model.torch_backend.load_networks")
    first = batch(folder, out, model)
    assert (first.done, first.unchanged, len(loads)) == (195, 0, 1), "the model is opened once"
    assert {ended.name for ended in first.failed} == {f"s{i:03d}" for i in broken}
    assert all(ended.error and ended.hint for ended in first.failed)
    assert len(list(out.glob("*.tif"))) == 195
    times = {path: path.stat().st_mtime_ns for path in out.glob("*.tif")}
    second = batch(folder, out, model)
    assert (second.done, len(second.failed), second.unchanged) == (0, 5, 195)
    assert times == {path: path.stat().st_mtime_ns for path in out.glob("*.tif")}
    (folder / "s007.tif").write_bytes(one)
    third = batch(folder, out, model)
    assert (third.done, len(third.failed), third.unchanged) == (1, 4, 195)


def test_a_scene_comes_out_as_it_would_alone(tmp_path: Path, model: Path, scenes: Path) -> None:
    batch(scenes, tmp_path / "out", model, formats=("tif", "gpkg"), confidence=True)
    alone = (tmp_path / "s1.tif", tmp_path / "s1.gpkg")
    confidence = tmp_path / "s1-confidence.tif"
    segment_scene(scenes / "s1.tif", settings_of(model, outs=alone, confidence=confidence))
    for path in (*alone, confidence):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("change", ["scene", "mask", "link", "settings", "model", "version", "product", "aoi"])
def test_what_has_changed_is_done_again_and_nothing_else(
    tmp_path: Path, model: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    out, values = tmp_path / "out", {}
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(model.read_bytes())
    if change == "aoi":
        aoi = tmp_path / "aoi.geojson"
        corners = [[0, 0], [0, 80], [20, 80], [20, 0], [0, 0]]
        area = {"type": "Polygon", "coordinates": [corners]}
        aoi.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": area}))
        for path in scenes.iterdir():
            make_scene(path, 70, 50, crs=None)
        values = {"aoi": aoi}
    if change == "link":
        (scenes / "s1.tif").rename(tmp_path / "far.tif")
        (scenes / "s1.tif").symlink_to(tmp_path / "far.tif")
    batch(scenes, out, mine, **values)
    expected = 3
    if change == "scene":
        make_scene(scenes / "s1.tif", 70, 50, seed=9)
        expected = 1
    elif change == "mask":
        make_scene(scenes / "s1.tif.msk", pixels=np.full((1, 50, 70), 255, np.uint8))
        expected = 1
    elif change == "link":
        make_scene(tmp_path / "other.tif", 70, 50, seed=9)
        (scenes / "s1.tif").unlink()
        (scenes / "s1.tif").symlink_to(tmp_path / "other.tif")
        expected = 1
    elif change == "settings":
        values = {"merge": "average"}
    elif change == "model":
        altered(model, mine)
    elif change == "version":
        monkeypatch.setattr("fctl_geo.run.spec.__version__", "99.0")
    elif change == "product":
        (out / "s1.tif").unlink()
        expected = 1
    elif change == "aoi":
        os.utime(aoi, (1, 1))
    summary = batch(scenes, out, mine, **values)
    assert (summary.done, summary.unchanged) == (expected, 3 - expected)


def test_threads_and_memory_are_no_change(tmp_path: Path, model: Path, scenes: Path) -> None:
    batch(scenes, tmp_path / "out", model)
    assert batch(scenes, tmp_path / "out", model, threads=2, max_memory_bytes=4 << 30).unchanged == 3


def test_the_record_tells_of_every_scene(tmp_path: Path, model: Path, scenes: Path) -> None:
    (scenes / "bad.tif").write_bytes(b"bad")
    batch(scenes, tmp_path / "out", model)
    told = rows(tmp_path / "out")
    done, bad = told["s0"], told["bad"]
    assert (done["state"], bad["state"]) == ("done", "failed")
    assert "bad.tif" in bad["error"] and bad["hint"]
    assert done["device"] == "cpu (1 thread)" and done["seconds"] > 0 and done["ended"]
    assert json.loads(done["settings"])["engine"]["tta"] == "none" and len(done["model_sha256"]) == 64
    assert json.loads(done["files"]) == [["s0.tif", (tmp_path / "out" / "s0.tif").stat().st_size]]


def test_stop_leaves_the_rest_for_the_next_call(tmp_path: Path, model: Path, scenes: Path) -> None:
    (scenes / "a-bad.tif").write_bytes(b"bad")
    summary = batch(scenes, tmp_path / "out", model, on_error="stop")
    assert (summary.done, len(summary.failed), summary.left) == (0, 1, 3)
    assert batch(scenes, tmp_path / "out", model).done == 3


def test_a_file_that_is_not_ours_is_not_replaced(tmp_path: Path, model: Path, scenes: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "s1.tif").write_text("mine")
    summary = batch(scenes, out, model)
    assert [ended.name for ended in summary.failed] == ["s1"] and "--overwrite" in summary.failed[0].hint
    assert (out / "s1.tif").read_text() == "mine"
    assert batch(scenes, out, model, overwrite=True).done == 1


def test_what_nobody_foresaw_is_one_scenes_own_failure(
    tmp_path: Path, model: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def segment(scene: str, *arguments: object, **values: object) -> object:
        if scene.endswith("s1.tif"):
            raise ZeroDivisionError("by nought")
        return segment_scene(scene, *arguments, **values)

    monkeypatch.setattr("fctl_geo.batch.scene_job.segment_scene", segment)
    summary = batch(scenes, tmp_path / "out", model)
    assert summary.done == 2 and summary.failed[0].error == "unexpected ZeroDivisionError: by nought"


def test_a_model_that_is_not_there_stops_the_whole(tmp_path: Path, scenes: Path) -> None:
    with pytest.raises(FctlError, match="neither a shipped model nor a file"):
        batch(scenes, tmp_path / "out", tmp_path / "none.safetensors")


def test_progress_goes_from_nothing_to_all_and_warns_by_name(tmp_path: Path, model: Path, scenes: Path) -> None:
    (scenes / "bad.tif").write_bytes(b"bad")
    progress = Told()
    batch(scenes, tmp_path / "out", model, progress=progress)
    assert progress.total == progress.steps == 4000 and progress.moments > 8, "live: more than once a scene"
    assert any(words.startswith("bad failed") for words in progress.warnings)


def test_cancelling_keeps_what_is_done(tmp_path: Path, model: Path, scenes: Path) -> None:
    with pytest.raises(Cancelled):
        batch(scenes, tmp_path / "out", model, progress=Told(cancel_at=1500))
    summary = batch(scenes, tmp_path / "out", model)
    assert (summary.done, summary.unchanged) == (2, 1)


def test_a_scene_that_takes_too_long_is_stopped_and_the_others_are_done(
    tmp_path: Path, model: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def segment(scene: str, settings: Settings, *, progress: Any, **values: Any) -> object:
        if scene.endswith("s1.tif"):
            progress._until_s = 0.0  # its time is over
        return segment_scene(scene, settings, progress=progress, **values)

    out = tmp_path / "out"
    with monkeypatch.context() as slow:
        slow.setattr("fctl_geo.batch.scene_job.segment_scene", segment)
        summary = batch(scenes, out, model, time_limit_s=7200.0)
    (late,) = summary.failed
    assert (summary.done, late.name) == (2, "s1") and "--time-limit" in late.hint
    assert late.error == rows(out)["s1"]["error"] == "stopped after the time limit of 120 minutes per scene"
    assert not (out / "s1.tif").exists() and not list(out.rglob(".*partial*"))
    again = batch(scenes, out, model)
    assert (again.done, again.unchanged) == (1, 2), "another limit is no change"


def test_stopping_a_batch_with_a_time_limit_stops_all_of_it(tmp_path: Path, model: Path, scenes: Path) -> None:
    with pytest.raises(Cancelled):
        batch(scenes, tmp_path / "out", model, progress=Told(cancel_at=1500), time_limit_s=7200.0)


@pytest.mark.parametrize("limit_s", [0, -1, float("nan")])
def test_a_time_limit_of_no_time_is_refused(tmp_path: Path, limit_s: float) -> None:
    with pytest.raises(SettingsError, match="time limit"):
        BatchSettings(tmp_path, time_limit_s=limit_s)


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX")
def test_a_second_batch_into_the_same_folder_is_refused(tmp_path: Path, model: Path, scenes: Path) -> None:
    class Second(Silent):
        def say(self, text: str) -> None:
            with pytest.raises(OutputError, match="another run"):
                batch(scenes, tmp_path / "out", model)
            refused.append(text)

    refused: list[str] = []
    batch(scenes, tmp_path / "out", model, progress=Second())
    assert refused


def test_the_record_survives_kill_9_and_the_next_call_ends_equal(tmp_path: Path, model: Path, scenes: Path) -> None:
    make_scene(scenes / "s9.tif", 900, 700)
    out, whole = tmp_path / "out", tmp_path / "whole"
    code = (
        "import sys; from pathlib import Path; from fctl_geo import Settings;"
        "from fctl_geo.batch.inputs import find_scenes; from fctl_geo.batch.run_batch import *;"
        "folder, out, model = sys.argv[1:];"
        "run_batch(find_scenes([folder]), BatchSettings(Path(out), ('tif',)),"
        " Settings.of(dict(model=model, device='cpu', threads=1)))"
    )
    command = [sys.executable, "-c", code, str(scenes), str(out), str(model)]
    process = subprocess.Popen(command)
    wait_for((out / ".s9.tif.fctl-work").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert {name: row["state"] for name, row in rows(out).items()} == {
        "s0": "done", "s1": "done", "s2": "done", "s9": "waiting",
    }  # fmt: skip
    assert not (out / "s9.tif").exists()
    summary = batch(scenes, out, model)
    assert (summary.done, summary.unchanged) == (1, 3)
    batch(scenes, whole, model)
    for path in whole.glob("*.tif"):
        assert (out / path.name).read_bytes() == path.read_bytes()
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [".lock", "batch.sqlite", *(p.name for p in whole.iterdir() if p.suffix in (".tif", ".qml", ".xml"))]
    ), "no work folder and no part of a file is left"


def test_a_record_that_is_none_is_refused_by_name(tmp_path: Path, model: Path, scenes: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "batch.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match=r"batch\.sqlite"):
        batch(scenes, tmp_path / "out", model)


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="dxf"):
        BatchSettings(tmp_path, formats=("dxf",))


def test_one_crew_serves_several_models(tmp_path: Path, model: Path, scenes: Path) -> None:
    other = altered(model, tmp_path / "other.safetensors")
    with LocalExecutor() as executor:
        for name in (model, other, model):
            settings = settings_of(name, outs=(tmp_path / f"{name.stem}.tif",), overwrite=True)
            segment_scene(scenes / "s0.tif", settings, executor=executor)
    settings = settings_of(model, outs=(tmp_path / "alone.tif",))
    segment_scene(scenes / "s0.tif", replace(settings))
    assert (tmp_path / "alone.tif").read_bytes() == (tmp_path / f"{model.stem}.tif").read_bytes()
    assert (tmp_path / "alone.tif").read_bytes() != (tmp_path / "other.tif").read_bytes()


def altered(model: Path, path: Path) -> Path:
    """A model that likes the first class more."""
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    tensors = load_file(model)
    tensors["segmentation.decoder.classify.bias"][0] += 3
    with safe_open(model, framework="numpy") as file:
        save_file(tensors, path, metadata=file.metadata())
    return path


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[object]:
    """Every call of a function, which does its work all the same."""
    module, _, attribute = name.rpartition(".")
    function = getattr(__import__(module, fromlist=[attribute]), attribute)
    calls: list[object] = []

    def call(*arguments: object) -> object:
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(name, call)
    return calls


def wait_for(condition: Callable[[], bool], most_s: float = 120) -> None:
    deadline = time.monotonic() + most_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


class Told(Silent):
    """Remembers what was told; asks to stop after so many steps."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.total = self.steps = self.moments = 0
        self.warnings: list[str] = []
        self.cancel_at = cancel_at

    def stage(self, name: str, total: int) -> None:
        self.total += total

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
        self.moments += 1

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.cancel_at is not None and self.steps >= self.cancel_at
