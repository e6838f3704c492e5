"""Products read back with pyogrio, geopandas, pyarrow and sqlite3; whole, equal byte for byte, or not there."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from fctl_geo.errors import Cancelled, OutputError
from fctl_geo.polygons.trace import CutRegions, PolygonBatch
from fctl_geo.products import temporary_polygons as spool_module
from fctl_geo.products.geopackage import CREATED, layer_name
from fctl_geo.products.temporary_polygons import PolygonFile, schema_of, write_polygon_file
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.products.vector_writer import check_crs, write_products
from fctl_geo.progress import Silent
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.storage.outputs import check_outputs
from fctl_geo.storage.whole_files import write_failure

LEGEND = Legend((ClassInfo(1, "building", (200, 0, 0)), ClassInfo(2, "wasser & ufer", (0, 0, 200))))
UTM = CRS("EPSG:32633").to_wkt()
LAYER = VectorLayer(UTM, "m2", LEGEND, LEGEND, {"model": "buildings 1.0", "settings": '{"min_area_m2": 5}'})
ENDINGS = ("gpkg", "fgb", "parquet", "geojson", "geojsonl", "geojsons", "shp")
TILES = ("mbtiles", "pmtiles")
IN_DEGREES = ("geojson", "geojsonl", "geojsons")


def make_batch(count: int, first: int = 0) -> PolygonBatch:
    """Boxes of 7 x 5 m in a row, every third one with a hole, every second one without a confidence."""
    i = np.arange(first, first + count)
    x, y = 500_000 + 10.0 * i, np.full(count, 5_400_000.0)
    boxes = shapely.box(x, y, x + 7, y + 5)
    with_holes = shapely.difference(boxes, shapely.box(x + 2, y + 2, x + 3, y + 3))
    wkb = [shapely.to_wkb(g) for g in np.where(i % 3 == 0, with_holes, boxes)]
    return PolygonBatch(
        wkb=np.frombuffer(b"".join(wkb), np.uint8),
        offsets=np.concatenate([[0], np.cumsum([len(w) for w in wkb])]).astype(np.int64),
        class_id=(1 + i % 2).astype(np.uint8),
        pixels=np.full(count, 35),
        area_m2=35.25 - (i % 3 == 0),
        confidence=np.where(i % 2 == 0, i % 100, np.nan).astype(np.float32),
        object_id=i,
        outline=np.zeros(count, np.uint8),
        outline_iou=np.full(count, np.nan, np.float32),
    )


def make_batches(count: int, size: int) -> Iterator[PolygonBatch]:
    for first in range(0, count, size):
        yield make_batch(min(size, count - first), first)


def make_polygon_file(folder: Path, count: int = 10, size: int = 4) -> PolygonFile:
    path = folder / f"polygons-{count}-{size}.arrows"
    batches = make_batches(count, size)
    return write_polygon_file(batches, path, legend=LEGEND, unit="m2", cut=CutRegions(), final=folder / "out.gpkg")


def write(folder: Path, *names: str, polygon_file: PolygonFile | None = None, layer: VectorLayer = LAYER) -> list[Path]:
    outs = [folder / name for name in names]
    write_products(polygon_file or make_polygon_file(folder), outs, layer, Silent(), overwrite=False)
    return outs


def read(path: Path) -> geopandas.GeoDataFrame:
    if path.suffix == ".parquet":
        return geopandas.read_parquet(path)
    return geopandas.read_file(path, layer=path.stem if path.suffix == ".shp" else layer_name(path))


class Listener(Silent):
    """Remembers what was said, and cancels after some steps."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.told: list[str] = []
        self.steps = 0
        self._cancel_after = cancel_after

    def say(self, text: str) -> None:
        self.told.append(text)

    warn = say

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self._cancel_after is not None and self.steps >= self._cancel_after


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_product_has_all_polygons_and_columns(tmp_path: Path, ending: str) -> None:
    (out,) = write(tmp_path, f"roofs.{ending}")
    frame = read(out).sort_values("area_m2", kind="stable")
    if ending in IN_DEGREES:
        assert frame.crs == "EPSG:4326"
        frame = frame.to_crs(UTM)
    batch = make_batch(10)
    assert frame.crs == UTM
    assert set(frame.columns) == {"class_id", "class_name", "area_m2", "confidence", "object_id", "geometry"}
    order = shapely.get_coordinates(shapely.centroid(frame.geometry.array))[:, 0].argsort()
    frame = frame.iloc[order]
    wanted = shapely.from_wkb(
        [batch.wkb[i:j].tobytes() for i, j in zip(batch.offsets, batch.offsets[1:], strict=False)]
    )
    found = shapely.set_precision(frame.geometry.array, 0.01)  # GeoJSON's digits are 1 mm
    assert shapely.equals_exact(shapely.normalize(found), shapely.normalize(wanted), 1e-6).all()
    assert frame["class_id"].tolist() == batch.class_id.tolist()
    assert frame["class_name"].tolist() == ["building", "wasser & ufer"] * 5
    assert frame["area_m2"].tolist() == batch.area_m2.tolist()
    assert np.array_equal(frame["confidence"].to_numpy(np.float32), batch.confidence, equal_nan=True)
    if ending != "parquet":
        info = pyogrio.read_info(out, layer="roofs")
        assert (info["layer_name"], info["geometry_type"]) == ("roofs", "Polygon")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_result_without_polygons_is_an_empty_product(tmp_path: Path, ending: str) -> None:
    (out,) = write(tmp_path, f"none.{ending}", polygon_file=make_polygon_file(tmp_path, count=0))
    if ending in ("geojsonl", "geojsons"):  # a line, or a record, for each feature and nothing else
        assert out.read_bytes() == b""
    else:
        assert len(read(out)) == 0


