"""What a run depends on: which changes cost the finished shards, which the products alone, and how it is told."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from model_factory import make_model
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import FctlError, OutputError
from fctl_geo.progress import Silent
from fctl_geo.run.executor import LocalExecutor
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.open import open_run
from fctl_geo.run.spec import RunSpec
from fctl_geo.settings import EngineSettings, PolygonSettings, SceneSettings

CPU = Hardware("cpu", "fp32", "a CPU", arithmetic="torch 1, AVX2")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "a.safetensors", refine=False)


def spec(
    scene: str | Path, model: Path, hardware: Hardware = CPU, progress: Silent | None = None, **values: Any
) -> RunSpec:
    settings = Settings.of({"model": str(model), **values})
    with open_run(scene, settings, hardware, progress or Silent()) as run:
        return run.spec


def make_area(path: Path, size_m: float = 30.0) -> Path:
    west, north = 500_000, 4_600_000
    ring = [
        [west, north],
        [west + size_m, north],
        [west + size_m, north - size_m],
        [west, north - size_m],
        [west, north],
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [shape]}))
    return path


def test_what_changes_a_shard_changes_its_key(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 300, bands=4, colors=("red", "green", "blue", "nir"))
    finer, other = make_model(tmp_path / "gsd.safetensors", gsd_m=0.9), make_model(tmp_path / "b.safetensors", seed=4)
    west, north = 500_000, 4_600_000
    boxes = [(west, north - 20, west + 20, north), (west + 3, north - 20, west + 23, north)]
    area = make_area(tmp_path / "area.geojson")
    seen = {
        "as it is": spec(scene, model),
        "model": spec(scene, other),
        "device": spec(scene, model, Hardware("cuda", "fp32", "a GPU")),
        "precision": spec(scene, model, Hardware("cpu", "bf16", "a CPU")),
        "backend": spec(scene, model, Hardware("cpu", "fp32", "a CPU", backend="onnx")),
        "bands": spec(scene, model, bands=("nir", "red", "green")),
        "merge": spec(scene, model, merge="montage"),
        "tta": spec(scene, model, tta="flips"),
        "refine": spec(scene, model, refine=True),
        "box": spec(scene, model, bbox=boxes[0]),
        "box of the same size beside it": spec(scene, model, bbox=boxes[1]),
        "aoi": spec(scene, model, aoi=area),
        "a model with a ground size": spec(scene, finer),
        "on that model's grid": spec(scene, finer, grid="model"),
        "at another ground size": spec(make_scene(tmp_path / "nowhere.tif", crs=None), finer, gsd_m=0.2),
        "and another": spec(tmp_path / "nowhere.tif", finer, gsd_m=0.5),
    }
    make_area(area, 40.0)
    seen["an aoi that was drawn again"] = spec(scene, model, aoi=area)
    os.utime(scene, ns=(0, 0))
    seen["a scene that was written again"] = spec(scene, model)
    assert len({one.shard_key for one in seen.values()}) == len(seen)
    assert len({one.product_key for one in seen.values()}) == len(seen)


@pytest.mark.parametrize(
    "values",
    [
        {"min_area_m2": 20.0},
        {"simplify_m": 0.5},
        {"square": "90"},
        {"classes": ("a",)},
        {"separate": ("a",)},
        {"neck_m": 2.0},
        {"separate": False},
        {"gsd_m": 0.25},
        {"bands": ("red", "green", "blue")},
        {"allow_external": True},
        {"merge": "blend"},
        {"refine": False},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_changes_no_shard_leaves_its_key(tmp_path: Path, model: Path, values: dict[str, Any]) -> None:
    """The model asks for no ground size, so --gsd changes areas alone; the last ones are what it recommends."""
    scene = make_scene(tmp_path / "scene.tif")
    before, now = spec(scene, model), spec(scene, model, **values)
    assert before.shard_key == now.shard_key
    same = set(values) <= {"merge", "refine"} or values == {"separate": False}
    assert (before.product_key == now.product_key) == same


def test_neither_speed_nor_machine_changes_a_key(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif")
    many = Hardware("cpu", "fp32", "another CPU", threads=7, arithmetic="torch 1, AVX512")
    one, other = spec(scene, model), spec(scene, model, many, threads=7, max_memory_bytes=8 << 30)
    assert (one.shard_key, one.inputs.product_key) == (other.shard_key, other.inputs.product_key)
    assert replace(other, arithmetic=one.arithmetic) == one


def test_products_record_every_setting_that_changes_them(tmp_path: Path, model: Path) -> None:
    """But for the area of interest, a file that may be anywhere."""
    scene = make_scene(tmp_path / "scene.tif", 100, 80)
    recorded = json.loads(spec(scene, model, mask="nodata=7", max_vertices=99).metadata["FCTL_SETTINGS"])
    assert (recorded["mask"], recorded["max_vertices"]) == ("nodata=7", 99)
    names = {field.name for of in (SceneSettings, EngineSettings, PolygonSettings) for field in fields(of)}
    assert names - set(recorded) == {"aoi", "allow_external", "batch_size", "threads", "max_memory_bytes"}


def test_a_spec_survives_the_way_to_another_process(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", dtype="float32", nodata=float("nan"))
    here = spec(scene, model, aoi=make_area(tmp_path / "area.geojson"))
    there = pickle.loads(pickle.dumps(here))
    assert there == here
    assert hash(there) == hash(here)
    assert there.shard_key == here.shard_key


def add_mask(scene: Path) -> None:
    with (
        warnings.catch_warnings(action="ignore"),
        rasterio.open(f"{scene}.msk", "w", driver="GTiff", width=200, height=160, count=1, dtype="uint8") as mask,
    ):
        mask.write(np.full((160, 200), 255, np.uint8), 1)
        mask.update_tags(INTERNAL_MASK_FLAGS_1="2")


def add_overview(scene: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        make_scene(Path(f"{scene}.ovr"), 100, 80, crs=None)


WORLD = "0.1\n0\n0\n-0.1\n500000.05\n4600000\n"
BESIDE: dict[str, Callable[[Path], object]] = {
    "scene.tif.msk": add_mask,
    "scene.tif.ovr": add_overview,
    "scene.tfw": lambda scene: scene.with_suffix(".tfw").write_text(WORLD),
    "scene.wld": lambda scene: scene.with_suffix(".wld").write_text(WORLD),
    "scene.tif.aux.xml": lambda scene: Path(f"{scene}.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32633</SRS></PAMDataset>"
    ),
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("source", ["scene.tif", "mosaic.vrt", "outer.vrt"])
def test_a_file_that_appears_beside_the_scene_is_noticed(tmp_path: Path, model: Path, source: str, name: str) -> None:
    """Beside the scene itself, a source of a VRT, a source of its source."""
    scene = make_scene(tmp_path / "scene.tif", crs=None)
    with warnings.catch_warnings(action="ignore"):
        rasterio.shutil.copy(str(scene), str(tmp_path / "mosaic.vrt"), driver="VRT")
    outer = (tmp_path / "mosaic.vrt").read_text("utf-8").replace(">scene.tif<", ">mosaic.vrt<")
    (tmp_path / "outer.vrt").write_text(outer, "utf-8")
    before = spec(tmp_path / source, model, gsd_m=0.3)
    BESIDE[name](scene)
    now = spec(tmp_path / source, model, gsd_m=0.3)
    assert before.shard_key != now.shard_key
    assert {Path(file.name).name for file in now.inputs.scene} - {
        Path(file.name).name for file in before.inputs.scene
    } == {name}


def test_the_header_of_a_raw_raster_is_part_of_it(tmp_path: Path, model: Path) -> None:
    rasterio.shutil.copy(str(make_scene(tmp_path / "a.tif")), str(tmp_path / "raw.dat"), driver="ENVI")
    before = spec(tmp_path / "raw.dat", model)
    header = tmp_path / "raw.hdr"
    header.write_text(header.read_text().replace("raw.dat", "raw.dat "))
    os.utime(header, ns=(1, 1))
    assert spec(tmp_path / "raw.dat", model).shard_key != before.shard_key


def test_files_that_only_share_the_name_are_none_of_the_scene(tmp_path: Path, model: Path) -> None:
    scene, area = make_scene(tmp_path / "town.tif"), make_area(tmp_path / "town.geojson")
    before = spec(scene, model, aoi=area)
    for name in ("town.gpkg", "town.qml", "town.dbf", "town2.tif.msk", "town.tif.qml"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "town.tif-wal").write_bytes(b"")
    assert spec(scene, model, aoi=area) == before


def test_a_shapefile_is_all_of_its_files(tmp_path: Path, model: Path) -> None:
    import geopandas

    scene = make_scene(tmp_path / "scene.tif")
    geopandas.read_file(make_area(tmp_path / "a.geojson")).to_file(tmp_path / "area.shp")
    before = spec(scene, model, aoi=tmp_path / "area.shp")
    assert {Path(file.name).suffix for file in before.inputs.area} == {".shp", ".dbf", ".shx", ".prj", ".cpg"}
    os.utime(tmp_path / "area.prj", ns=(1, 1))
    assert spec(scene, model, aoi=tmp_path / "area.shp").shard_key != before.shard_key


def test_a_scene_that_was_replaced_on_its_server_is_noticed(tmp_path: Path, model: Path) -> None:
    """Of the same length, so that its ETag alone tells."""
    plain = {"width": 90, "height": 80, "compress": None}
    scene, other = make_scene(tmp_path / "a.tif", **plain), make_scene(tmp_path / "b.tif", seed=4, **plain)
    assert scene.stat().st_size == other.stat().st_size
    command = [sys.executable, str(Path(__file__).parents[1] / "scene" / "range_server.py"), str(scene)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            before = spec(f"{address}/scene.tif", model)
            assert spec(f"{address}/scene.tif", model) == before
            with urllib.request.urlopen(f"{address}/put", data=str(other).encode()):
                pass
            assert spec(f"{address}/scene.tif", model).shard_key != before.shard_key
        finally:
            process.terminate()


class Counting(LocalExecutor):
    """Counts the shards that it is asked to compute."""

    def __init__(self) -> None:
        super().__init__()
        self.shards = 0

    def write(self, run: Any, step: Any, runs: Sequence[Sequence[Any]], *rest: Any, **named: Any) -> None:
        self.shards += sum(map(len, runs))
        super().write(run, step, runs, *rest, **named)


def segment(scene: Path, model: Path, **values: Any) -> int:
    """How many shards were computed."""
    out = scene.with_name("out.gpkg")
    settings = Settings.of(
        {"model": str(model), "outs": (out,), "device": "cpu", "threads": 1, "overwrite": True, **values}
    )
    with Counting() as executor:
        try:
            segment_scene(scene, settings, executor=executor)
        finally:
            segment.shards = executor.shards  # type: ignore[attr-defined]
    return executor.shards


def fail_late(scene: Path, model: Path, monkeypatch: pytest.MonkeyPatch, **values: Any) -> FctlError:
    """A run whose polygons fail after its shards are finished."""

    def broken(*_: object, **__: object) -> None:
        raise OutputError("a polygon is too large", hint="raise --min-area")

    with monkeypatch.context() as patch:
        patch.setattr("fctl_geo.products.publish.write_polygons", broken)
        with pytest.raises(OutputError) as caught:
            segment(scene, model, **values)
    assert segment.shards > 0  # type: ignore[attr-defined]
    return caught.value


@pytest.mark.parametrize("values", [{"min_area_m2": 2.0}, {"simplify_m": 0.5, "classes": ("a",)}, {"max_vertices": 30}])
def test_polygon_settings_may_change_when_a_run_is_resumed(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    """And the products are those of a run that had the settings from the start."""
    scene = make_scene(tmp_path / "scene.tif", 100, 80)
    error = fail_late(scene, model, monkeypatch)
    assert error.hint.startswith("raise --min-area; ")
    assert "run again with --resume (--min-area, --simplify, --max-vertices, --classes and" in error.hint
    assert segment(scene, model, resume=True, **values) == 0, "no shard is computed again"
    resumed = (tmp_path / "out.gpkg").read_bytes()
    assert segment(scene, model, **values) > 0
    assert (tmp_path / "out.gpkg").read_bytes() == resumed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda scene: (shutil.copy(scene, f"{scene}.msk"), {})[1],
            "the scene has a new file scene.tif.msk since",
        ),
        (lambda scene: (os.utime(scene, ns=(0, 0)), {})[1], "the scene has changed: scene.tif since"),
        (lambda _: {"merge": "montage"}, "merge was 'blend' and is now 'montage'"),
        (lambda _: {"bbox": (500_000, 4_599_990, 500_010, 4_600_000)}, "bbox was not set and is now"),
    ],
    ids=["mask", "scene", "merge", "bbox"],
)
def test_a_refused_resume_says_what_differs(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], dict[str, Any]], words: str
) -> None:
    scene = make_scene(tmp_path / "scene.tif", 100, 80)
    fail_late(scene, model, monkeypatch)
    values = change(scene)
    shards = sorted((tmp_path / ".out.gpkg.fctl-work").glob("classes-r*.tif"))
    with pytest.raises(OutputError, match=words):
        segment(scene, model, resume=True, **values)
    assert sorted((tmp_path / ".out.gpkg.fctl-work").glob("classes-r*.tif")) == shards, "they are kept"


def test_resuming_with_other_instructions_is_warned_of(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hearing(Silent):
        words = ""

        def warn(self, text: str) -> None:
            self.words += text

    scene, heard = make_scene(tmp_path / "scene.tif", 100, 80), Hearing()
    fail_late(scene, model, monkeypatch)
    monkeypatch.setattr("fctl_geo.model.torch_device.TorchDevice.arithmetic", "torch 9, AVX1024")
    out = scene.with_name("out.gpkg")
    values = {"model": str(model), "outs": (out,), "device": "cpu", "threads": 1, "resume": True}
    segment_scene(scene, Settings.of(values), progress=heard)
    assert "the others will be computed by torch 9, AVX1024" in heard.words
