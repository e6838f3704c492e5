"""Tables in a real PostGIS: complete and typed, all or nothing, each scene's objects once, and no password anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from postgres_server import Database, Server
from rasterio.transform import Affine
from told import Told

from fctl_geo import polygonise
from fctl_geo.errors import Cancelled, OutputError
from fctl_geo.products import temporary_polygons
from fctl_geo.progress import Silent
from fctl_geo.settings import PolygonSettings
from fctl_geo.spec import ClassInfo, Legend

LEGEND = Legend((ClassInfo(1, "roof & wall", (200, 0, 0)), ClassInfo(2, "water", (0, 0, 200))))
SECRET = "pä:ss/w@rd"


def write_classes(
    path: Path, seed: int = 0, *, size: tuple[int, int] = (20, 30), crs: str | None = "EPSG:32633"
) -> Path:
    """Blocks of two classes, 2 x 2 pixels of 0.5 m each."""
    blocks = np.random.default_rng(seed).integers(1, 3, size, dtype=np.uint8)
    place: dict[str, Any] = {"crs": crs, "transform": Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)} if crs else {}
    height, width = 2 * size[0], 2 * size[1]
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=height, width=width, **place) as file:
        file.write(np.kron(blocks, np.ones((2, 2), np.uint8)), 1)
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "classes.tif")


def rows(database: Database, table: str, columns: str = "scene, object_id, class_id") -> list[tuple[Any, ...]]:
    return database.ask(f"SELECT {columns} FROM {table} ORDER BY {columns}")


def tables(database: Database) -> set[str]:
    found = database.ask("SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename <> 'spatial_ref_sys'")
    return {name for (name,) in found if not name.startswith(("pg_catalog", "information_schema"))}


# --- a new table


def test_a_table_has_what_a_geopackage_has(database: Database, tmp_path: Path, classes: Path) -> None:
    told, gpkg = Told(), tmp_path / "roofs.gpkg"
    summary = polygonise(
        classes, [gpkg, database.address("roofs")], legend=LEGEND, metadata={"model": "tiny"}, progress=told
    )
    found = database.ask(
        "SELECT ST_AsBinary(geom), class_id, class_name, area_m2, perimeter_m, confidence, min_confidence, object_id, "
        "scene FROM roofs ORDER BY fid"
    )
    frame = pyogrio.read_dataframe(gpkg, layer="roofs")
    assert len(found) == summary.polygons == len(frame)
    assert shapely.equals(shapely.from_wkb([row[0] for row in found]), frame.geometry.array).all()
    names = ["class_id", "class_name", "area_m2", "perimeter_m", "confidence", "min_confidence", "object_id"]
    for at, name in enumerate(names, 1):
        values = [row[at] for row in found]
        assert values == [None if isinstance(v, float) and np.isnan(v) else v for v in frame[name].tolist()], name
    assert {row[8] for row in found} == {str(classes)}
    kinds = dict(database.ask("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "
                              "'roofs'::regclass AND attnum > 0"))  # fmt: skip
    assert kinds == {
        "fid": "bigint", "geom": "geometry(Polygon,32633)", "scene": "text", "class_id": "smallint",
        "class_name": "text", "area_m2": "double precision", "perimeter_m": "double precision",
        "confidence": "real", "min_confidence": "real", "object_id": "bigint",
    }  # fmt: skip
    indexes = [words for (words,) in database.ask("SELECT indexdef FROM pg_indexes WHERE tablename = 'roofs'")]
    assert any("USING gist (geom)" in words for words in indexes) and any("(scene)" in words for words in indexes)
    ((comment,),) = database.ask("SELECT obj_description('roofs'::regclass)")
    assert json.loads(comment)["model"] == "tiny"
    assert [str(path) for path in summary.paths][1:] == [f"postgresql://owner@{_socket(database)}?table=roofs"]


def _socket(database: Database) -> str:
    return str(database.address("x")).partition("@")[2].partition("?")[0]


def test_geometries_are_valid_in_postgis_and_found_by_their_place(database: Database, classes: Path) -> None:
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    ((invalid, srids, area),) = database.ask(
        "SELECT count(*) FILTER (WHERE NOT ST_IsValid(geom)), count(DISTINCT ST_SRID(geom)), sum(ST_Area(geom)) "
        "FROM roofs"
    )
    assert (invalid, srids) == (0, 1) and area == pytest.approx(20 * 30)
    box = "ST_MakeEnvelope(500000, 5399995, 500003, 5400000, 32633)"
    ((inside,),) = database.ask(f"SELECT count(*) FROM roofs WHERE geom && {box}")
    assert 0 < inside < len(rows(database, "roofs"))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_without_a_crs_pixels_have_no_srid(database: Database, tmp_path: Path) -> None:
    polygonise(write_classes(tmp_path / "plain.tif", crs=None), [database.address("plain")], legend=LEGEND)
    assert database.ask("SELECT DISTINCT ST_SRID(geom) FROM plain") == [(0,)]
    assert database.ask("SELECT count(*) FROM plain WHERE area_px IS NULL") == [(0,)]


def test_a_result_without_polygons_is_an_empty_table(database: Database, classes: Path) -> None:
    legend = Legend((*LEGEND, ClassInfo(3, "snow", (9, 9, 9))))
    polygonise(classes, [database.address("none")], PolygonSettings(classes=("snow",)), legend=legend)
    assert rows(database, "none") == []


def test_qgis_finds_the_colors_where_it_looks_for_them(database: Database, classes: Path) -> None:
    for _ in range(2):
        polygonise(classes, [database.address("roofs")], legend=LEGEND, overwrite=True)
    ((name, qml, default),) = database.ask(
        "SELECT stylename, styleqml::text, useasdefault FROM layer_styles WHERE f_table_catalog = current_database() "
        "AND f_table_schema = 'public' AND f_table_name = 'roofs' AND f_geometry_column = 'geom'"
    )
    assert name == "roofs" and default and "categorizedSymbol" in qml and "roof &amp; wall" in qml


@pytest.mark.parametrize("name", ["Roofs 2026", 'a"b', "select", "Gebäude", "x" * 63, "%s {}", "a'b"])
def test_tables_have_any_name(database: Database, classes: Path, name: str) -> None:
    database.ask('CREATE SCHEMA "My Maps"')
    for options in ({}, {"append": True}, {"overwrite": True}):
        polygonise(classes, [database.address(f"My Maps.{name}")], legend=LEGEND, **options)
    found = tables(database)
    assert f"My Maps.{name}" in found and len(found) == 2, "and layer_styles"
    names = database.ask("SELECT indexname FROM pg_indexes WHERE schemaname = 'My Maps'")
    assert len(names) == 3 and not any("~" in index for (index,) in names)


def test_postgis_may_be_in_a_schema_of_its_own(postgres: Server, classes: Path) -> None:
    database = postgres.database(postgis=False)
    database.ask("CREATE SCHEMA extensions")
    database.ask("CREATE EXTENSION postgis SCHEMA extensions")
    for options in ({}, {"append": True}, {"overwrite": True}):
        polygonise(classes, [database.address("roofs")], legend=LEGEND, **options)
    assert database.ask("SELECT DISTINCT extensions.ST_SRID(geom) FROM roofs") == [(32633,)]


# --- a table that exists


def test_a_table_is_replaced_only_if_asked(database: Database, tmp_path: Path, classes: Path) -> None:
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    before = rows(database, "roofs")
    with pytest.raises(OutputError, match="table=roofs already exists") as told:
        polygonise(classes, [database.address("roofs")], legend=LEGEND)
    assert "--append" in told.value.hint and "--overwrite" in told.value.hint
    other = write_classes(tmp_path / "other.tif", seed=1)
    polygonise(other, [database.address("roofs")], legend=LEGEND, overwrite=True)
    assert rows(database, "roofs") != before and {row[0] for row in rows(database, "roofs")} == {str(other)}
    assert tables(database) == {"public.roofs", "public.layer_styles"}
    names = {name for (name,) in database.ask("SELECT indexname FROM pg_indexes WHERE tablename = 'roofs'")}
    assert names == {"roofs_pkey", "roofs_geom_idx", "roofs_scene_idx"}
    assert database.ask("SELECT pg_get_serial_sequence('roofs', 'fid')") == [("public.roofs_fid_seq",)]


def test_each_scene_has_its_objects_once(database: Database, tmp_path: Path, classes: Path) -> None:
    other, out, told = write_classes(tmp_path / "other.tif", seed=1), database.address("roofs"), Told()
    for path in (classes, other):
        polygonise(path, [out], legend=LEGEND, append=True)
    before = rows(database, "roofs")
    assert {row[0] for row in before} == {str(classes), str(other)}
    database.ask("ALTER TABLE roofs ADD COLUMN remark text")
    database.ask("UPDATE roofs SET remark = 'checked'")
    database.ask("CREATE VIEW large AS SELECT * FROM roofs WHERE area_m2 > 1")
    polygonise(classes, [out], legend=LEGEND, append=True, progress=told)
    assert rows(database, "roofs") == before
    assert database.ask("SELECT DISTINCT scene FROM roofs WHERE remark IS NOT NULL") == [(str(other),)]
    assert any("that were there" in words for words in told.words)
    polygonise(other, [out], legend=LEGEND, append=True, scene_name="flight 7")
    assert len(rows(database, "roofs")) == len(before) + sum(row[0] == str(other) for row in before)


def test_polygons_are_added_to_a_table_made_by_others(database: Database, classes: Path) -> None:
    database.ask(
        "CREATE TABLE mine (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), shape geometry(Geometry, 32633) NOT NULL, "
        "scene varchar, class_id bigint, class_name varchar(50), area_m2 double precision, confidence real, "
        "perimeter_m double precision, min_confidence real, object_id bigint, checked boolean NOT NULL DEFAULT false)"
    )
    for _ in range(2):
        polygonise(classes, [database.address("mine")], legend=LEGEND, append=True)
    polygonise(classes, [database.address("ours")], legend=LEGEND)
    columns = "object_id, class_id, class_name, area_m2, confidence"
    assert rows(database, "mine", columns) == rows(database, "ours", columns)


def lacking(column: str) -> str:
    return f"ALTER TABLE roofs DROP COLUMN {column} CASCADE"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lacking("scene"), "lacks scene"),
        (lacking("area_m2"), "lacks area_m2"),
        (lacking("geom"), "holds no single geometry column"),
        ("ALTER TABLE roofs ADD COLUMN second geometry(Point, 4326)", "holds no single geometry column"),
        ("ALTER TABLE roofs ALTER object_id TYPE smallint", r"another type of object_id \(smallint\)"),
        ("ALTER TABLE roofs ALTER class_name TYPE integer USING 1", r"another type of class_name \(integer\)"),
        ("ALTER TABLE roofs ALTER area_m2 TYPE numeric", r"another type of area_m2 \(numeric\)"),
        ("ALTER TABLE roofs ADD COLUMN parcel text NOT NULL", "requires values of parcel"),
        ("ALTER TABLE roofs ALTER geom TYPE geometry(MultiPolygon, 32633) USING ST_Multi(geom)", "holds MULTIPOLYGON"),
        (
            "ALTER TABLE roofs ALTER geom TYPE geometry(Polygon, 32632) USING ST_SetSRID(geom, 32632)",
            r"is in SRID 32632, the polygons are in EPSG:32633 \(SRID 32633\)",
        ),
        ("ALTER TABLE roofs RENAME TO others; CREATE VIEW roofs AS SELECT * FROM others", "is not a table"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_before_the_work(
    database: Database, classes: Path, change: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    legend = Legend((*LEGEND, ClassInfo(3, "snow", (9, 9, 9))))
    polygonise(classes, [database.address("roofs")], PolygonSettings(classes=("snow",)), legend=legend)
    for each in change.split("; "):
        database.ask(each)
    monkeypatch.setattr("fctl_geo.products.polygonise.trace_polygons", None)
    with pytest.raises(OutputError, match=words) as told:
        polygonise(classes, [database.address("roofs")], legend=LEGEND, append=True)
    assert told.value.hint


def test_a_table_on_which_views_depend_is_not_replaced(database: Database, classes: Path, monkeypatch: Any) -> None:
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    database.ask("CREATE VIEW large AS SELECT * FROM roofs WHERE area_m2 > 1")
    monkeypatch.setattr("fctl_geo.products.polygonise.trace_polygons", None)
    with pytest.raises(OutputError, match="other objects depend on it") as told:
        polygonise(classes, [database.address("roofs")], legend=LEGEND, overwrite=True)
    assert "--append" in told.value.hint and len(rows(database, "large")) > 0


# --- what may go wrong


def test_what_cannot_be_is_said_before_the_work(
    postgres: Server, database: Database, tmp_path: Path, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fctl_geo.products.polygonise.trace_polygons", None)
    plain = postgres.database(postgis=False)
    database.ask("CREATE ROLE guest LOGIN")
    database.ask("CREATE TABLE private (x int)")
    unknown = write_classes(tmp_path / "site.tif", crs="+proj=tmerc +lat_0=1 +lon_0=2 +k=1 +x_0=3 +y_0=4 +ellps=GRS80")
    for out, source, words, hint in (
        (plain.address("roofs"), classes, "has no PostGIS", "CREATE EXTENSION"),
        (database.address("nowhere.roofs"), classes, "no schema 'nowhere'", "CREATE SCHEMA"),
        (database.address("roofs"), unknown, "does not know the CRS", ".gpkg"),
        (database.address("roofs", user="guest"), classes, "permission denied for schema public", "permissions"),
        (database.address("roofs", user="nobody_here"), classes, "cannot connect to", "PGPASSWORD"),
        (Path("postgresql://u@/nowhere?host=/nonexistent&table=a"), classes, "cannot connect to", "host"),
        (Path("postgresql://h/db?table=a&nonsense=1"), classes, "nonsense", "host"),
        (Path("postgresql://h/db"), classes, "does not name a database and a table", "?table="),
    ):
        with pytest.raises(OutputError, match=words) as told:
            polygonise(source, [out], legend=LEGEND)
        assert hint in told.value.hint, told.value.hint
    database.ask("GRANT SELECT ON private TO guest")
    with pytest.raises(OutputError, match="not POLYGON"):
        polygonise(classes, [database.address("private", user="guest")], legend=LEGEND, append=True)
    assert tables(database) == {"public.private"}


def test_a_guest_who_may_only_read_is_told_so_before_the_work(database: Database, classes: Path) -> None:
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    database.ask("CREATE ROLE reader LOGIN")
    database.ask("GRANT SELECT ON roofs TO reader")
    with pytest.raises(OutputError, match=r"no permission to INSERT in the table public\.roofs"):
        polygonise(classes, [database.address("roofs", user="reader")], legend=LEGEND, append=True)
    database.ask("GRANT INSERT, DELETE ON roofs TO reader")
    polygonise(classes, [database.address("roofs", user="reader")], legend=LEGEND, append=True)


def test_a_password_is_shown_and_stored_nowhere(
    database: Database, tmp_path: Path, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.ask("CREATE ROLE guarded LOGIN")
    database.ask(f"ALTER ROLE guarded PASSWORD '{SECRET}'")
    database.ask("GRANT CREATE ON SCHEMA public TO guarded")
    told, gpkg = Told(), tmp_path / "roofs.gpkg"
    summary = polygonise(classes, [gpkg, database.address("roofs", "guarded", SECRET)], legend=LEGEND, progress=told)
    written = gpkg.read_bytes() + repr((told.words, summary)).encode()
    ((comment,),) = database.ask("SELECT obj_description('roofs'::regclass)")
    assert SECRET.encode() not in written and SECRET not in comment and "p%C3%A4" not in repr((told.words, summary))
    for wrong in (f"{SECRET}x", ""):
        with pytest.raises(OutputError, match="cannot connect to") as failed:
            polygonise(classes, [database.address("more", "guarded", wrong)], legend=LEGEND)
        assert "ss/w" not in str(failed.value) and "ss%2Fw" not in str(failed.value)
    monkeypatch.setenv("PGPASSWORD", SECRET)
    polygonise(classes, [database.address("more", "guarded")], legend=LEGEND)
    assert len(rows(database, "more")) == summary.polygons


def test_a_password_is_not_in_the_traceback_of_the_command_line(database: Database, classes: Path) -> None:
    out = str(database.address("roofs", "guarded", f"{SECRET}?")).replace("postgresql:/", "postgresql://", 1)
    command = [sys.executable, "-m", "fctl_geo_cli", "polygonise", str(classes), "--out", out, "-vv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 1 and "cannot connect to postgresql://guarded@" in done.stderr
    assert "ss%2Fw" not in done.stderr + done.stdout and "ss/w" not in done.stderr + done.stdout


class Impatient(Silent):
    """Cancels, or fails, when the first batch is on its way."""

    cancelled = False

    def advance(self, steps: int = 1) -> None:
        self.cancelled = self.writing

    def stage(self, name: str, total: int) -> None:
        self.writing = name == "write polygons"


@pytest.mark.parametrize("options", [{}, {"append": True}, {"overwrite": True}], ids=["new", "append", "replace"])
def test_a_cancelled_run_changes_nothing(
    database: Database, tmp_path: Path, classes: Path, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_polygons, "CHUNK_ROWS", 20)
    if options:
        polygonise(classes, [database.address("roofs")], legend=LEGEND)
    before, there = (rows(database, "roofs") if options else []), tables(database)
    with pytest.raises(Cancelled):
        polygonise(classes, [database.address("roofs")], legend=LEGEND, progress=Impatient(), **options)
    assert tables(database) == there and (not options or rows(database, "roofs") == before)


def test_when_a_file_fails_the_table_is_not_there_and_when_the_table_fails_no_file_is(
    database: Database, tmp_path: Path, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OutputError("the folder is gone")

    with monkeypatch.context() as patch:
        patch.setattr("fctl_geo.products.vector_writer.swap_in", fail)
        with pytest.raises(OutputError, match="the folder is gone"):
            polygonise(classes, [tmp_path / "a.gpkg", database.address("roofs")], legend=LEGEND)
    with monkeypatch.context() as patch:
        patch.setattr("fctl_geo.products.postgis._store_style", fail)
        with pytest.raises(OutputError, match="the folder is gone"):
            polygonise(classes, [tmp_path / "a.gpkg", database.address("roofs")], legend=LEGEND)
    assert tables(database) == set() and not (tmp_path / "a.gpkg").exists()


def test_a_server_that_goes_away_is_named(database: Database, classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_polygons, "CHUNK_ROWS", 20)

    class Axe(Silent):
        def advance(self, steps: int = 1) -> None:
            database.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fctl-geo'")
            time.sleep(0.2)

    with pytest.raises(OutputError, match=r"table=roofs: .*(terminat|closed|lost|connection)"):
        polygonise(classes, [database.address("roofs")], legend=LEGEND, progress=Axe())
    assert tables(database) == set()


def test_a_table_that_another_program_holds_is_not_waited_for_without_end(
    database: Database, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    monkeypatch.setattr("fctl_geo.products.postgis_table.CHECK_WAIT", "200ms")
    with closing(database.connect()) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM roofs")
        polygonise(classes, [database.address("roofs")], legend=LEGEND, append=True)
        with pytest.raises(OutputError, match="lock timeout") as told:
            polygonise(classes, [database.address("roofs")], legend=LEGEND, overwrite=True)
        assert "another program holds the table" in told.value.hint


def test_a_killed_run_leaves_the_old_rows(database: Database, tmp_path: Path, classes: Path) -> None:
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    before = rows(database, "roofs")
    script = f"""