@pytest.mark.parametrize("ending", [*ENDINGS, *TILES])
def test_bytes_do_not_depend_on_the_tracers_batches(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "CHUNK_ROWS", 16)
    contents = set()
    for size in (1, 7, 50):
        folder = tmp_path / str(size)
        folder.mkdir()
        (out,) = write(folder, f"same.{ending}", polygon_file=make_polygon_file(folder, 50, size))
        contents.add(out.read_bytes())
    assert len(contents) == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 20), st.integers(100, 2000))
def test_chunks_depend_only_on_the_polygons(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], rows: int, size: int
) -> None:
    def chunk_rows(batches: list[PolygonBatch]) -> list[int]:
        return [chunk.num_rows for chunk in spool_module._chunks(batches, LEGEND, schema_of("m2"))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool_module, "CHUNK_ROWS", rows)
        patch.setattr(spool_module, "CHUNK_BYTES", size)
        firsts = np.cumsum([0, *sizes]).tolist()
        pieces = [make_batch(n, first) for n, first in zip(sizes, firsts, strict=False)]
        assert chunk_rows(pieces) == chunk_rows([make_batch(sum(sizes))])
        assert sum(chunk_rows(pieces)) == sum(sizes)
        assert max(chunk_rows(pieces)) <= rows


def test_a_geopackage_is_valid_indexed_and_styled(tmp_path: Path) -> None:
    (out,) = write(tmp_path, "roofs.gpkg")
    with closing(sqlite3.connect(out)) as db:
        assert db.execute("PRAGMA application_id").fetchone()[0] == 0x47504B47  # 'GPKG'
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        contents = dict(db.execute("SELECT table_name, data_type FROM gpkg_contents"))
        assert contents == {"roofs": "features", "layer_styles": "attributes"}
        assert db.execute("SELECT count(*) FROM rtree_roofs_geom").fetchone() == (10,)
        times = db.execute("SELECT last_change FROM gpkg_contents UNION SELECT timestamp FROM gpkg_metadata_reference")
        assert {row[0] for row in times} == {CREATED}
        style = db.execute(
            "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, useAsDefault, update_time, "
            "styleQML, styleSLD FROM layer_styles"
        ).fetchall()
    assert [row[:6] for row in style] == [("", "", "roofs", "geom", 1, CREATED)]
    assert "categorizedSymbol" in style[0][6] and "wasser &amp; ufer" in style[0][7]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["polygons-10-4.arrows", "roofs.gpkg"]


def test_metadata_is_in_every_product_that_can_hold_it(tmp_path: Path) -> None:
    gpkg, fgb, parquet, geojson = write(tmp_path, *(f"m.{ending}" for ending in ENDINGS[:4]))
    for out in (gpkg, fgb):
        assert LAYER.metadata.items() <= pyogrio.read_info(out, layer="m")["layer_metadata"].items()
    assert pq.read_schema(parquet).metadata[b"model"] == b"buildings 1.0"
    assert json.loads(json.loads(geojson.read_text())["description"]) == LAYER.metadata
    for out in write(tmp_path, *(f"m.{ending}" for ending in TILES)):
        assert json.loads(pyogrio.read_info(out)["dataset_metadata"]["description"]) == LAYER.metadata


