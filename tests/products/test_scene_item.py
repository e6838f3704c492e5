"""The STAC item of a scene: place, time, model, classes, and files, valid by the schemas that come with pystac."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import pytest
import rasterio
import shapely
from model_factory import make_model
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.mlm import MLMExtension
from pystac.extensions.projection import ProjectionExtension
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import OutputError
from fctl_geo.progress import Silent

SCHEMAS = {"mlm", "classification", "projection", "file"}


class Notes(Silent):
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


def segment(scene: Path, progress: Silent | None = None, **values: Any) -> tuple[pystac.Item, Path]:
    """Segment a scene into products in the folder `out` beside it; its item, valid, and that folder."""
    out = scene.parent / "out"
    out.mkdir(exist_ok=True)
    model = scene.parent / "tiny.safetensors"
    given = {
        "model": str(model if model.exists() else make_model(model)),
        "outs": (out / "town.tif", out / "town.gpkg", out / "other.geojson"),
        "confidence": out / "sure.tif",
        "stac": out / "town.json",
        "device": "cpu",
        "threads": 1,
        **values,
    }
    segment_scene(scene, Settings.of(given), progress=progress or Silent())
    item = pystac.Item.from_file(str(given["stac"]))
    assert pystac.Item.from_dict({**item.to_dict(), "stac_extensions": []}).validate(), "by the core's schemas"
    return item, out


def test_an_item_says_what_the_products_are_and_where_they_lie(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "one.tif", 90, 70)
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2018-05-01T12:30:00+02:00")
    item, out = segment(scene)
    assert (item.id, item.datetime) == ("one-tiny", datetime(2018, 5, 1, 10, 30, tzinfo=UTC))
    assert {schema.split("/")[3] for schema in item.stac_extensions} >= SCHEMAS
    assert MLMExtension.ext(item).mlm_name == "tiny" and item.assets["model"].roles == ["mlm:model"]
    assert [link.target for link in item.links if link.rel == "derived_from"] == [str(scene)]
    assert {"tif", "gpkg", "geojson", "confidence", "model"} == set(item.assets)
    outline = shapely.geometry.shape(item.geometry)
    with rasterio.open(scene) as dataset:
        lon, lat = rasterio.warp.transform(dataset.crs, "EPSG:4326", *([value] for value in dataset.xy(35, 45)))
        bounds, transform = dataset.bounds, dataset.transform
    assert outline.contains(shapely.Point(lon[0], lat[0])) and item.bbox == list(outline.bounds)
    for key, name in (
        ("tif", "town.tif"),
        ("gpkg", "town.gpkg"),
        ("geojson", "other.geojson"),
        ("confidence", "sure.tif"),
    ):
        asset = item.assets[key]
        assert asset.href == f"./{name}" and asset.media_type and asset.roles == ["data"]
        about = FileExtension.ext(asset)
        assert about.size == (out / name).stat().st_size
        assert about.checksum == "1220" + hashlib.sha256((out / name).read_bytes()).hexdigest()
        code = ProjectionExtension.ext(asset).code
        assert code == ("EPSG:4326" if key == "geojson" else "EPSG:32633")
    place = ProjectionExtension.ext(item.assets["tif"])
    assert (place.shape, place.transform, place.bbox) == ([70, 90], list(transform)[:6], list(bounds))
    assert ProjectionExtension.ext(item.assets["gpkg"]).shape is None
    classes = ClassificationExtension.ext(item.assets["gpkg"]).classes
    assert classes is not None and [c.name for c in classes][:2] == ["nothing", "a"]
    assert not ClassificationExtension.ext(item.assets["confidence"]).classes


def test_a_crs_without_a_code_is_written_out(tmp_path: Path) -> None:
    own = "+proj=tmerc +lat_0=0 +lon_0=15.3 +k=0.9996 +x_0=500000 +ellps=GRS80 +units=m"
    item, _ = segment(
        make_scene(tmp_path / "one.tif", 60, 50, crs=own), outs=(tmp_path / "out" / "a.tif",), confidence=None
    )
    about = ProjectionExtension.ext(item.assets["tif"])
    assert about.code is None and about.wkt2 is not None and "Transverse_Mercator" in about.wkt2.replace(" ", "_")


def test_a_scene_without_place_and_time_has_neither(tmp_path: Path) -> None:
    notes = Notes()
    scene = make_scene(tmp_path / "bare.tif", 60, 50, crs=None)
    item, _ = segment(scene, notes, outs=(tmp_path / "out" / "a.gpkg",), confidence=None, gsd_m=0.5)
    assert item.geometry is None and item.bbox is None
    assert item.datetime == datetime.fromtimestamp(int(scene.stat().st_mtime), UTC)
    assert any("does not say when it was taken" in text for text in notes.warned)
    fields = item.assets["gpkg"].extra_fields
    assert fields["proj:code"] is None and "proj:wkt2" not in fields


def test_an_item_that_exists_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "one.tif", 60, 50)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "town.json").write_text("mine")
    with pytest.raises(OutputError, match=r"town\.json already exists"):
        segment(scene)
    assert not (tmp_path / "out" / "town.tif").exists()
    segment(scene, overwrite=True)
    assert json.loads((tmp_path / "out" / "town.json").read_text())["type"] == "Feature"