import time
from pathlib import Path
from fctl_geo import polygonise
from fctl_geo.products import temporary_polygons
from fctl_geo.progress import Silent
temporary_polygons.CHUNK_ROWS = 20
class Slow(Silent):
    def stage(self, name, total): self.writing = name == "write polygons"
    def advance(self, steps=1):
        if self.writing: print("on its way", flush=True); time.sleep(60)
polygonise(Path({str(classes)!r}), [Path({str(database.address("roofs"))!r})], append=True, progress=Slow())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stdout.readline() == "on its way\n"
        run.send_signal(signal.SIGKILL)
    polygonise(classes, [database.address("others")], legend=LEGEND)
    assert rows(database, "roofs") == before


def test_runs_that_write_to_one_table_at_the_same_time_do_not_disturb_each_other(
    database: Database, tmp_path: Path
) -> None:
    paths = [write_classes(tmp_path / f"{seed}.tif", seed) for seed in (0, 1, 2)]
    errors: list[Exception] = []

    def run(path: Path) -> None:
        try:
            polygonise(path, [database.address("roofs")], legend=LEGEND, append=True)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(path,)) for path in (*paths, *paths)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    expected = [polygonise(path, [tmp_path / f"{path.stem}.gpkg"], legend=LEGEND).polygons for path in paths]
    found = database.ask("SELECT count(*) FROM roofs GROUP BY scene ORDER BY scene")
    assert [count for (count,) in found] == expected