def test_a_geoparquet_says_all_that_the_standard_asks(tmp_path: Path) -> None:
    (out,) = write(tmp_path, "a.parquet")
    file = pq.ParquetFile(out)
    geo = json.loads(file.metadata.metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], geo["primary_column"], column["encoding"]) == ("1.1.0", "geometry", "WKB")
    assert column["geometry_types"] == ["Polygon"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 32633}
    assert column["bbox"] == [500_000, 5_400_000, 500_097, 5_400_005]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    found = geopandas.read_parquet(out, bbox=(500_011, 5_400_001, 500_012, 5_400_002))
    assert found["class_id"].tolist() == [2]


def test_a_flatgeobuf_is_indexed(tmp_path: Path) -> None:
    (out,) = write(tmp_path, "a.fgb")
    assert pyogrio.read_info(out)["capabilities"]["fast_spatial_filter"]


def test_geojson_is_in_longitude_and_latitude_and_says_so(tmp_path: Path) -> None:
    listener = Listener()
    out = tmp_path / "a.geojson"
    write_products(make_polygon_file(tmp_path), [out], LAYER, listener, overwrite=False)
    ring = shapely.from_geojson(json.dumps(json.loads(out.read_text())["features"][1]["geometry"])).exterior
    assert ring.is_ccw  # RFC 7946, 3.1.6
    assert any("EPSG:4326" in text for text in listener.told)


def test_without_a_crs_geojson_keeps_pixels_and_warns(tmp_path: Path) -> None:
    listener = Listener()
    out = tmp_path / "a.geojson"
    write_products(make_polygon_file(tmp_path), [out], replace(LAYER, crs_wkt=""), listener, overwrite=False)
    assert json.loads(out.read_text())["features"][1]["geometry"]["coordinates"][0][0][0] > 500_000
    assert any("no CRS" in text for text in listener.told)


@pytest.mark.parametrize("ending", ["gpkg", "fgb", "parquet"])
def test_without_a_crs_products_have_none(tmp_path: Path, ending: str) -> None:
    (out,) = write(tmp_path, f"a.{ending}", layer=replace(LAYER, crs_wkt=""))
    assert read(out).crs is None


def test_areas_in_pixels_are_named_so(tmp_path: Path) -> None:
    path = tmp_path / "px.arrows"
    polygon_file = write_polygon_file(make_batches(3, 3), path, legend=LEGEND, unit="px", cut=CutRegions(), final=path)
    (out,) = write(tmp_path, "a.gpkg", polygon_file=polygon_file, layer=replace(LAYER, crs_wkt="", unit="px"))
    assert "area_px" in read(out).columns


def test_all_products_but_geopackages_get_a_qml_beside(tmp_path: Path) -> None:
    write(tmp_path, "a.gpkg", "b.fgb", "b.parquet")
    assert [p.name for p in tmp_path.glob("*.qml")] == ["b.qml"]


def test_a_qml_of_the_user_is_kept_unless_overwriting(tmp_path: Path) -> None:
    style, listener = tmp_path / "a.qml", Listener()
    style.write_text("mine")
    write_products(make_polygon_file(tmp_path), [tmp_path / "a.fgb"], LAYER, listener, overwrite=False)
    assert style.read_text() == "mine"
    assert any("a.qml" in text for text in listener.told)
    write_products(make_polygon_file(tmp_path), [tmp_path / "a.fgb"], LAYER, listener, overwrite=True)
    assert "categorizedSymbol" in style.read_text()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cancelled_write_leaves_the_old_product(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "CHUNK_ROWS", 5)
    polygon_file, out = make_polygon_file(tmp_path, 20), tmp_path / f"a.{ending}"
    out.write_text("old")
    with pytest.raises(Cancelled):
        write_products(polygon_file, [out], LAYER, Listener(cancel_after=10), overwrite=True)
    assert out.read_text() == "old"
    assert {p.name for p in tmp_path.iterdir()} == {out.name, polygon_file.path.name}


def test_when_the_second_product_fails_the_first_is_not_there(tmp_path: Path) -> None:
    outs = [tmp_path / "a.gpkg", tmp_path / "a.parquet"]
    with pytest.raises(Cancelled):
        write_products(make_polygon_file(tmp_path), outs, LAYER, Listener(cancel_after=10), overwrite=False)
    assert [p.name for p in tmp_path.iterdir()] == ["polygons-10-4.arrows"]


