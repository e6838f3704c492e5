"""Labels from other people's vector files: the file's order, every polygon in it, text in any encoding, any extent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.transform import Affine

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Silent
from fctl_geo.scene.labels import ANY, PolygonLabels, read_class_column
from fctl_geo.spec import NODATA
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

WEST, NORTH, GSD, SIDE = 400_000.0, 3_000_000.0, 0.25, 200
PLACE = (GSD, 0.0, WEST, 0.0, -GSD, NORTH)
INDEX = {"land": 0, "house": 1}
LAND = shapely.box(WEST, NORTH - 50, WEST + 50, NORTH)
HOUSES = [shapely.box(WEST + x, NORTH - 6 - y, WEST + 6 + x, NORTH - y) for x in range(4, 44, 10) for y in (4, 24)]
HOUSE_PX = 24 * 24
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32645"}}


class Heard(Silent):
    """A progress that remembers its warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def frame_of(crs: str = "EPSG:32645") -> RasterFrame:
    return RasterFrame(SIDE, SIDE, PLACE, rasterio.crs.CRS.from_string(crs).to_wkt() if crs else "")


def labels_of(
    path: Path, field: str | None = "kind", index_of: dict[str, int] = INDEX, crs: str = "EPSG:32645", **more: object
) -> tuple[PolygonLabels, list[str]]:
    heard = Heard()
    column = read_class_column(path, field, any_class=field is None)
    work = path.parent / "work"
    return PolygonLabels(column, frame_of(crs), index_of, folder=work, progress=heard, **more), heard.warnings


def pixels_of(path: Path, **more: object) -> tuple[dict[int, int], list[str]]:
    labels, warnings = labels_of(path, **more)
    found, counts = np.unique(labels.read(Window(0, 0, SIDE, SIDE)), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True)), warnings


def write(path: Path, shapes: list[object], kinds: list[str], **options: object) -> Path:
    frame = geopandas.GeoDataFrame({"kind": kinds}, geometry=shapes, crs="EPSG:32645")
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        pyogrio.write_dataframe(frame, path, **options)
    return path


