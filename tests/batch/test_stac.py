"""STAC in, STAC out: items whose assets are scenes, results that say their model and classes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pystac
import pytest
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.mlm import MLMExtension
from scene_factory import make_scene
from stac_factory import collection_of, item_of

from fctl_geo import Settings
from fctl_geo.batch.run_batch import BatchSettings, run_batch
from fctl_geo.batch.stac import scenes_of_items, write_results
from fctl_geo.errors import SceneError

TIFF = "image/tiff; application=geotiff"


def test_the_only_raster_of_an_item_is_its_scene_and_relative_addresses_count_from_the_file(tmp_path: Path) -> None:
    item = item_of("one", {"preview": ("p.tif", TIFF), "meta": ("m.xml", "text/xml"), "b": ("deep/one.tif", TIFF)})
    item.set_self_href(None)
    (scene,) = scenes_of_items(str(collection_of(tmp_path / "items.json", item)))
    assert (scene.scene, scene.stem) == (str(tmp_path / "deep" / "one.tif"), "one")


def test_an_item_that_came_from_elsewhere_is_read_there(tmp_path: Path) -> None:
    item = item_of("one", {"b": ("./one.tif", TIFF)})
    (scene,) = scenes_of_items(str(collection_of(tmp_path / "items.json", item)))
    assert scene.scene == "https://example.org/one.tif"


def test_of_several_rasters_the_picture_is_taken_or_the_one_that_is_named(tmp_path: Path) -> None:
    assets = {"dem": ("/d.tif", TIFF), "visual": ("/v.tif", TIFF), "data": ("/x.tif", TIFF)}
    path = str(collection_of(tmp_path / "items.json", item_of("one", assets)))
    assert scenes_of_items(path)[0].scene.endswith("/v.tif")
    assert scenes_of_items(path, "dem")[0].scene.endswith("/d.tif")
    with pytest.raises(SceneError, match="no asset 'nir'"):
        scenes_of_items(path, "nir")


def test_an_item_that_leaves_it_open_is_refused_with_its_rasters(tmp_path: Path) -> None:
    path = collection_of(tmp_path / "i.json", item_of("one", {"B02": ("/2.tif", TIFF), "B03": ("/3.tif", TIFF)}))
    with pytest.raises(SceneError, match="B02, B03") as caught:
        scenes_of_items(str(path))
    assert "--asset" in caught.value.hint


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"type": "FeatureCollection", "features": []}', '{"type": 1}'])
def test_what_is_no_item_collection_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "items.json"
    path.write_text(content)
    with pytest.raises(SceneError, match=r"items\.json"):
        scenes_of_items(str(path))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_collection_on_a_server_is_read_and_what_is_not_there_is_told(tmp_path: Path) -> None:
    item = item_of("one", {"b": ("one.tif", TIFF)})
    item.set_self_href(None)
    collection_of(tmp_path / "items.json", item)
    with served(tmp_path) as address:
        (scene,) = scenes_of_items(f"{address}/items.json")
        assert scene.scene == f"{address}/one.tif"
        with pytest.raises(SceneError, match="404"):
            scenes_of_items(f"{address}/other.json")


def test_a_silent_server_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fctl_geo.batch.stac._SILENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SceneError, match="timed out"):
        scenes_of_items(f"http://127.0.0.1:{silent.getsockname()[1]}/items.json")


def test_results_are_items_that_say_model_and_classes(tmp_path: Path, model: Path) -> None:
    make_scene(tmp_path / "one.tif", 90, 70)
    items = [item_of(name, {"data": ((tmp_path / f"{name}.tif").as_uri(), TIFF)}) for name in ("one", "gone")]
    scenes = scenes_of_items(str(collection_of(tmp_path / "items.json", *items)))
    out = tmp_path / "out"
    batch = BatchSettings(out, formats=("tif", "gpkg"), template="deep/{stem}")
    settings = Settings.of({"model": str(model), "device": "cpu", "threads": 1})
    summary = run_batch(scenes, batch, settings)
    assert (summary.done, [ended.name for ended in summary.failed]) == (1, ["deep/gone"])
    write_results(scenes, batch, str(model), summary)
    told = json.loads((out / "items.json").read_text())
    (item,) = pystac.ItemCollection.from_dict(told).items
    assert (item.datetime, item.bbox) == (datetime(2024, 5, 1, tzinfo=UTC), [15, 41, 16, 42])
    assert item.assets["tif"].href == "./deep/one.tif" and item.assets["gpkg"].href == "./deep/one.gpkg"
    assert [link.target for link in item.links if link.rel == "derived_from"] == ["https://example.org/one.json"]
    described = MLMExtension.ext(item)
    assert (described.mlm_name, described.architecture) == ("tiny", "fctl-lite")
    assert item.assets["model"].roles == ["mlm:model"] and item.assets["model"].extra_fields["mlm:artifact_type"]
    classes = ClassificationExtension.ext(item.assets["tif"]).classes
    assert classes is not None
    assert [(c.value, c.name, c.color_hint) for c in classes][:2] == [(0, "nothing", "E6E6E6"), (1, "a", "D64541")]
    assert item.to_dict()["stac_extensions"], "whose schemas lie elsewhere; the core's come with pystac"
    assert pystac.Item.from_dict({**item.to_dict(), "stac_extensions": []}).validate()
    own = pystac.Item.from_file(str(out / "deep" / "one.json"))
    assert own.assets["tif"].href == "./one.tif"
    assert Path(own.assets["tif"].get_absolute_href() or "").exists()
