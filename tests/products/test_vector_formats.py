"""What single formats can and cannot hold: Shapefiles, GeoJSON sequences, vector tiles, and GeoParquet's boxes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import CRS
from rasterio.transform import Affine
from told import Told

from fctl_geo import polygonise
from fctl_geo.errors import OutputError
from fctl_geo.polygons.trace import CutRegions
from fctl_geo.products.columns import Columns
from fctl_geo.products.preflight import check_crs
from fctl_geo.products.shapefile import check_size, short_names
from fctl_geo.products.temporary_polygons import PolygonFile
from fctl_geo.products.vector_tiles import most_zoom
from fctl_geo.settings import PolygonSettings
from fctl_geo.spec import ClassInfo, Legend


def write_classes(path: Path, crs: str | None = "EPSG:32633", pixel_m: float = 0.5) -> Path:
    """Blocks of three classes, 4 x 4 pixels each, all over 160 x 120 pixels."""
    blocks = np.random.default_rng(3).integers(1, 4, (30, 40), dtype=np.uint8)
    place = {"crs": crs, "transform": Affine(pixel_m, 0, 500_000, 0, -pixel_m, 5_400_000)} if crs else {}
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=120, width=160, **place) as file:
        file.write(np.kron(blocks, np.ones((4, 4), np.uint8)), 1)
    return path


# --- Shapefile


def test_a_shapefile_is_five_files_in_utf_8(tmp_path: Path) -> None:
    polygonise(write_classes(tmp_path / "classes.tif"), [tmp_path / "town.shp"])
    assert {path.suffix for path in tmp_path.glob("town.*")} == {".shp", ".shx", ".dbf", ".prj", ".cpg", ".qml"}
    assert (tmp_path / "town.cpg").read_text() == "UTF-8"


@pytest.mark.parametrize("ending", [".shx", ".dbf", ".prj", ".cpg"])
def test_no_file_of_a_shapefile_is_replaced_unasked(tmp_path: Path, ending: str) -> None:
    classes = write_classes(tmp_path / "classes.tif")
    mine = tmp_path / f"town{ending}"
    mine.write_text("mine")
    with pytest.raises(OutputError, match=r"belongs to .*town\.shp already exists"):
        polygonise(classes, [tmp_path / "town.shp"])
    assert mine.read_text() == "mine" and not (tmp_path / "town.shp").exists()
    polygonise(classes, [tmp_path / "town.shp"], overwrite=True)
    assert len(pyogrio.read_dataframe(tmp_path / "town.shp")) > 99


def test_names_of_fields_are_cut_to_ten_letters_and_told() -> None:
    told = Told()
    names = ["geometry", "class_name", "outline_iou", "outline_ior", "perimeter_m"]
    short = short_names(Path("town.shp"), names, told)
    assert short == {"outline_iou": "outline_io", "outline_ior": "outline_i1", "perimeter_m": "perimeter_"}
    assert len(set(short.values())) == 3 and max(map(len, short.values())) == 10
    (words,) = told.words
    assert "outline_iou is outline_io" in words
    assert short_names(Path("town.shp"), ["geometry", "class_name", "area_m2"], told) == {} and len(told.words) == 1


def test_polygons_that_no_shapefile_can_hold_are_refused_with_numbers(tmp_path: Path) -> None:
    class Large(PolygonFile):
        schema = Columns("m2").schema  # without a file of gigabytes

    for count, geometry_bytes in ((1000, 2_200_000_000), (13_000_000, 1_500_000_000)):
        with pytest.raises(OutputError, match=rf"{count:,} polygons.*holds 2\.1 GB") as told:
            check_size(tmp_path / "town.shp", Large(tmp_path, count, geometry_bytes, CutRegions()))
        assert ".gpkg" in told.value.hint
    check_size(tmp_path / "town.shp", Large(tmp_path, 1_000_000, 1_500_000_000, CutRegions()))


def test_a_crs_that_a_prj_cannot_hold_is_warned_of(tmp_path: Path) -> None:
    told = Told()
    rotated_pole = "+proj=ob_tran +o_proj=eqc +o_lon_p=0 +o_lat_p=40 +lon_0=10 +R=6371000 +units=m +no_defs"
    wkt = CRS.from_user_input(rotated_pole).to_wkt()
    polygonise(write_classes(tmp_path / "a.tif"), [tmp_path / "a.shp"], progress=told)
    assert not any("exactly" in words for words in told.words)
    polygonise(write_classes(tmp_path / "b.tif", wkt), [tmp_path / "b.shp"], progress=told)
    assert any("exactly" in words for words in told.words)


# --- GeoJSON sequences


@pytest.mark.parametrize(("ending", "start"), [("geojsonl", b"{"), ("geojsons", b"\x1e{")])
def test_a_sequence_is_a_feature_a_line(tmp_path: Path, ending: str, start: bytes) -> None:
    out = tmp_path / f"town.{ending}"
    summary = polygonise(write_classes(tmp_path / "classes.tif"), [out])
    lines = out.read_bytes().splitlines(keepends=True)
    assert len(lines) == summary.polygons
    assert all(line.startswith(start) and line.endswith(b"}\n") for line in lines)
    west, south, _, _ = shapely.from_geojson(json.dumps(json.loads(lines[0].strip(b"\x1e"))["geometry"])).bounds
    assert (round(west), round(south)) == (15, 49)


# --- vector tiles


@pytest.mark.parametrize("ending", ["mbtiles", "pmtiles"])
def test_tiles_show_every_class_at_its_place(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"town.{ending}"
    classes = write_classes(tmp_path / "classes.tif")
    polygonise(classes, [out, tmp_path / "town.gpkg"])
    info = pyogrio.read_info(out)
    assert info["layer_name"] == "town"
    assert (info["dataset_metadata"]["minzoom"], info["dataset_metadata"]["maxzoom"]) == ("8", "15")
    tiles = pyogrio.read_dataframe(out).to_crs("EPSG:32633")
    truth = pyogrio.read_dataframe(tmp_path / "town.gpkg", layer="town")
    for (name, shown), (same, polygons) in zip(tiles.groupby("class_name"), truth.groupby("class_name"), strict=True):
        assert name == same
        whole = polygons.union_all()
        assert shown.union_all().symmetric_difference(whole).area < 0.1 * whole.area, "corners move by half a pixel"
    assert set(tiles["object_id"]) == set(truth["object_id"])


def test_tiles_without_a_polygon_are_written_without_a_warning(tmp_path: Path) -> None:
    told, outs = Told(), [tmp_path / "a.pmtiles", tmp_path / "a.mbtiles"]
    legend = Legend((ClassInfo(1, "roof", (200, 0, 0)), ClassInfo(9, "snow", (9, 9, 9))))
    classes = write_classes(tmp_path / "classes.tif")
    summary = polygonise(classes, outs, PolygonSettings(classes=("snow",)), legend=legend, progress=told)
    assert summary.polygons == 0 and told.words == []
    assert outs[0].read_bytes().startswith(b"PMTiles")
    with closing(sqlite3.connect(outs[1])) as database:
        assert database.execute("SELECT count(*) FROM tiles").fetchone() == (0,)


@pytest.mark.parametrize(("pixel_m", "zoom"), [(0.05, 18), (0.25, 16), (0.5, 15), (10, 10), (100_000, 0)])
def test_zoom_levels_suit_the_pixels(pixel_m: float, zoom: int) -> None:
    assert most_zoom(pixel_m) == zoom
    if zoom < 18 and pixel_m < 10_000:
        assert 40_075_016.7 / 2**zoom / 4096 <= pixel_m < 2 * 40_075_016.7 / 2**zoom / 4096


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_tiles_without_a_place_are_refused_before_the_work(tmp_path: Path) -> None:
    for ending in ("mbtiles", "pmtiles"):
        with pytest.raises(OutputError, match="has no CRS"):
            polygonise(write_classes(tmp_path / "classes.tif", None), [tmp_path / f"a.{ending}"])
        with pytest.raises(OutputError, match="on Earth"):
            check_crs([tmp_path / f"a.{ending}"], CRS("IAU_2015:49901").to_wkt())
    assert [path.name for path in tmp_path.iterdir()] == ["classes.tif"]


# --- GeoParquet


def test_readers_of_geoparquet_can_skip_rows_by_their_boxes(tmp_path: Path) -> None:
    out = tmp_path / "town.parquet"
    polygonise(write_classes(tmp_path / "classes.tif"), [out])
    west = ds.field("bbox", "xmin") < 500_010
    rows = ds.dataset(out).to_table(filter=west)
    boxes = shapely.bounds(shapely.from_wkb(rows["geometry"].to_numpy()))
    everything = ds.dataset(out).to_table()
    assert 0 < rows.num_rows < everything.num_rows and boxes[:, 0].max() < 500_010
    all_boxes = shapely.bounds(shapely.from_wkb(everything["geometry"].to_numpy()))
    assert (all_boxes[:, 0] < 500_010).sum() == rows.num_rows
    covering = json.loads(pq.read_metadata(out).metadata[b"geo"])["columns"]["geometry"]["covering"]
    assert covering == {"bbox": {name: ["bbox", name] for name in ("xmin", "ymin", "xmax", "ymax")}}
