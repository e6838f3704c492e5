"""A GeoPackage with tables of others keeps them, whatever is added, replaced, appended, killed, or in the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.transform import Affine
from told import Told

from fctl_geo import polygonise, read_polygons
from fctl_geo.errors import Cancelled, OutputError, SettingsError
from fctl_geo.products import geopackage_copy, vector_formats
from fctl_geo.products.geopackage import embed_style
from fctl_geo.progress import Silent
from fctl_geo.settings import OutputSettings, PolygonSettings
from fctl_geo.spec import ClassInfo, Legend

LEGEND = Legend((ClassInfo(1, "roof", (200, 0, 0)), ClassInfo(2, "water", (0, 0, 200))))
ROADS = Legend((ClassInfo(1, "road", (9, 9, 9)),))
UTM = "EPSG:32633"


def write_classes(path: Path, seed: int = 0, west: float = 500_000, crs: str = UTM) -> Path:
    """Blocks of two classes, 2 x 2 pixels of 0.5 m each, all over 60 x 40 pixels."""
    blocks = np.random.default_rng(seed).integers(1, 3, (20, 30), dtype=np.uint8)
    place = {"crs": crs, "transform": Affine(0.5, 0, west, 0, -0.5, 5_400_000)}
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=40, width=60, **place) as file:
        file.write(np.kron(blocks, np.ones((2, 2), np.uint8)), 1)
    return path


def make_city(path: Path) -> Path:
    """Somebody's GeoPackage: roads with a style, a table of notes, and one that only SQLite knows."""
    roads = shapely.linestrings([[[0, 0], [9, 9]], [[0, 9], [9, 0]], [[3, 3], [3, 8]]])
    frame = geopandas.GeoDataFrame({"name": ["north", "south", "west"]}, geometry=roads, crs=UTM)
    frame.to_file(path, layer="roads")
    pyogrio.write_dataframe(frame[["name"]].copy(), path, layer="notes")
    embed_style(path, "roads", ROADS)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, content BLOB)")
        database.execute("INSERT INTO qgis_projects VALUES ('mine', x'0102')")
    return path


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the tables of others."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        styles = "SELECT styleName, styleQML FROM layer_styles WHERE f_table_name = 'roads'"
        return {
            "roads": database.execute("SELECT * FROM roads").fetchall(),
            "notes": database.execute("SELECT * FROM notes").fetchall(),
            "qgis_projects": database.execute("SELECT * FROM qgis_projects").fetchall(),
            "styles": database.execute(styles).fetchall(),
            "rtree": database.execute("SELECT * FROM rtree_roads_geom").fetchall(),
        }


def count(path: Path, layer: str) -> int:
    """Features, counted three ways."""
    with closing(sqlite3.connect(path)) as database:
        (rows,) = database.execute(f'SELECT count(*) FROM "{layer}"').fetchone()
        (indexed,) = database.execute(f'SELECT count(*) FROM "rtree_{layer}_geom"').fetchone()
        (known,) = database.execute(
            "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?", (layer,)
        ).fetchone()
    assert rows == indexed == known
    return int(rows)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return make_city(folder / "city.gpkg")


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "classes.tif")