def test_readers_see_the_old_table_until_the_new_one_is_complete(
    database: Database, tmp_path: Path, classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_polygons, "CHUNK_ROWS", 20)
    polygonise(classes, [database.address("roofs")], legend=LEGEND)
    before, seen = rows(database, "roofs"), []

    class Curious(Silent):
        writing = False

        def stage(self, name: str, total: int) -> None:
            self.writing = name == "write polygons"

        def advance(self, steps: int = 1) -> None:
            if self.writing:
                seen.append(rows(database, "roofs") == before)

    other = write_classes(tmp_path / "other.tif", seed=1)
    polygonise(other, [database.address("roofs")], legend=LEGEND, overwrite=True, progress=Curious())
    assert len(seen) > 3 and all(seen) and rows(database, "roofs") != before


def test_without_the_right_to_store_styles_the_table_is_written_and_this_is_said(
    database: Database, classes: Path
) -> None:
    database.ask("CREATE ROLE writer LOGIN")
    database.ask("CREATE SCHEMA maps AUTHORIZATION writer")
    told = Told()
    polygonise(classes, [database.address("maps.roofs", user="writer")], legend=LEGEND, progress=told)
    assert any("the colors are not stored" in words for words in told.words)
    assert len(rows(database, "maps.roofs")) > 0


def test_a_table_is_read_by_geopandas(database: Database, classes: Path) -> None:
    """Another reader than psycopg's rows: WKB by way of the EWKB that PostGIS stores."""
    summary = polygonise(classes, [database.address("roofs")], legend=LEGEND)
    with closing(database.connect()) as connection:
        found: Sequence[tuple[str, str]] = connection.execute("SELECT class_name, geom::text FROM roofs").fetchall()
    shapes = shapely.from_wkb([words for _, words in found])
    frame = geopandas.GeoDataFrame({"class_name": [name for name, _ in found]}, geometry=shapes)
    assert set(shapely.get_srid(shapes)) == {32633} and len(frame) == summary.polygons
    for total in summary.classes:
        assert frame[frame["class_name"] == total.name].area.sum() == pytest.approx(total.area, rel=1e-2)
