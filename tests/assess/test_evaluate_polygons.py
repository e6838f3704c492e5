"""Files against files: any CRS measured in meters, classes, areas, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from shapely.affinity import translate

from fctl_geo.assess.error_layers import write_errors
from fctl_geo.assess.evaluate_polygons import PolygonEvaluation, evaluate_polygons
from fctl_geo.assess.report import polygon_values, write_json
from fctl_geo.assess.settings import ComparisonSettings
from fctl_geo.errors import SettingsError, TrainingError
from fctl_geo.progress import Silent

UTM = "EPSG:32645"
EAST, NORTH = 350_000.0, 3_060_000.0
"""Near Banepa, Nepal."""


class Notes(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def house(column: int, row: int = 0, width: float = 10, height: float = 8) -> shapely.Polygon:
    """A house on its lot of 20 m."""
    return shapely.box(EAST + 20 * column, NORTH + 20 * row, EAST + 20 * column + width, NORTH + 20 * row + height)


HOUSES = [house(column, row) for row in range(4) for column in range(5)]


def write(path: Path, shapes: Sequence[object], crs: str | None = UTM, *, given: str = UTM, **columns: object) -> Path:
    """Shapes that are given in one CRS, in another one."""
    frame = geopandas.GeoDataFrame(columns, geometry=list(shapes), crs=given)
    frame = frame.set_crs(None, allow_override=True) if crs is None else frame.to_crs(crs)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        pyogrio.write_dataframe(frame, path, layer=path.stem)
    return path


def moved(shapes: Sequence[shapely.Geometry], east_m: float, north_m: float = 0.0) -> list[shapely.Geometry]:
    return [translate(shape, east_m, north_m) for shape in shapes]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write(tmp_path / "truth.gpkg", HOUSES)


def test_a_file_against_itself_is_perfect(truth: Path) -> None:
    found = evaluate_polygons(truth, truth).total
    assert (found.objects.f1, found.objects.mean_f1, found.objects.matched) == (1.0, 1.0, 20)
    of = found.outlines
    assert (of.polis, of.boundary, of.hausdorff_95, of.angle) == pytest.approx((0, 0, 0, 0), abs=1e-9)
    assert (of.iou, of.vertex_ratio) == (1, 1)


@pytest.mark.parametrize("found_crs", [UTM, "EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("crs", [UTM, "EPSG:4326", "EPSG:3857", "EPSG:32644", "ESRI:54009"])
def test_distances_are_meters_on_the_ground_in_any_crs(tmp_path: Path, crs: str, found_crs: str) -> None:
    truth = write(tmp_path / "truth.gpkg", HOUSES, crs)
    found = evaluate_polygons(write(tmp_path / "found.fgb", moved(HOUSES, 1.0), found_crs), truth)
    assert found.unit == "m"
    assert found.total.outlines.polis == pytest.approx(0.5, rel=3e-3)
    assert found.total.outlines.iou == pytest.approx(72 / 88, rel=3e-3)
    assert found.total.objects.matched == 20


@pytest.mark.parametrize("crs", ["EPSG:2225", "EPSG:4267", "EPSG:26910"])
def test_feet_and_another_datum_are_meters_on_the_ground(tmp_path: Path, crs: str) -> None:
    """California: state plane in US survey feet, NAD27 in degrees, UTM."""
    truth = write(tmp_path / "truth.gpkg", HOUSES, "EPSG:2225", given="EPSG:26910")
    at = moved(HOUSES, 150_000, 1_440_000)
    truth = write(tmp_path / "truth.gpkg", at, "EPSG:2225", given="EPSG:26910")
    found = evaluate_polygons(
        write(tmp_path / "found.gpkg", moved(at, 1.0), crs, given="EPSG:26910"), truth
    ).total.outlines
    assert (found.polis, found.iou) == (pytest.approx(0.5, rel=2e-3), pytest.approx(72 / 88, rel=2e-3))


def test_houses_on_both_sides_of_the_antimeridian_are_neighbors(tmp_path: Path) -> None:
    d = 1e-4
    shapes = [shapely.box(180 - 3 * d, -17, 180 - d, -17 + d), shapely.box(-180 + d, -17, -180 + 3 * d, -17 + d)]
    truth = write(tmp_path / "truth.gpkg", shapes, "EPSG:4326", given="EPSG:4326")
    found = evaluate_polygons(truth, truth)
    west, east = shapely.area(found.true.shapes)
    assert found.total.objects.f1 == 1 and west == pytest.approx(east)
    north = write(tmp_path / "found.gpkg", moved(shapes, 0, d / 10), "EPSG:4326", given="EPSG:4326")
    assert evaluate_polygons(north, truth).total.outlines.polis == pytest.approx(0.55, rel=0.01), "half of 1.107 m"


def test_without_a_crs_distances_are_in_the_files_units_unless_their_size_is_given(tmp_path: Path) -> None:
    notes = Notes()
    files = write(tmp_path / "found.gpkg", moved(HOUSES, 1.0), None), write(tmp_path / "truth.gpkg", HOUSES, None)
    bare = evaluate_polygons(*files, progress=notes)
    assert (bare.unit, bare.total.outlines.polis) == ("px", pytest.approx(0.5))
    assert ["units of their coordinates" in text for text in notes.warned] == [True]
    sized = evaluate_polygons(*files, ComparisonSettings(gsd_m=0.25))
    assert (sized.unit, sized.total.outlines.polis) == ("m", pytest.approx(0.125))
    mixed = evaluate_polygons(files[0], write(tmp_path / "utm.gpkg", HOUSES), progress=notes)
    assert mixed.unit == "m" and mixed.total.outlines.polis == pytest.approx(0.5, rel=2e-3)
    assert "found.gpkg has no CRS" in notes.warned[-1]


def test_a_site_grid_in_feet_is_a_plane_in_meters(tmp_path: Path) -> None:
    feet = 'ENGCRS["site",EDATUM["site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["foot",0.3048]]'
    files = (
        write(tmp_path / "found.gpkg", moved(HOUSES, 1.0), feet, given=feet),
        write(tmp_path / "truth.gpkg", HOUSES, feet, given=feet),
    )
    found = evaluate_polygons(*files)
    assert (found.unit, found.total.outlines.polis) == ("m", pytest.approx(0.1524))
    with pytest.raises(TrainingError, match="neither can be converted") as caught:
        evaluate_polygons(write(tmp_path / "utm.gpkg", HOUSES), files[1])
    assert "one CRS" in caught.value.hint


def test_objects_are_counted_by_what_became_of_them(tmp_path: Path, truth: Path) -> None:
    found = [
        *HOUSES[:10],
        shapely.union(HOUSES[10], HOUSES[11]).envelope,  # one roof for two
        *(translate(house(2, 2, 4.5), dx) for dx in (0, 5.5)),  # HOUSES[12] in two pieces
        house(7, 7),  # nothing is there
    ]
    scored = evaluate_polygons(write(tmp_path / "found.gpkg", found), truth).total.objects
    assert (scored.truth, scored.found, scored.matched) == (20, 14, 10)
    assert (scored.merged, scored.split, scored.missed, scored.false) == (2, 1, 7, 1)
    assert (scored.precision, scored.recall) == (10 / 14, 10 / 20)


def test_a_feature_is_one_object_whatever_its_parts(tmp_path: Path) -> None:
    notes = Notes()
    pair = shapely.MultiPolygon([house(0), house(1)])
    overlapping = shapely.MultiPolygon([house(3), translate(house(3), 5)])
    bowtie = shapely.Polygon([(EAST, NORTH + 40), (EAST + 9, NORTH + 49), (EAST + 9, NORTH + 40), (EAST, NORTH + 49)])
    truth = write(tmp_path / "truth.gpkg", [pair, overlapping, bowtie])
    found = evaluate_polygons(truth, truth, progress=notes)
    assert found.total.objects.matched == found.total.objects.truth == 3
    assert sum("2 features have several parts" in text for text in notes.said) == 2
    assert shapely.area(found.true.shapes[1]) == pytest.approx(15 * 8), "not what remains of an overlap"


def test_classes_are_compared_with_their_own_kind(tmp_path: Path) -> None:
    notes = Notes()
    kinds = ["house"] * 10 + ["road"] * 10
    truth = write(tmp_path / "truth.gpkg", HOUSES, kind=kinds)
    names = ["Building"] * 9 + ["road"] * 10 + ["water"]
    found_file = write(tmp_path / "found.gpkg", HOUSES, class_name=names)
    by = ComparisonSettings("kind", {"house": "building", "road": "road"})
    found = evaluate_polygons(found_file, truth, by, progress=notes)
    assert list(found.classes) == ["building", "road"]
    assert (found.classes["building"].objects.matched, found.classes["building"].objects.truth) == (9, 10)
    road = found.classes["road"].objects
    assert (road.matched, road.found, road.missed, road.false) == (9, 10, 1, 1)
    assert found.total.objects.matched == 18 and "no such class: water" in notes.warned[-1]
    one = evaluate_polygons(found_file, truth, ComparisonSettings(classes={"*": "building"}), progress=notes)
    assert (one.total.objects.truth, one.total.objects.found) == (20, 9)
    with pytest.raises(TrainingError, match=r"found\.gpkg \(Building, road, water\).*truth\.gpkg \(object\)") as caught:
        evaluate_polygons(found_file, truth)
    assert "--classes building" in caught.value.hint
    with pytest.raises(TrainingError, match="no class column"):
        evaluate_polygons(write(tmp_path / "bare.gpkg", HOUSES), truth, by)
    with pytest.raises(SettingsError, match="no column"):
        ComparisonSettings(classes={"house": "building"})


@pytest.mark.parametrize("area_crs", [UTM, "EPSG:4326"])
def test_in_an_area_objects_at_its_border_do_not_count_on_either_side(tmp_path: Path, area_crs: str) -> None:
    area_file = write(tmp_path / "area.gpkg", [shapely.box(EAST - 5, NORTH - 5, EAST + 45, NORTH + 75)], area_crs)
    cut = [shape.intersection(shapely.box(EAST - 5, NORTH - 5, EAST + 45, NORTH + 75)) for shape in HOUSES]
    truth = write(tmp_path / "truth.gpkg", [shape for shape in cut if not shape.is_empty])  # 2 whole columns, 1 cut
    found_file = write(tmp_path / "found.gpkg", moved(HOUSES, 0.5))
    found = evaluate_polygons(found_file, truth, ComparisonSettings(aoi=area_file))
    o = found.total.objects
    assert (o.truth, o.found, o.matched, o.missed, o.false) == (8, 8, 8, 0, 0)
    everywhere = evaluate_polygons(found_file, truth).total.objects
    assert (everywhere.truth, everywhere.found, everywhere.matched) == (12, 20, 8)


def test_a_match_counts_as_its_reference_object_does(tmp_path: Path) -> None:
    area = write(tmp_path / "area.gpkg", [shapely.box(EAST - 1, NORTH - 1, EAST + 30.5, NORTH + 30)])
    truth = write(tmp_path / "truth.gpkg", [house(0), house(1)])  # the second ends 0.5 m inside
    across = write(tmp_path / "found.gpkg", moved([house(0), house(1)], 1.0))  # and here 0.5 m outside
    o = evaluate_polygons(across, truth, ComparisonSettings(aoi=area)).total.objects
    assert (o.truth, o.found, o.matched) == (2, 2, 2)
    back = evaluate_polygons(truth, across, ComparisonSettings(aoi=area)).total.objects
    assert (back.truth, back.found, back.matched) == (1, 1, 1)
    far = write(tmp_path / "far.gpkg", moved([house(0)], 9000))
    with pytest.raises(TrainingError, match=r"lies entirely in far\.gpkg"):
        evaluate_polygons(across, truth, ComparisonSettings(aoi=far))


def test_polygons_where_there_is_no_reference_are_pointed_out(tmp_path: Path, truth: Path) -> None:
    notes = Notes()
    evaluate_polygons(write(tmp_path / "more.gpkg", [*HOUSES, *moved(HOUSES, 500)]), truth, progress=notes)
    assert "20 of 40 polygons of more.gpkg lie outside" in notes.warned[0] and "--aoi" in notes.warned[0]
    evaluate_polygons(write(tmp_path / "off.gpkg", moved(HOUSES, 500)), truth, progress=notes)
    assert "check the CRS" in notes.warned[1]


def test_a_file_without_polygons_found_nothing(tmp_path: Path, truth: Path) -> None:
    none = write(tmp_path / "none.gpkg", [])
    found = evaluate_polygons(none, truth)
    assert (found.total.objects.found, found.total.objects.missed, found.total.objects.f1) == (0, 20, 0)
    values = polygon_values(found)
    assert values["all"]["PoLiS"] is None and values["all"]["precision"] is None
    write_errors(found, tmp_path / "errors.gpkg")
    assert pyogrio.read_info(tmp_path / "errors.gpkg", layer="polygons")["features"] == 0


def test_what_cannot_be_measured_is_refused(tmp_path: Path, truth: Path) -> None:
    text, points = tmp_path / "text.gpkg", tmp_path / "points.gpkg"
    text.write_text("no")
    write(points, [shape.centroid for shape in HOUSES])
    for found, told in (
        (tmp_path / "gone.gpkg", "does not exist"),
        (text, "not a vector file"),
        (points, "no polygons"),
    ):
        with pytest.raises(TrainingError, match=told):
            evaluate_polygons(found, truth)
        with pytest.raises(TrainingError, match=told):
            evaluate_polygons(truth, found)
    with pytest.raises(TrainingError, match="no column 'kind'"):
        evaluate_polygons(truth, truth, ComparisonSettings("kind"))


def errors_of(path: Path, layer: str) -> geopandas.GeoDataFrame:
    return geopandas.read_file(path, layer=layer, engine="pyogrio")


def evaluated(tmp_path: Path) -> PolygonEvaluation:
    truth = write(tmp_path / "truth.gpkg", HOUSES, "EPSG:4326")
    found = [*moved(HOUSES[:10], 1.0), shapely.union(HOUSES[10], HOUSES[11]).envelope, house(7, 7)]
    area = write(tmp_path / "area.gpkg", [shapely.box(EAST - 5, NORTH - 5, EAST + 300, NORTH + 55)])
    return evaluate_polygons(write(tmp_path / "found.gpkg", found), truth, ComparisonSettings(aoi=area))


def test_every_object_is_in_the_layers_of_errors(tmp_path: Path) -> None:
    found = evaluated(tmp_path)
    write_errors(found, tmp_path / "errors.gpkg")
    truth, polygons = (errors_of(tmp_path / "errors.gpkg", layer) for layer in ("reference", "polygons"))
    assert (truth.crs.to_epsg(), polygons.crs.to_epsg()) == (4326, 32645), "the coordinates are the files' own"
    o = found.total.objects
    counts = truth["result"].value_counts()
    assert dict(counts) == {"matched": 10, "merged": 2, "missed": 3, "not counted": 5}
    assert (o.matched, o.merged, o.missed) == (10, 2, 3)
    assert dict(polygons["result"].value_counts()) == {"matched": 10, "merged": 1, "not counted": 1}
    matched = truth[truth["result"] == "matched"]
    np.testing.assert_allclose(matched["polis_m"], 0.5, rtol=3e-3)
    assert (matched["feature"] == matched["match"]).all() and (matched["vertices"] == 4).all()
    rest = truth[truth["result"] != "matched"]
    assert rest[["polis_m", "boundary_m", "hausdorff_95_m", "angle_deg", "vertices", "match"]].isna().all(axis=None)
    assert rest["iou"].max() == pytest.approx(80 / 240, abs=1e-3), "of a house in the roof of two"
    assert set(pyogrio.list_layers(tmp_path / "errors.gpkg")[:, 0]) == {"reference", "polygons", "layer_styles"}


def test_the_layers_of_errors_are_the_same_bytes_again(tmp_path: Path) -> None:
    found = evaluated(tmp_path)
    for name in ("one.gpkg", "two.gpkg"):
        write_errors(found, tmp_path / name)
    assert (tmp_path / "one.gpkg").read_bytes() == (tmp_path / "two.gpkg").read_bytes()


def test_the_numbers_are_json(tmp_path: Path, truth: Path) -> None:
    write_json(evaluate_polygons(truth, truth), tmp_path / "n.json")
    told = json.loads((tmp_path / "n.json").read_text())
    assert told["all"] == told["classes"]["object"] and told["all"]["F1_50_95"] == 1.0 and told["unit"] == "m"


def test_measuring_polygons_starts_without_torch() -> None:
    code = (
        "import sys, fctl_geo.assess.evaluate_polygons, fctl_geo.assess.error_layers, fctl_geo_cli.evaluate;"
        "heavy = {'torch', 'matplotlib', 'lightning_fabric'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
