"""Scenes, areas and products elsewhere, with real servers."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from model_factory import make_model
from s3_server import BUCKET, S3, running_s3, variables
from scene_factory import make_pixels, make_scene
from shapely.geometry import box

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import Cancelled, OutputError, ReadError, SceneError
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Silent
from fctl_geo.scene import open_scene
from fctl_geo.spec import InputSpec
from fctl_geo.storage.upload import RemotePlace
from fctl_geo.windows.window import Window

OUT = "s3://maps/out/cover.gpkg"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3)


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with running_s3() as server:
        yield server


@pytest.fixture
def s3(server: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in variables(server.address).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for key in server.objects():
        server.client.delete_object(Bucket=BUCKET, Key=key)
    return server


def segment(scene: Path | str, *outs: Path | str, model: Path, **settings: object) -> RunSummary:
    paths = tuple(Path(out) for out in outs)
    values = {"model": str(model), "outs": paths, "device": "cpu", "threads": 1, **settings}
    return segment_scene(scene, Settings.of(values)).summary


def left_here() -> list[str]:
    folder = Path(tempfile.gettempdir())
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]


def test_a_scene_and_an_area_on_s3_give_the_bytes_that_files_give(s3: S3, tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 400, 300)
    aoi = tmp_path / "aoi.gpkg"
    geopandas.GeoDataFrame(geometry=[box(500_010, 4_599_940, 500_080, 4_599_990)], crs="EPSG:32633").to_file(aoi)
    for path in (scene, aoi):
        s3.client.upload_file(str(path), BUCKET, f"in/{path.name}")
    segment(scene, tmp_path / "here.tif", model=model, aoi=aoi)
    segment("s3://maps/in/scene.tif", tmp_path / "there.tif", model=model, aoi=Path("s3://maps/in/aoi.gpkg"))
    assert (tmp_path / "here.tif").read_bytes() == (tmp_path / "there.tif").read_bytes()


def test_a_window_of_a_scene_on_s3_costs_its_blocks_and_a_few_requests(s3: S3, tmp_path: Path) -> None:
    path = make_scene(tmp_path / "scene.tif", 1500, 1400, block=256, compress=None, overviews=(2, 4))
    s3.client.upload_file(str(path), BUCKET, "in/scene.tif")
    begun = s3.served
    with open_scene("s3://maps/in/scene.tif", InputSpec()) as scene:
        opened = s3.served
        tile = scene.read(Window(700, 600, 90, 80))
        after = s3.served
        scene.read(Window(705, 605, 80, 70))
        assert s3.served == after, "what was fetched is not fetched again"
    np.testing.assert_array_equal(tile.pixels, make_pixels(3, 1400, 1500)[:, 700:790, 600:680])
    blocks = 2 * 1 * 3  # the window meets 2 blocks of each of the 3 bands
    assert opened["bytes"] - begun["bytes"] <= 8 * 32768, "opening reads headers only"
    assert blocks * 256 * 256 <= after["bytes"] - opened["bytes"] <= blocks * (256 * 256 + 2 * 16384)
    assert after["requests"] - opened["requests"] <= blocks + 4
    assert opened["requests"] - begun["requests"] <= 32, "few names are looked for beside it"
    assert after["bytes"] - begun["bytes"] < path.stat().st_size / 10


@pytest.mark.parametrize(
    ("address", "words"), [("s3://maps/no.tif", "does not exist"), ("s3://nomaps/a.tif", "bucket")]
)
def test_a_scene_that_is_not_there_is_told(s3: S3, tmp_path: Path, model: Path, address: str, words: str) -> None:
    with pytest.raises(SceneError, match=words):
        segment(address, tmp_path / "a.tif", model=model)


def test_products_go_to_s3_whole_with_their_companions(s3: S3, tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 400, 300)
    summary = segment(scene, OUT, "s3://maps/out/cover.tif", "s3://maps/c.parquet", tmp_path / "here.tif", model=model)
    assert set(s3.objects()) == {
        "out/cover.gpkg", "out/cover.tif", "out/cover.tif.aux.xml", "out/cover.qml", "c.parquet", "c.qml",
    }  # fmt: skip
    assert summary.files[0] == OUT and OUT in summary.to_json()
    s3.client.download_file(BUCKET, "out/cover.tif", str(tmp_path / "again.tif"))
    assert (tmp_path / "again.tif").read_bytes() == (tmp_path / "here.tif").read_bytes()
    assert left_here() == [] and s3.uploads() == 0


def test_a_large_product_is_uploaded_in_parts(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fctl_geo.storage.upload._PART_BYTES", 5 << 20)
    place = RemotePlace.of(Path("s3://maps/large.tif"))
    assert place is not None
    place.local.write_bytes(bytes(range(256)) * (48 << 10))
    place.upload(Silent())
    head = s3.client.head_object(Bucket=BUCKET, Key="large.tif")
    assert head["ContentLength"] == 12 << 20 and head["ETag"].strip('"').endswith("-3"), "three parts"
    assert head["ContentType"].startswith("image/tiff")


def test_an_upload_that_is_stopped_leaves_nothing_there(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fctl_geo.storage.upload._PART_BYTES", 5 << 20)
    place = RemotePlace.of(Path("s3://maps/large.tif"))
    assert place is not None
    place.local.write_bytes(bytes(12 << 20))

    class Stop(Silent):
        cancelled = True

    with pytest.raises(Cancelled):
        place.upload(Stop())
    with warnings.catch_warnings():  # boto3 leaves the part that it was reading to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert s3.objects() == {} and s3.uploads() == 0
    assert place.local.exists(), "what was made is not lost"


def test_what_exists_there_is_replaced_only_when_asked(s3: S3, tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 200, 200)
    s3.client.put_object(Bucket=BUCKET, Key="out/cover.gpkg", Body=b"old")
    with pytest.raises(OutputError, match="already exists"):
        segment(scene, OUT, model=model)
    assert s3.objects() == {"out/cover.gpkg": 3} and s3.uploads() == 0
    segment(scene, OUT, model=model, overwrite=True)
    assert s3.objects()["out/cover.gpkg"] > 3


@pytest.mark.parametrize(
    ("variables", "address", "words"),
    [
        ({}, "s3://nobucket/x.gpkg", "there is no bucket 'nobucket'"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, OUT, "needs keys"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, OUT, "cannot be written.*127.0.0.1:9"),
        ({}, "s3://maps", "cannot be written to"),
        ({}, "https://maps/x.gpkg", "cannot be written to"),
    ],
)
def test_what_could_not_be_uploaded_is_told_before_the_work(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None], address: str, words: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(OutputError, match=words) as error:
        segment(tmp_path / "no-scene-is-opened.tif", address, model=Path("nor a model"))
    assert error.value.hint
    assert left_here() == []


def test_an_upload_that_fails_is_gone_on_with_by_resume(
    s3: S3, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(tmp_path / "scene.tif", 400, 300)
    with monkeypatch.context() as broken:
        broken.setattr(RemotePlace, "_send", lambda *_: (_ for _ in ()).throw(ConnectionError("the cable is out")))
        with pytest.raises(OutputError, match=r"the cable is out") as error:
            segment(scene, OUT, model=model)
    assert "--resume" in error.value.hint and s3.objects() == {}
    done_before: list[str] = []

    class Told(Silent):
        def say(self, text: str) -> None:
            done_before.append(text)

    values = {"model": str(model), "outs": (Path(OUT),), "device": "cpu", "threads": 1, "resume": True}
    segment_scene(scene, Settings.of(values), progress=Told())
    assert any("shards are already finished" in text for text in done_before)
    assert "out/cover.gpkg" in s3.objects() and left_here() == []
    with rasterio.open(scene) as source:
        assert source.count == 3


def test_a_run_whose_connection_drops_goes_on_with_resume(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fctl_geo.run.shard_size.SHARD_PX", 256)
    monkeypatch.setattr("fctl_geo.scene.source._RETRIES_AFTER_S", (0.01,))
    scene = make_scene(tmp_path / "scene.tif", 256, 1500, compress=None, interleave="pixel")
    segment(scene, tmp_path / "here.tif", model=model)
    server = Path(__file__).parent / "scene" / "range_server.py"
    with subprocess.Popen([sys.executable, str(server), str(scene)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            with pytest.raises(ReadError, match="was interrupted") as error:
                segment(f"{address}/dying/scene.tif", tmp_path / "there.tif", model=model)
            assert "--resume" in error.value.hint
            assert list((tmp_path / ".there.tif.fctl-work").glob("*.json")), "finished shards are kept"
            with urllib.request.urlopen(f"{address}/heal"):
                pass
            segment(f"{address}/dying/scene.tif", tmp_path / "there.tif", model=model, resume=True)
        finally:
            process.terminate()
    assert (tmp_path / "there.tif").read_bytes() == (tmp_path / "here.tif").read_bytes()
