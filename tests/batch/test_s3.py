"""A batch whose products go to S3: whole, once, and again only when something is missing or has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pystac
import pytest
from s3_server import BUCKET, S3, running_s3, variables
from scene_factory import make_scene
from stac_factory import collection_of, item_of

from fctl_geo import Settings
from fctl_geo.batch.inputs import find_scenes
from fctl_geo.batch.run_batch import BatchSettings, BatchSummary, run_batch
from fctl_geo.batch.stac import scenes_of_items, write_results
from fctl_geo.errors import OutputError, SettingsError
from fctl_geo.storage.upload import RemotePlace

PLACE = Path("s3://maps/town/2024")


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with running_s3() as server:
        yield server


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in variables(server.address).items():
        monkeypatch.setenv(name, value)
    for key in server.objects():
        server.client.delete_object(Bucket=BUCKET, Key=key)
    return server


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in "ab":
        make_scene(tmp_path / "in" / f"{name}.tif", 70, 50, seed=ord(name))
    return tmp_path / "in"


@pytest.fixture
def settings(model: Path) -> Settings:
    return Settings.of({"model": str(model), "device": "cpu", "threads": 1})


def batch(scenes: Path, settings: Settings, **values: Any) -> BatchSummary:
    told = {"out": PLACE, "record": scenes.parent / "record", "formats": ("tif", "gpkg"), **values}
    return run_batch(find_scenes([str(scenes)]), BatchSettings(**told), settings)


def left_in(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_products_go_there_and_a_second_call_does_what_is_missing(s3: S3, scenes: Path, settings: Settings) -> None:
    (scenes / "c.tif").write_bytes(b"broken")
    first = batch(scenes, settings, confidence=True, report=True)
    assert (first.done, [ended.name for ended in first.failed]) == (2, ["c"])
    assert first.out == "s3://maps/town/2024" and "s3://maps/town/2024/a.gpkg" in first.files
    there = s3.objects()
    ours = {"a.tif", "a.tif.aux.xml", "a.qml", "a.gpkg", "a-confidence.tif", "a.html"}
    assert {key for key in there if "/b" not in key} == {f"town/2024/{name}" for name in ours}
    assert left_in(scenes.parent / "record") == {".lock", "batch.sqlite"}
    run_batch(find_scenes([str(scenes)]), BatchSettings(scenes.parent / "here", formats=("tif",)), settings)
    s3.client.download_file(BUCKET, "town/2024/b.tif", str(scenes.parent / "b.tif"))
    assert (scenes.parent / "b.tif").read_bytes() == (scenes.parent / "here" / "b.tif").read_bytes()
    second = batch(scenes, settings, confidence=True, report=True)
    assert (second.done, second.unchanged, len(second.failed)) == (0, 2, 1)
    s3.client.delete_object(Bucket=BUCKET, Key="town/2024/a.gpkg")
    make_scene(scenes / "c.tif", 40, 40)
    third = batch(scenes, settings, confidence=True, report=True)
    assert (third.done, third.unchanged, len(third.failed)) == (2, 1, 0)
    assert "town/2024/a.gpkg" in s3.objects() and s3.uploads() == 0


def test_an_object_that_is_not_ours_is_not_replaced(s3: S3, scenes: Path, settings: Settings) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="town/2024/a.tif", Body=b"mine")
    summary = batch(scenes, settings)
    assert [ended.name for ended in summary.failed] == ["a"] and "--overwrite" in summary.failed[0].hint
    assert s3.objects()["town/2024/a.tif"] == 4
    other = batch(scenes, settings, out=Path("s3://maps/elsewhere"))
    assert other.done == 2, "another place is another batch"
    assert batch(scenes, settings, overwrite=True).done == 2 and s3.objects()["town/2024/a.tif"] > 4


def test_an_upload_that_fails_is_one_scenes_failure_and_its_work_is_kept(
    s3: S3, scenes: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = RemotePlace._send

    def broken(place: RemotePlace, *arguments: Any) -> None:
        if place.local.name == "a.tif":
            raise ConnectionError("the cable is out")
        send(place, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(RemotePlace, "_send", broken)
        summary = batch(scenes, settings)
    assert (summary.done, [ended.name for ended in summary.failed]) == (1, ["a"])
    assert "the cable is out" in summary.failed[0].error
    record = scenes.parent / "record"
    assert list(record.glob(".staging/*/.a.tif.fctl-work/classes-*.tif")), "finished shards wait beside the record"
    assert batch(scenes, settings).done == 1
    assert left_in(record) == {".lock", "batch.sqlite"}


def test_results_are_items_beside_the_record(s3: S3, scenes: Path, settings: Settings) -> None:
    collection_of(scenes / "items.json", item_of("first", {"data": ("./a.tif", "image/tiff")}, published=False))
    told = BatchSettings(PLACE, record=scenes.parent / "record", formats=("tif",))
    found = scenes_of_items(str(scenes / "items.json"))
    write_results(found, told, settings.model, run_batch(found, told, settings))
    own = pystac.Item.from_file(str(scenes.parent / "record" / "first.json"))
    assert own.assets["tif"].href == "s3://maps/town/2024/first.tif"


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ({"record": None}, SettingsError, "s3://maps/town/2024 cannot hold the record"),
        ({"out": Path("here"), "record": PLACE}, SettingsError, "cannot hold the record"),
        ({"out": Path("s3://nobucket/x")}, OutputError, "there is no bucket 'nobucket'"),
        ({"out": Path("https://maps/x")}, OutputError, "cannot be written to"),
    ],
)
def test_a_place_that_cannot_be_is_told_before_the_work(
    s3: S3, scenes: Path, settings: Settings, values: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as error:
        batch(scenes, settings, **values)
    assert error.value.hint  # type: ignore[attr-defined]


def test_a_scene_that_was_replaced_on_s3_is_done_again(tmp_path: Path, model: Path, s3: S3) -> None:
    """Of the same length; and one beside which a mask appeared."""

    def put(key: str, **values: object) -> None:
        scene = make_scene(tmp_path / "scene.tif", 70, 50, compress=None, **values)
        s3.client.put_object(Bucket=BUCKET, Key=key, Body=scene.read_bytes())

    def done() -> tuple[int, int]:
        settings = Settings.of({"model": str(model), "device": "cpu", "threads": 1})
        batch = BatchSettings(tmp_path / "out", formats=("tif",))
        summary = run_batch(find_scenes(["s3://maps/in/a.tif"]), batch, settings)
        return summary.done, summary.unchanged

    put("in/a.tif")
    assert done() == (1, 0)
    assert done() == (0, 1)
    put("in/a.tif", seed=5)
    assert done() == (1, 0)
    put("in/a.tif.msk", bands=1)
    assert done() == (1, 0)
    assert done() == (0, 1)