def test_a_layer_is_added_without_being_told_to_overwrite(city: Path, classes: Path) -> None:
    before, told = contents(city), Told()
    summary = polygonise(classes, [city], legend=LEGEND, progress=told)
    assert contents(city) == before
    assert count(city, "city") == summary.polygons
    layers = dict(pyogrio.list_layers(city))
    assert layers["city"] == "Polygon" and layers["roads"] == "LineString"
    assert any("its other tables (roads, notes, qgis_projects) stay" in words for words in told.words)
    with closing(sqlite3.connect(city)) as database:
        styles = dict(database.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"))
    assert "road" in styles["roads"] and "water" in styles["city"]
    assert [path.name for path in city.parent.iterdir()] == ["city.gpkg"]


def test_a_second_time_the_layer_is_replaced_only_if_asked(city: Path, classes: Path, tmp_path: Path) -> None:
    before = contents(city)
    polygonise(classes, [city], legend=LEGEND)
    with pytest.raises(OutputError, match="already has a layer 'city'") as told:
        polygonise(classes, [city], legend=LEGEND)
    assert all(option in told.value.hint for option in ("--overwrite", "--append", "--layer"))
    other = write_classes(tmp_path / "other.tif", seed=1)
    summary = polygonise(other, [city], PolygonSettings(classes=("water",)), legend=LEGEND, overwrite=True)
    assert contents(city) == before
    assert count(city, "city") == summary.polygons
    assert set(pyogrio.read_dataframe(city, layer="city")["class_name"]) == {"water"}
    with closing(sqlite3.connect(city)) as database:
        styles = database.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'city'").fetchall()
    assert len(styles) == 1 and "roof" not in styles[0][0], "the style of the old layer goes with it"


def test_a_file_with_our_layer_alone_is_written_anew_with_the_same_bytes(tmp_path: Path, classes: Path) -> None:
    out, told = tmp_path / "town.gpkg", Told()
    polygonise(write_classes(tmp_path / "other.tif", seed=1), [out], legend=LEGEND)
    polygonise(classes, [out], legend=LEGEND, overwrite=True, progress=told)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    polygonise(classes, [fresh / "town.gpkg"], legend=LEGEND)
    assert out.read_bytes() == (fresh / "town.gpkg").read_bytes()
    assert not any("copied" in words for words in told.words)


def test_layers_have_any_name_that_can_be_one(city: Path, classes: Path) -> None:
    before = contents(city)
    for name in ("buildings 2026", "Gebäude", 'a "b"'):
        summary = polygonise(classes, [city], legend=LEGEND, layer=name)
        assert pyogrio.read_info(city, layer=name)["features"] == summary.polygons
    assert contents(city) == before
    for name in ("", "gpkg_roofs", "RTREE_a", "sqlite_x", "layer_styles", "1a", "a\nb", "(x)"):
        with pytest.raises(SettingsError, match="layer"):
            OutputSettings(layer=name)


def test_the_name_of_a_layer_is_the_same_in_any_case(city: Path, classes: Path) -> None:
    polygonise(classes, [city], legend=LEGEND, layer="Roofs")
    with pytest.raises(OutputError, match="already has a layer 'Roofs'"):
        polygonise(classes, [city], legend=LEGEND, layer="roofs")
    polygonise(classes, [city], legend=LEGEND, layer="roofs", overwrite=True)
    assert "Roofs" in dict(pyogrio.list_layers(city)) and "roofs" not in dict(pyogrio.list_layers(city))


@pytest.mark.parametrize("table", ["notes", "qgis_projects"])
def test_a_table_that_is_no_layer_is_never_replaced(city: Path, classes: Path, table: str) -> None:
    before = city.read_bytes()
    for options in ({}, {"overwrite": True}, {"append": True}):
        with pytest.raises(OutputError, match=f"a table '{table}' that is not a layer of features"):
            polygonise(classes, [city], legend=LEGEND, layer=table, **options)
    assert city.read_bytes() == before


def test_what_is_no_geopackage_is_replaced_only_if_asked(tmp_path: Path, classes: Path) -> None:
    out = tmp_path / "notes.gpkg"
    for content in (b"my notes", b""):
        out.write_bytes(content)
        for append in (False, True):
            with pytest.raises(OutputError, match="already exists and is not a GeoPackage"):
                polygonise(classes, [out], legend=LEGEND, append=append)
        assert out.read_bytes() == content
    polygonise(classes, [out], legend=LEGEND, overwrite=True)
    assert count(out, "notes") > 0


# --- append


def test_scenes_are_appended_and_each_has_its_objects_once(tmp_path: Path, city: Path) -> None:
    before = contents(city)
    first = write_classes(tmp_path / "a.tif")
    second = write_classes(tmp_path / "b.tif", seed=1, west=500_100)
    polygons = [polygonise(path, [city], legend=LEGEND, append=True).polygons for path in (first, second)]
    assert count(city, "city") == sum(polygons)
    once, told = pyogrio.read_dataframe(city, layer="city"), Told()
    polygonise(first, [city], legend=LEGEND, append=True, progress=told)
    twice = pyogrio.read_dataframe(city, layer="city")
    assert count(city, "city") == sum(polygons)
    key = ["scene", "object_id", "class_id"]
    assert twice.sort_values(key)[key].to_numpy().tolist() == once.sort_values(key)[key].to_numpy().tolist()
    assert dict(twice["scene"].value_counts()) == {str(first): polygons[0], str(second): polygons[1]}
    assert any(f"{polygons[0]:,} that were there; {polygons[1]:,} of others stay" in words for words in told.words)
    inside = pyogrio.read_dataframe(city, layer="city", bbox=(500_100, 5_399_980, 500_130, 5_400_000))
    assert set(inside["scene"]) == {str(second)}
    assert contents(city) == before


def test_a_scene_has_the_name_that_it_is_given(tmp_path: Path, city: Path, classes: Path) -> None:
    polygonise(classes, [city], legend=LEGEND, append=True, scene_name="flight 7")
    moved = write_classes(tmp_path / "moved.tif", seed=2)
    summary = polygonise(moved, [city], legend=LEGEND, append=True, scene_name="flight 7")
    assert set(pyogrio.read_dataframe(city, layer="city")["scene"]) == {"flight 7"}
    assert count(city, "city") == summary.polygons


def test_a_shared_layer_is_read_by_its_name(tmp_path: Path, city: Path, classes: Path) -> None:
    first = polygonise(classes, [city], legend=LEGEND).polygons
    second = polygonise(classes, [city], legend=LEGEND, append=True, layer="shared").polygons
    assert (len(read_polygons(city)), "scene" in read_polygons(city)) == (first, False)
    shared = read_polygons(city, layer="shared")
    assert len(shared) == second and set(shared["scene"]) == {str(classes)}
    for layer, words in (("nothing", "cannot be read"), ("roads", "has the columns")):
        with pytest.raises(OutputError, match=words):
            read_polygons(city, layer=layer)


def test_edits_of_an_appended_layer_stay(tmp_path: Path, city: Path, classes: Path) -> None:
    polygonise(classes, [city], legend=LEGEND, append=True)
    with closing(sqlite3.connect(city)) as database, database:
        database.execute("ALTER TABLE city ADD COLUMN remark TEXT")
        for name in (
            "ST_IsEmpty",
            "ST_MinX",
            "ST_MaxX",
            "ST_MinY",
            "ST_MaxY",
        ):  # GDAL's; the index's triggers name them
            database.create_function(name, 1, lambda geometry: 0)
        database.execute("UPDATE city SET remark = 'checked'")
        database.execute("UPDATE layer_styles SET styleQML = 'mine' WHERE f_table_name = 'city'")
    polygonise(write_classes(tmp_path / "b.tif", seed=1), [city], legend=LEGEND, append=True)
    frame = pyogrio.read_dataframe(city, layer="city")
    assert set(frame.loc[frame["scene"] == str(classes), "remark"]) == {"checked"}
    assert frame.loc[frame["scene"] != str(classes), "remark"].isna().all()
    with closing(sqlite3.connect(city)) as database:
        styles = database.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'city'").fetchall()
    assert styles == [("mine",)]


def drop(column: str) -> Callable[[sqlite3.Connection], object]:
    return lambda database: database.execute(f"ALTER TABLE city DROP COLUMN {column}")


def with_type(column: str, kind: str) -> Callable[[sqlite3.Connection], object]:
    def change(database: sqlite3.Connection) -> None:
        drop(column)(database)
        database.execute(f"ALTER TABLE city ADD COLUMN {column} {kind}")

    return change


def require_parcels(database: sqlite3.Connection) -> None:
    database.execute("ALTER TABLE city ADD COLUMN parcel TEXT")
    database.execute("PRAGMA writable_schema = ON")
    database.execute("UPDATE sqlite_master SET sql = replace(sql, 'parcel TEXT', 'parcel TEXT NOT NULL')")


def allow_parcels(database: sqlite3.Connection) -> None:
    database.execute("ALTER TABLE city ADD COLUMN parcel TEXT NOT NULL DEFAULT 'none'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("scene"), "has no column 'scene'"),
        (drop("confidence"), "lacks confidence"),
        (with_type("class_name", "INTEGER"), r"has another type of class_name \(OFTInteger64\)"),
        (with_type("object_id", "SMALLINT"), r"has another type of object_id \(OFTInteger\)"),
        (require_parcels, "requires values of parcel"),
        (allow_parcels, None),
    ],
)
def test_a_layer_with_other_columns_is_refused_before_the_work(
    city: Path,
    classes: Path,
    change: Callable[[sqlite3.Connection], object],
    words: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    polygonise(classes, [city], legend=LEGEND, append=True)
    with closing(sqlite3.connect(city)) as database, database:
        change(database)
    if words is None:
        polygonise(classes, [city], legend=LEGEND, append=True)
        assert set(pyogrio.read_dataframe(city, layer="city")["parcel"]) == {"none"}
        return
    monkeypatch.setattr("fctl_geo.products.polygonise.trace_polygons", None)
    before = city.read_bytes()
    with pytest.raises(OutputError, match=words) as told:
        polygonise(classes, [city], legend=LEGEND, append=True)
    assert "--layer" in told.value.hint and city.read_bytes() == before


def test_a_layer_in_another_crs_is_refused_before_the_work(tmp_path: Path, city: Path, classes: Path) -> None:
    polygonise(classes, [city], legend=LEGEND, append=True)
    before = city.read_bytes()
    other = write_classes(tmp_path / "other.tif", crs="EPSG:32632")
    with pytest.raises(OutputError, match="is in EPSG:32633, the polygons are in EPSG:32632"):
        polygonise(other, [city], legend=LEGEND, append=True)
    with pytest.raises(OutputError, match=r"no column .scene."):
        polygonise(classes, [city], legend=LEGEND, append=True, layer="roads")
    assert city.read_bytes() == before


def test_what_cannot_be_appended_to_is_refused_and_what_is_new_is_written(tmp_path: Path, classes: Path) -> None:
    outs = [tmp_path / name for name in ("a.gpkg", "a.fgb", "a.parquet")]
    polygonise(classes, outs, legend=LEGEND, append=True)
    assert "scene" not in pyogrio.read_info(outs[1])["fields"], "a file of one scene needs no such column"
    with pytest.raises(OutputError, match=r"a\.fgb already exists and cannot be added to"):
        polygonise(classes, outs, legend=LEGEND, append=True)
    with pytest.raises(SettingsError, match="append and overwrite"):
        polygonise(classes, outs, legend=LEGEND, append=True, overwrite=True)


# --- what may go wrong


class Killed(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("options", [{}, {"append": True}, {"overwrite": True}], ids=["add", "append", "replace"])
@pytest.mark.parametrize("moment", ["copy", "write", "style", "swap", "after"])
def test_a_killed_run_leaves_the_old_file_or_the_new_one_whole(
    tmp_path: Path, city: Path, options: dict[str, bool], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write_classes(tmp_path / "a.tif"), write_classes(tmp_path / "b.tif", seed=5)
    polygons = 0
    if options:
        polygons = polygonise(first, [city], legend=LEGEND, append=True).polygons
    before, old = contents(city), city.read_bytes()

    def die(*arguments: object, **named: object) -> None:
        raise Killed

    place = {"copy": (geopackage_copy, "_copy_file"), "write": (vector_formats, "_write_ogr"),
             "style": (vector_formats, "embed_style")}.get(moment)  # fmt: skip
    with monkeypatch.context() as patch, suppress(Killed):
        if place:
            patch.setattr(*place, die)
        else:
            rename = Path.replace
            patch.setattr(Path, "replace", lambda *a: (die() if moment == "swap" else rename(*a), die()))
        polygonise(second, [city], legend=LEGEND, **options)
    assert contents(city) == before
    if moment != "after":
        assert city.read_bytes() == old
    else:
        found = pyogrio.read_dataframe(city, layer="city")
        assert len(found) > polygons or options.get("overwrite")


def test_a_cancelled_copy_leaves_the_old_file(city: Path, classes: Path) -> None:
    class Impatient(Silent):
        cancelled = False

        def say(self, text: str) -> None:
            self.cancelled = self.cancelled or "is copied" in text

    before = city.read_bytes()
    with pytest.raises(Cancelled):
        polygonise(classes, [city], legend=LEGEND, progress=Impatient())
    assert city.read_bytes() == before and [path.name for path in city.parent.iterdir()] == ["city.gpkg"]


def test_a_file_that_another_program_is_writing_is_refused(
    city: Path, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geopackage_copy, "_WAIT_S", 0.1)
    before = contents(city)
    with closing(sqlite3.connect(city, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutputError, match="in use by another program") as told:
            polygonise(classes, [city], legend=LEGEND)
        assert "close" in told.value.hint
        other.execute("ROLLBACK")
        other.execute("PRAGMA journal_mode = WAL")  # as QGIS does
        with closing(sqlite3.connect(city, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM notes").fetchall()
            other.execute("INSERT INTO notes (name) VALUES ('not yet in the file itself')")
            with pytest.raises(OutputError, match="in use by another program"):
                polygonise(classes, [city], legend=LEGEND)
    after = contents(city)
    assert len(after.pop("notes")) == len(before.pop("notes")) + 1 and after == before


def test_a_file_that_a_program_merely_shows_is_added_to(city: Path, classes: Path) -> None:
    before = contents(city)
    with closing(sqlite3.connect(city, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("SELECT count(*) FROM notes").fetchone()
        assert city.with_name("city.gpkg-wal").exists()
        polygonise(classes, [city], legend=LEGEND)
        assert contents(city) == before
        assert other.execute("SELECT count(*) FROM notes").fetchone() == (3,)
    assert contents(city) == before and "city" in dict(pyogrio.list_layers(city))


def test_what_another_program_writes_in_the_meantime_is_not_lost(
    city: Path, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(*arguments: object, **named: object) -> None:
        with closing(sqlite3.connect(city)) as database, database:
            database.execute("INSERT INTO notes (name) VALUES ('in the meantime')")

    monkeypatch.setattr(vector_formats, "embed_style", edit)
    with pytest.raises(OutputError, match="was changed by another program"):
        polygonise(classes, [city], legend=LEGEND)
    assert len(contents(city)["notes"]) == 4 and "city" not in dict(pyogrio.list_layers(city))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, small_disk: Path, classes: Path) -> None:
    city = make_city(small_disk / "city.gpkg")
    with closing(sqlite3.connect(city)) as database, database:
        database.execute("INSERT INTO notes (name) VALUES (?)", ("x" * 400_000,))
    before = city.read_bytes()
    with pytest.raises(OutputError, match="disk full while writing"):
        polygonise(classes, [city], legend=LEGEND)
    assert city.read_bytes() == before and [path.name for path in small_disk.iterdir()] == ["city.gpkg"]