def test_geojson_of_another_planet_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="on Earth"):
        check_crs([tmp_path / "a.geojson"], CRS("IAU_2015:49901").to_wkt())
    check_crs([tmp_path / "a.gpkg"], CRS("IAU_2015:49901").to_wkt())
    check_crs([tmp_path / "a.geojson"], UTM)


@pytest.mark.parametrize(
    ("stem", "layer"),
    [
        ("roofs", "roofs"),
        ("gpkg_roofs", "polygons_gpkg_roofs"),
        ("layer_styles", "polygons_layer_styles"),
        ("a b'\"", "a b'\""),
    ],
)
def test_any_stem_makes_a_layer(tmp_path: Path, stem: str, layer: str) -> None:
    (out,) = write(tmp_path, f"{stem}.gpkg")
    assert layer_name(out) == layer
    assert layer in pyogrio.list_layers(out)[:, 0]


def test_a_polygon_too_large_for_a_file_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MAX_POLYGON_BYTES", 150)
    with pytest.raises(OutputError, match="vertices"):
        make_polygon_file(tmp_path)


# --- outputs that cannot be


def test_outputs_are_checked_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "old.gpkg").touch()
    (tmp_path / "folder.fgb").mkdir()
    cases = {
        "no output": [],
        "does not exist": [tmp_path / "missing" / "a.gpkg"],
        "already exists": [tmp_path / "old.gpkg"],
        "is a folder": [tmp_path / "folder.fgb"],
        "extension '.dxf'": [tmp_path / "a.dxf"],
        "no extension": [tmp_path / "a"],
        "given twice": [tmp_path / "a.gpkg", tmp_path / "." / "a.gpkg"],
    }
    for message, outs in cases.items():
        with pytest.raises(OutputError, match=message) as caught:
            check_outputs(outs, overwrite=False)
        assert caught.value.hint
    check_outputs([tmp_path / "old.gpkg", tmp_path / "new.TIF"], overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.fgb", "old.gpkg"]


def test_a_folder_that_cannot_be_written_to_is_refused() -> None:
    with pytest.raises(OutputError, match="cannot be written to"):
        check_outputs([Path("/proc/a.gpkg")], overwrite=False)


def test_a_full_disk_is_told_with_numbers(tmp_path: Path) -> None:
    error = write_failure(tmp_path / "a.gpkg", "sqlite3_exec(COMMIT) failed: database or disk is full", 12_300_000)
    assert "disk full while writing" in error.message and "12.3 MB needed" in error.message
    assert "disk full" not in write_failure(tmp_path / "a.gpkg", "no idea").message


@pytest.fixture
def small_disk(disk_of: Callable[[str], Path]) -> Path:
    return disk_of("256k")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_called_one_and_leaves_nothing(tmp_path: Path, small_disk: Path, ending: str) -> None:
    polygon_file = make_polygon_file(tmp_path, 20_000, 20_000)
    with pytest.raises(OutputError, match="disk full while writing"):
        write(small_disk, f"a.{ending}", polygon_file=polygon_file)
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_while_spooling_is_called_one(tmp_path: Path, small_disk: Path) -> None:
    rng = np.random.default_rng(1)
    batch = make_batch(20_000)
    noise = replace(batch, wkb=rng.integers(0, 256, batch.wkb.shape, np.uint8))
    with pytest.raises(OutputError, match="disk full while writing"):
        write_polygon_file(
            [noise], small_disk / "s.arrows", legend=LEGEND, unit="m2", cut=CutRegions(), final=small_disk / "a.gpkg"
        )


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path, ending: str) -> None:
    """A limit on the size of files stands for whatever the system may refuse; it holds for a whole process."""
    polygon_file = make_polygon_file(tmp_path, 20_000, 20_000)
    script = f"""
import resource
from pathlib import Path
from fctl_geo.errors import OutputError
from fctl_geo.polygons.trace import CutRegions
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.products.vector_writer import write_products
from fctl_geo.progress import Silent
from fctl_geo.spec import Legend
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, {resource.RLIM_INFINITY}))
polygon_file = PolygonFile(
    Path({str(polygon_file.path)!r}), {polygon_file.count}, {polygon_file.geometry_bytes}, CutRegions()
)
layer = VectorLayer({UTM!r}, "m2", Legend(()), Legend(()))
try:
    write_products(polygon_file, [Path({str(tmp_path)!r}) / "a.{ending}"], layer, Silent(), overwrite=False)
except OutputError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "a." + ending in done.stdout
    assert list(tmp_path.iterdir()) == [polygon_file.path]
