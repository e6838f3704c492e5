"""Layers that several scenes share, through the whole pipeline: segment, batch, and the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest
from click.testing import CliRunner
from fctl_geo_cli.main import cli
from model_factory import make_model
from postgres_server import Database
from scene_factory import make_scene

from fctl_geo import Settings, refine_raster, segment_scene
from fctl_geo.batch.inputs import find_scenes
from fctl_geo.batch.run_batch import run_batch
from fctl_geo.batch.settings import BatchSettings
from fctl_geo.errors import Cancelled, OutputError, SettingsError
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings, OutputSettings


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.5, patch_px=64)


def settings_of(model: Path, out: Path, **output: bool | str) -> Settings:
    return Settings(
        model=str(model),
        engine=EngineSettings(device="cpu", threads=1),
        output=OutputSettings(outs=(out,), **output),  # type: ignore[arg-type]
    )


def scenes_in(path: Path, layer: str) -> dict[str, int]:
    return dict(pyogrio.read_dataframe(path, layer=layer)["scene"].value_counts())


class Stages(Silent):
    def __init__(self) -> None:
        self.names: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self.names.append(name)


def test_scenes_share_a_layer_and_a_second_run_changes_nothing(tmp_path: Path, model: Path) -> None:
    scenes = [make_scene(tmp_path / f"{seed}.tif", 150, 120, seed=seed) for seed in (1, 2)]
    out = tmp_path / "all.gpkg"
    settings = settings_of(model, out, append=True, layer="cover")
    for scene in scenes:
        segment_scene(scene, settings)
    once = scenes_in(out, "cover")
    assert set(once) == {str(scene) for scene in scenes} and min(once.values()) > 0
    segment_scene(scenes[0], settings)
    assert scenes_in(out, "cover") == once
    assert [path.name for path in tmp_path.glob("*all*")] == ["all.gpkg"]


def test_a_layer_that_does_not_fit_is_refused_before_the_work(tmp_path: Path, model: Path) -> None:
    out, stages = tmp_path / "all.gpkg", Stages()
    segment_scene(make_scene(tmp_path / "a.tif", 150, 120), settings_of(model, out, append=True))
    elsewhere = make_scene(tmp_path / "b.tif", 150, 120, crs="EPSG:32632")
    with pytest.raises(OutputError, match="the polygons are in EPSG:32632"):
        segment_scene(elsewhere, settings_of(model, out, append=True), progress=stages)
    with pytest.raises(OutputError, match="already has a layer 'all'"):
        segment_scene(elsewhere, settings_of(model, out), progress=stages)
    assert stages.names == []


def test_a_batch_keeps_tables_that_were_put_into_its_products(tmp_path: Path, model: Path) -> None:
    (tmp_path / "scenes").mkdir()
    make_scene(tmp_path / "scenes" / "a.tif", 150, 120)
    scenes, batch = find_scenes([str(tmp_path / "scenes")]), BatchSettings(out=tmp_path / "out")
    settings = replace(settings_of(model, tmp_path), output=OutputSettings())
    assert run_batch(scenes, batch, settings).done == 1
    product = tmp_path / "out" / "a.gpkg"
    with closing(sqlite3.connect(product)) as database, database:
        database.execute("CREATE TABLE remarks (words TEXT)")
        database.execute("INSERT INTO remarks VALUES ('mine')")
    changed = replace(settings, polygons=replace(settings.polygons, min_area_m2=50.0))
    assert run_batch(scenes, batch, changed).done == 1
    with closing(sqlite3.connect(product)) as database:
        assert database.execute("SELECT * FROM remarks").fetchall() == [("mine",)]
    assert pyogrio.read_dataframe(product, layer="a")["area_m2"].min() >= 50


def test_the_command_line_appends(tmp_path: Path, model: Path) -> None:
    scene, out = make_scene(tmp_path / "a.tif", 150, 120), tmp_path / "all.gpkg"
    words = ["--out", str(out), "--append", "--layer", "cover", "--scene-name", "flight 7", "-q"]
    engine = ["--model", str(model), "--device", "cpu", "--threads", "1"]
    for _ in range(2):
        said = CliRunner().invoke(cli, ["segment", str(scene), *words, *engine], catch_exceptions=False)
        assert said.exit_code == 0, said.stderr
    assert set(scenes_in(out, "cover")) == {"flight 7"}
    said = CliRunner().invoke(cli, ["segment", str(scene), *words, *engine, "--overwrite"], catch_exceptions=False)
    assert said.exit_code == 1 and "append and overwrite" in said.stderr


def test_a_table_in_postgis_gets_each_scene_once_and_is_checked_before_the_work(
    tmp_path: Path, model: Path, database: Database
) -> None:
    scenes = [make_scene(tmp_path / f"{seed}.tif", 150, 120, seed=seed) for seed in (1, 2)]
    out, gpkg, stages = database.address("roofs"), tmp_path / "roofs.gpkg", Stages()
    settings = settings_of(model, out, append=True)
    for scene in (*scenes, scenes[0]):
        summary = segment_scene(scene, settings).summary
    assert [str(path).rpartition("?")[2] for path in summary.files] == ["table=roofs"]
    counts = dict(database.ask("SELECT scene, count(*) FROM roofs GROUP BY scene"))
    segment_scene(scenes[0], settings_of(model, gpkg))
    assert set(counts) == {str(scene) for scene in scenes}
    assert counts[str(scenes[0])] == pyogrio.read_info(gpkg, layer="roofs")["features"]
    ((comment,),) = database.ask("SELECT obj_description('roofs'::regclass)")
    assert "FCTL_MODEL" in comment
    elsewhere = make_scene(tmp_path / "b.tif", 150, 120, crs="EPSG:32632")
    with pytest.raises(OutputError, match="the polygons are in EPSG:32632"):
        segment_scene(elsewhere, settings, progress=stages)
    with pytest.raises(OutputError, match="table=roofs already exists"):
        segment_scene(scenes[0], settings_of(model, out), progress=stages)
    assert stages.names == []
    for wrong in (Settings(output=OutputSettings(outs=(gpkg.with_name("x.gpkg"),), confidence=out)), None):
        with pytest.raises(OutputError, match="can only hold polygons"):
            if wrong is None:
                refine_raster(gpkg, out)
            else:
                segment_scene(scenes[0], wrong)


def test_work_for_a_table_is_resumed_where_it_was(
    tmp_path: Path, model: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scene, out = make_scene(tmp_path / "a.tif", 150, 120), database.address("roofs")

    class Interrupted(Stages):
        @property
        def cancelled(self) -> bool:  # type: ignore[override]
            return "polygonise" in self.names

    with pytest.raises(Cancelled):
        segment_scene(scene, settings_of(model, out), progress=Interrupted())
    again = Stages()
    again.say = again.names.append  # type: ignore[method-assign]
    segment_scene(scene, settings_of(model, out, resume=True), progress=again)
    assert any("shards are already finished" in words for words in again.names)
    assert database.ask("SELECT count(*) > 0 FROM roofs") == [(True,)]
    assert not list(tmp_path.glob("fctl-geo-*/*")), "nothing is left where the work was"


def test_a_batch_refuses_a_table_without_its_password() -> None:
    for given in ({"out": "OUT"}, {"out": "folder", "record": "OUT"}):
        address = {k: Path(v.replace("OUT", "postgresql://u:secret@h/db?table=a")) for k, v in given.items()}
        with pytest.raises(SettingsError, match="a batch writes to a folder") as told:
            BatchSettings(**address)  # type: ignore[arg-type]
        assert "secret" not in str(told.value) and "segment" in told.value.hint