def geojson(path: Path, *geometries: object, ids: list[object] | None = None) -> Path:
    features = [
        {"type": "Feature", "properties": {"kind": "house"}, "geometry": shape, **({"id": ids[i]} if ids else {})}
        for i, shape in enumerate(geometries)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": CRS, "features": features}))
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.geojson", {}),
        ("a.shp", {}),
        ("a.gpkg", {}),
        ("a.parquet", {}),
        ("a.fgb", {"SPATIAL_INDEX": "NO"}),
        ("a.shp", {"SPATIAL_INDEX": "YES"}),
    ],
)
def test_where_polygons_overlap_the_last_of_the_file_wins(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    over = write(tmp_path / name, [LAND, *HOUSES], ["land", *["house"] * 8], **options)
    assert pixels_of(over) == ({0: SIDE**2 - 8 * HOUSE_PX, 1: 8 * HOUSE_PX}, [])
    under = write(tmp_path / f"under{over.suffix}", [*HOUSES, LAND], [*["house"] * 8, "land"], **options)
    assert pixels_of(under)[0] == {0: SIDE**2}


def test_a_format_that_does_not_keep_the_order_says_so(tmp_path: Path) -> None:
    _, warnings = pixels_of(write(tmp_path / "a.fgb", [LAND, *HOUSES], ["land", *["house"] * 8]))
    assert len(warnings) == 1 and "does not keep the order" in warnings[0]
    assert pixels_of(write(tmp_path / "b.fgb", HOUSES, ["house"] * 8))[1] == [], "nothing overlaps"


def test_ids_neither_order_features_nor_need_to_differ(tmp_path: Path) -> None:
    shapes = [shapely.geometry.mapping(house) for house in HOUSES[:3]]
    for ids in ([5, 3, 1], [0, 0, 0], ["x", "y", "x"]):
        found = pixels_of(geojson(tmp_path / "a.geojson", *shapes, ids=ids))
        assert found == ({1: 3 * HOUSE_PX, NODATA: SIDE**2 - 3 * HOUSE_PX}, [])


def test_collections_are_taken_apart(tmp_path: Path) -> None:
    polygons = [shapely.geometry.mapping(house) for house in HOUSES]
    point = {"type": "Point", "coordinates": [WEST, NORTH]}
    inner = {"type": "GeometryCollection", "geometries": [polygons[1], point]}
    outer = {"type": "GeometryCollection", "geometries": [inner, polygons[0]]}
    overlapping = shapely.geometry.mapping(shapely.MultiPolygon([HOUSES[2], HOUSES[2]]))
    found, warnings = pixels_of(geojson(tmp_path / "a.geojson", outer, overlapping))
    assert found[1] == 3 * HOUSE_PX and not warnings


@pytest.mark.parametrize("empty", [None, {"type": "Polygon", "coordinates": []}])
def test_a_feature_without_geometry_is_left_out_and_counted(tmp_path: Path, empty: object) -> None:
    found, warnings = pixels_of(geojson(tmp_path / "a.geojson", shapely.geometry.mapping(HOUSES[0]), empty))
    assert found[1] == HOUSE_PX
    assert warnings == ["1 of 2 features of a.geojson have no geometry and are ignored"]


def test_arcs_heights_and_measures_do_not_matter(tmp_path: Path) -> None:
    x, y = WEST + 10, NORTH - 10
    circle = f"CURVEPOLYGON(CIRCULARSTRING({x - 5} {y},{x} {y + 5},{x + 5} {y},{x} {y - 5},{x - 5} {y}))"
    ring = ",".join(f"{east} {north} 7 8" for east, north in HOUSES[-1].exterior.coords)
    (tmp_path / "a.csv").write_text(f'WKT,kind\n"{circle}",house\n"POLYGON ZM(({ring}))",house\n')
    found, _ = pixels_of(tmp_path / "a.csv")
    assert found[1] == pytest.approx(np.pi * 20**2 + HOUSE_PX, rel=0.01)


def test_a_polygon_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    x, y = WEST + 10, NORTH - 20
    bow_tie = shapely.Polygon([(x, y), (x + 10, y + 10), (x + 10, y), (x, y + 10)])
    for crs in ("EPSG:32645", "EPSG:4326"):
        frame = geopandas.GeoDataFrame({"kind": ["house"]}, geometry=[bow_tie], crs="EPSG:32645").to_crs(crs)
        pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
        found, _ = pixels_of(tmp_path / "a.gpkg")
        assert found[1] == pytest.approx(2 * 0.25 * 40**2, rel=0.05)


@pytest.mark.parametrize(("encoding", "cpg"), [("ISO-8859-1", None), ("UTF-8", None), ("ISO-8859-1", "UTF-8"),
                                               ("CP1252", "1252"), ("UTF-8", "UTF-8")])  # fmt: skip
def test_text_is_decoded_whatever_a_shapefile_says_of_it(tmp_path: Path, encoding: str, cpg: str | None) -> None:
    path = write(tmp_path / "a.shp", HOUSES[:2], ["Gebäude", "Straße"], encoding=encoding)
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    if cpg:
        (tmp_path / "a.cpg").write_text(cpg)
    assert read_class_column(path, "kind").counts == {"Gebäude": 1, "Straße": 1}
    found, _ = pixels_of(path, index_of={"Gebäude": 1, "Straße": 2}, outside=0)
    assert found == {0: SIDE**2 - 2 * HOUSE_PX, 1: HOUSE_PX, 2: HOUSE_PX}


def test_a_geojson_in_latin_1_is_decoded(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", shapely.geometry.mapping(HOUSES[0]))
    path.write_bytes(path.read_text().replace("house", "Gebäude").encode("latin-1"))
    assert read_class_column(path, "kind").counts == {"Gebäude": 1}


@settings(max_examples=25, deadline=None)
@given(row=st.integers(-20, 190), col=st.integers(-20, 190), height=st.integers(1, 90), width=st.integers(1, 90))
def test_a_pixels_label_does_not_depend_on_the_window(
    tmp_path_factory: pytest.TempPathFactory, row: int, col: int, height: int, width: int
) -> None:
    path = tmp_path_factory.mktemp("w") / "a.geojson"
    frame = geopandas.GeoDataFrame({"kind": ["land", *["house"] * 8]}, geometry=[LAND, *HOUSES], crs="EPSG:32645")
    pyogrio.write_dataframe(frame.to_crs(4326), path)
    labels, _ = labels_of(path)
    outer, window = Window(-40, -40, 400, 400), Window(row, col, height, width)
    np.testing.assert_array_equal(labels.read(window), labels.read(outer)[window.slices_in(outer)])


BIG = """
import sys, json, pathlib; sys.path[:0] = ["{tests}", "{tests}/scene"]
from test_labels import pixels_of
found = pixels_of(pathlib.Path("{path}"))[0]
status = pathlib.Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's memory, too
print(json.dumps([found, int(status.split("VmHWM:")[1].split()[0])]))
"""


@pytest.mark.parametrize("box", [(83, 25, 88, 30), (-180, -80, 180, 80)])
def test_a_polygon_of_a_continent_takes_no_more_memory_than_a_house(tmp_path: Path, box: tuple[float, ...]) -> None:
    to_degrees = Transformer.from_crs(32645, 4326, always_xy=True)
    houses = [shapely.transform(house, to_degrees.transform, interleaved=False) for house in HOUSES]
    shapes = [shapely.box(*box), *houses]
    frame = geopandas.GeoDataFrame({"kind": ["land", *["house"] * 8]}, geometry=shapes, crs="EPSG:4326")
    pyogrio.write_dataframe(frame, tmp_path / "a.geojson")
    code = BIG.format(tests=Path(__file__).parents[1], path=tmp_path / "a.geojson")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    found, peak_kb = json.loads(said.stdout)
    assert found == {"0": SIDE**2 - 8 * HOUSE_PX, "1": 8 * HOUSE_PX}
    assert peak_kb < 500_000


def test_a_scene_on_the_antimeridian_meets_polygons_on_both_sides(tmp_path: Path) -> None:
    shapes = [shapely.box(179.99, -17.01, 180, -17), shapely.box(-180, -17.01, -179.99, -17)]
    frame = geopandas.GeoDataFrame({"kind": ["land", "house"]}, geometry=shapes, crs="EPSG:4326")
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    x, y = Transformer.from_crs(4326, 32760, always_xy=True).transform(180, -17.005)
    place = (1.0, 0.0, x - 100, 0.0, -1.0, y + 100)
    scene = RasterFrame(200, 200, place, rasterio.crs.CRS.from_epsg(32760).to_wkt())
    column = read_class_column(tmp_path / "a.gpkg", "kind")
    labels = PolygonLabels(column, scene, INDEX, folder=tmp_path, progress=Silent())
    found = labels.read(Window(0, 0, 200, 200))
    assert (found[:, :95] == 0).all() and (found[:, 105:] == 1).all()


def test_points_are_no_labels(tmp_path: Path) -> None:
    points = [shapely.geometry.mapping(house.centroid) for house in HOUSES]
    with pytest.raises(TrainingError, match="no polygons among 8 features: 8 are points") as told:
        pixels_of(geojson(tmp_path / "a.geojson", *points))
    assert "polygons" in told.value.hint
    found, warnings = pixels_of(geojson(tmp_path / "b.geojson", *points, shapely.geometry.mapping(HOUSES[0])))
    assert found[1] == HOUSE_PX and warnings[0].startswith("8 of 9 features of b.geojson are points")


def test_labels_without_a_crs_are_taken_to_be_in_the_scenes_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", HOUSES, ["house"] * 8)
    path.with_suffix(".prj").unlink()
    found, warnings = pixels_of(path)
    assert found[1] == 8 * HOUSE_PX
    assert warnings == ["a.shp has no CRS: labels and image are assumed to be in the same one"]


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.parquet"])
def test_polygons_without_any_column_are_of_one_class(tmp_path: Path, name: str) -> None:
    frame = geopandas.GeoDataFrame(geometry=HOUSES, crs="EPSG:32645")
    frame.to_parquet(tmp_path / name) if name.endswith("parquet") else pyogrio.write_dataframe(frame, tmp_path / name)
    with pytest.raises(TrainingError, match="needs the name of its class column") as told:
        read_class_column(tmp_path / name, None)
    assert "--classes building" in told.value.hint
    assert pixels_of(tmp_path / name, field=None, index_of={ANY: 1}, outside=0)[0][1] == 8 * HOUSE_PX


def test_a_star_stands_for_the_values_that_are_not_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", HOUSES[:3], ["house", "barn", "shed"])
    assert pixels_of(path, index_of={"shed": 0, ANY: 1})[0] == {
        0: HOUSE_PX, 1: 2 * HOUSE_PX, NODATA: SIDE**2 - 3 * HOUSE_PX
    }  # fmt: skip


def test_labels_are_those_that_rasterio_burns(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    corners = rng.uniform(-5, 55, (40, 2)) * (1, -1) + (WEST, NORTH)
    shapes = [shapely.Point(corner).buffer(rng.uniform(0.2, 9)) for corner in corners]
    kinds = ["land" if i % 3 else "house" for i in range(40)]
    labels, _ = labels_of(write(tmp_path / "a.geojson", shapes, kinds))
    burnt = [(shape, INDEX[kind]) for shape, kind in zip(shapes, kinds, strict=True)]
    expected = rasterio.features.rasterize(burnt, (SIDE, SIDE), fill=NODATA, transform=Affine(*PLACE), dtype="uint8")
    np.testing.assert_array_equal(labels.read(Window(0, 0, SIDE, SIDE)), expected)
