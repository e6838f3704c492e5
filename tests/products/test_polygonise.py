"""The whole stage: class raster in, products out; the second witness is rasterio's rasterize."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize

from fctl_geo.errors import Cancelled, OutputError, ReadError, SceneError, SettingsError
from fctl_geo.polygons import strips as strips_module
from fctl_geo.products.polygonise import PolygonSummary, polygonise
from fctl_geo.progress import Silent
from fctl_geo.settings import PolygonSettings
from fctl_geo.spec import ClassInfo, Legend

LEGEND = Legend(
    (
        ClassInfo(0, "land", (200, 200, 200), background=True),
        ClassInfo(1, "building", (200, 0, 0)),
        ClassInfo(2, "water", (0, 0, 200)),
    )
)
UTM = Affine(0.5, 0, 400_000, 0, -0.5, 5_000_000)


def make_classes(height: int = 60, width: int = 70, seed: int = 0) -> NDArray[np.uint8]:
    """Patches of 5 x 5 px of classes 0, 1, 2 and nodata."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.array([0, 1, 2, 255], np.uint8), size=(-(-height // 5), -(-width // 5)))
    return np.kron(coarse, np.ones((5, 5), np.uint8))[:height, :width]


def make_raster(
    path: Path, values: NDArray[np.uint8], *, crs: str | None = "EPSG:32633", transform: Affine = UTM, block: int = 16
) -> Path:
    height, width = values.shape
    layout = {"tiled": True, "blockxsize": block, "blockysize": block} if block else {"blockysize": height}
    place = {"crs": crs, "transform": transform} if crs else {}
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "nodata": 255}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile, **layout, **place) as file:
            file.write(values, 1)
    return path


def read(path: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_file(path, layer=path.stem) if path.suffix == ".gpkg" else geopandas.read_parquet(path)


def burn(frame: geopandas.GeoDataFrame, shape: tuple[int, int], transform: Affine) -> NDArray[np.uint8]:
    pairs = list(zip(frame.geometry, frame["class_id"], strict=True))
    if not pairs:
        return np.full(shape, 255, np.uint8)
    return rasterize(pairs, out_shape=shape, transform=transform, fill=255, dtype="uint8")


class Listener(Silent):
    def __init__(self, cancel_after: int | None = None) -> None:
        self.stages: dict[str, list[int]] = {}
        self.warned: list[str] = []
        self._cancel_after = cancel_after
        self._now = ""

    def stage(self, name: str, total: int) -> None:
        self._now = name
        self.stages[name] = [total, 0]

    def advance(self, steps: int = 1) -> None:
        self.stages[self._now][1] += steps

    def warn(self, text: str) -> None:
        self.warned.append(text)

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        done = self.stages.get("polygonise", [0, 0])[1]
        return self._cancel_after is not None and done >= self._cancel_after


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 40), width=st.integers(1, 80), seed=st.integers(0, 99), block=st.sampled_from([0, 16]))
def test_polygons_cover_exactly_the_pixels_of_their_class(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, seed: int, block: int
) -> None:
    folder = tmp_path_factory.mktemp("law")
    values = np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), size=(height, width))
    raster = make_raster(folder / "c.tif", values, block=block)
    polygonise(raster, [folder / "c.parquet"], legend=LEGEND)
    frame = read(folder / "c.parquet")
    assert frame.geometry.is_valid.all()
    assert np.array_equal(burn(frame, values.shape, UTM), np.where(values == 0, 255, values))


def test_areas_are_ellipsoidal_and_summed_by_class(tmp_path: Path) -> None:
    values = make_classes()
    degrees = Affine(1e-5, 0, 13.0, 0, -1e-5, 52.0)
    raster = make_raster(tmp_path / "c.tif", values, crs="EPSG:4326", transform=degrees)
    summary = polygonise(raster, [tmp_path / "c.parquet"], legend=LEGEND)
    frame = read(tmp_path / "c.parquet")
    geod = Geod(ellps="WGS84")
    true = [abs(geod.geometry_area_perimeter(g)[0]) for g in frame.geometry.segmentize(1e-5)]
    assert frame["area_m2"].to_numpy() == pytest.approx(np.array(true), rel=1e-5, abs=0.01)
    assert summary.unit == "m2"
    assert [(t.id, t.name) for t in summary.classes] == [(1, "building"), (2, "water")]
    for total in summary.classes:
        mine = frame[frame["class_id"] == total.id]
        assert total.polygons == len(mine)
        assert total.area == pytest.approx(mine["area_m2"].sum())
    assert summary.polygons == len(frame)
    assert summary.paths == (tmp_path / "c.parquet", tmp_path / "c.qml")


def test_without_a_crs_areas_are_pixels(tmp_path: Path) -> None:
    values = make_classes()
    raster = make_raster(tmp_path / "c.tif", values, crs=None)
    summary = polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND)
    assert summary.unit == "px"
    assert {t.id: t.area for t in summary.classes} == {i: (values == i).sum() for i in (1, 2)}
    frame = read(tmp_path / "a.gpkg")
    assert frame["area_px"].sum() == np.isin(values, (1, 2)).sum()
    assert np.array_equal(burn(frame, values.shape, Affine.identity()), np.where(values == 0, 255, values))


def test_a_given_gsd_makes_square_meters_of_pixels(tmp_path: Path) -> None:
    values = make_classes()
    raster = make_raster(tmp_path / "c.tif", values, crs=None)
    summary = polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND, gsd_m=0.5)
    assert summary.unit == "m2"
    assert sum(t.area for t in summary.classes) == np.isin(values, (1, 2)).sum() / 4


def test_confidence_is_the_mean_of_a_polygons_pixels(tmp_path: Path) -> None:
    values = np.array([[1, 1, 0, 2]], np.uint8)
    raster = make_raster(tmp_path / "c.tif", values)
    percent = make_raster(tmp_path / "p.tif", np.array([[90, 81, 3, 60]], np.uint8))
    polygonise(raster, [tmp_path / "c.parquet"], legend=LEGEND, confidence_path=percent)
    assert read(tmp_path / "c.parquet").set_index("class_id")["confidence"].to_dict() == {1: 85.5, 2: 60.0}


def test_without_confidence_the_column_is_null(tmp_path: Path) -> None:
    polygonise(make_raster(tmp_path / "c.tif", make_classes()), [tmp_path / "c.parquet"], legend=LEGEND)
    assert read(tmp_path / "c.parquet")["confidence"].isna().all()


def test_a_confidence_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    raster, out = make_raster(tmp_path / "c.tif", np.full((4, 4), 1, np.uint8)), tmp_path / "a.gpkg"
    small = make_raster(tmp_path / "s.tif", np.full((4, 3), 50, np.uint8))
    with pytest.raises(SceneError, match="3 x 4 px"):
        polygonise(raster, [out], legend=LEGEND, confidence_path=small)
    holes = make_raster(tmp_path / "h.tif", np.array([[50] * 4, [50, 255, 50, 50], [50] * 4, [50] * 4], np.uint8))
    with pytest.raises(SceneError, match="row 1, column 1 is 255"):
        polygonise(raster, [out], legend=LEGEND, confidence_path=holes)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.tif", "h.tif", "s.tif"]


def test_named_classes_alone_get_polygons_even_the_background(tmp_path: Path) -> None:
    values = make_classes()
    raster = make_raster(tmp_path / "c.tif", values)
    polygonise(raster, [tmp_path / "a.gpkg"], PolygonSettings(classes=("land", "water")), legend=LEGEND)
    frame = read(tmp_path / "a.gpkg")
    assert set(frame["class_name"]) == {"land", "water"}
    assert np.array_equal(burn(frame, values.shape, UTM), np.where(values == 1, 255, values))


def test_an_unknown_class_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "c.tif", make_classes())
    with pytest.raises(SettingsError, match="no class 'road'") as caught:
        polygonise(raster, [tmp_path / "a.gpkg"], PolygonSettings(classes=("road",)), legend=LEGEND)
    assert "land, building, water" in caught.value.hint


def test_a_raster_without_names_lists_few_of_its_254_classes(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "plain.tif", make_classes())
    with pytest.raises(SettingsError) as caught:
        polygonise(raster, [tmp_path / "a.gpkg"], PolygonSettings(classes=("1",)))
    assert caught.value.hint == "available classes: class 0, class 1, class 2, ..., class 254"


def test_small_regions_go_to_their_neighbors(tmp_path: Path) -> None:
    values = np.full((30, 30), 1, np.uint8)
    values[3:5, 3:5] = 2  # 4 px = 1 m²
    values[10:20, 10:20] = 2  # 25 m²
    raster = make_raster(tmp_path / "c.tif", values)
    summary = polygonise(raster, [tmp_path / "a.gpkg"], PolygonSettings(min_area_m2=2.0), legend=LEGEND)
    assert [(t.name, t.polygons) for t in summary.classes] == [("building", 1), ("water", 1)]
    values[3:5, 3:5] = 1
    assert np.array_equal(burn(read(tmp_path / "a.gpkg"), values.shape, UTM), values)


def test_simplified_polygons_have_their_own_areas(tmp_path: Path) -> None:
    rows, cols = np.mgrid[:80, :80]
    values = np.where(cols + rows / 3 < 60, 1, 2).astype(np.uint8)  # a border of stairs becomes a line
    raster = make_raster(tmp_path / "c.tif", values)
    polygonise(raster, [tmp_path / "exact.parquet"], legend=LEGEND)
    polygonise(raster, [tmp_path / "simple.parquet"], PolygonSettings(simplify_m=0.6), legend=LEGEND)
    exact, simple = read(tmp_path / "exact.parquet"), read(tmp_path / "simple.parquet")
    assert simple.geometry.count_coordinates().sum() < exact.geometry.count_coordinates().sum() / 2
    scale = exact["area_m2"] / exact.geometry.area
    assert simple["area_m2"].to_numpy() == pytest.approx((simple.geometry.area * scale).to_numpy(), rel=1e-6)
    assert simple.geometry.area.sum() == pytest.approx(exact.geometry.area.sum())


def test_a_tolerance_that_is_cut_is_cut_aloud(tmp_path: Path) -> None:
    listener, wide = Listener(), PolygonSettings(simplify_m=50)
    raster = make_raster(tmp_path / "c.tif", make_classes())
    polygonise(raster, [tmp_path / "a.gpkg"], wide, legend=LEGEND, progress=listener)
    assert any("50 m is 100" in text for text in listener.warned)


def test_products_do_not_depend_on_strips_or_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = make_classes(150, 90)
    contents: dict[str, set[bytes]] = {".gpkg": set(), ".parquet": set(), ".fgb": set(), ".geojson": set()}
    for rows, block in ((1, 16), (50, 32), (1000, 0)):
        monkeypatch.setattr(strips_module, "STRIP_ROWS", rows)
        folder = tmp_path / f"{rows}"
        folder.mkdir()
        raster = make_raster(folder / "c.tif", values, block=block)
        outs = [folder / f"a{ending}" for ending in contents]
        polygonise(raster, outs, PolygonSettings(min_area_m2=10), legend=LEGEND)
        for out in outs:
            contents[out.suffix].add(out.read_bytes())
    assert {ending: len(found) for ending, found in contents.items()} == dict.fromkeys(contents, 1)


def test_a_file_in_one_block_is_read_in_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips_module, "STRIP_BYTES", 700)
    values = make_classes()
    raster = make_raster(tmp_path / "c.tif", values, block=0)
    polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND)
    assert np.array_equal(burn(read(tmp_path / "a.gpkg"), values.shape, UTM), np.where(values == 0, 255, values))


def test_classes_without_a_name_are_polygons_with_a_number_and_a_style(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "c.tif", np.array([[1, 9]], np.uint8))
    polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND)
    assert set(read(tmp_path / "a.gpkg")["class_name"]) == {"building", "class 9"}
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as database:
        (style,) = database.execute("SELECT styleQML FROM layer_styles").fetchone()
    assert 'value="class 9"' in style and 'value="water"' in style and "land" not in style


def test_old_qgis_reads_geopackages_without_a_warning(tmp_path: Path) -> None:
    """GDAL older than 3.7 warns of every version above 1.3."""
    raster = make_raster(tmp_path / "c.tif", np.array([[1, 1]], np.uint8))
    polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND)
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)


def test_a_raster_without_names_is_styled_by_what_it_has(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "c.tif", np.array([[1, 9]], np.uint8))
    polygonise(raster, [tmp_path / "a.fgb"])
    assert (tmp_path / "a.qml").read_text().count("<category ") == 2


def test_settings_and_model_are_in_the_metadata(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "c.tif", make_classes())
    polygonise(raster, [tmp_path / "a.geojson"], legend=LEGEND, metadata={"model": "buildings"})
    about = json.loads(json.loads((tmp_path / "a.geojson").read_text())["description"])
    assert about["model"] == "buildings"
    assert json.loads(about["polygon_settings"])["simplify_m"] == 0


def test_progress_runs_through_all_rows_and_polygons(tmp_path: Path) -> None:
    listener = Listener()
    outs = [tmp_path / "a.gpkg", tmp_path / "a.fgb"]
    summary = polygonise(make_raster(tmp_path / "c.tif", make_classes()), outs, legend=LEGEND, progress=listener)
    assert listener.stages == {"polygonise": [60, 60], "write polygons": [2 * summary.polygons] * 2}


def test_a_cancelled_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips_module, "STRIP_ROWS", 16)
    raster = make_raster(tmp_path / "c.tif", make_classes())
    with pytest.raises(Cancelled):
        polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND, progress=Listener(cancel_after=32))
    assert list(tmp_path.iterdir()) == [raster]


def test_a_damaged_raster_leaves_nothing(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "c.tif", np.random.default_rng(0).integers(0, 3, (600, 600), np.uint8))
    raster.write_bytes(raster.read_bytes()[:200_000])
    with pytest.raises(ReadError, match="damaged"):
        polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND)
    assert list(tmp_path.iterdir()) == [raster]


def test_outputs_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="extension"):
        polygonise(tmp_path / "missing.tif", [tmp_path / "a.tif"])
    with pytest.raises(SceneError, match="does not exist"):
        polygonise(tmp_path / "missing.tif", [tmp_path / "a.gpkg"])


def test_a_raster_all_nodata_gives_an_empty_product(tmp_path: Path) -> None:
    raster = make_raster(tmp_path / "c.tif", np.full((3, 3), 255, np.uint8))
    summary = polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND)
    assert isinstance(summary, PolygonSummary)
    assert (summary.polygons, summary.classes) == (0, ())
    assert len(read(tmp_path / "a.gpkg")) == 0


def test_polygons_off_the_globe_have_no_area_and_that_is_told(tmp_path: Path) -> None:
    globe = "+proj=ortho +lat_0=0 +lon_0=0 +R=6371000"
    transform = Affine(400_000, 0, -8_000_000, 0, -400_000, 8_000_000)
    values = np.full((40, 40), 255, np.uint8)
    values[0, :3], values[20, 10:13] = 1, 1
    raster = make_raster(tmp_path / "c.tif", values, crs=globe, transform=transform)
    listener = Listener()
    polygonise(raster, [tmp_path / "a.gpkg"], legend=LEGEND, progress=listener)
    assert read(tmp_path / "a.gpkg")["area_m2"].isna().tolist() == [True, False]
    assert any("1 polygons lie outside" in text for text in listener.warned)


def test_an_interrupt_while_a_product_is_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Listener, steps: int = 1) -> None:
        if "write polygons" in self.stages:
            raise KeyboardInterrupt

    monkeypatch.setattr(Listener, "advance", interrupt)
    raster = make_raster(tmp_path / "c.tif", make_classes())
    for ending in ("gpkg", "fgb", "parquet", "geojson"):
        with pytest.raises(KeyboardInterrupt):
            polygonise(raster, [tmp_path / f"a.{ending}"], legend=LEGEND, progress=Listener())
    assert list(tmp_path.iterdir()) == [raster]


PEAK = """
import resource, sys
from pathlib import Path
from fctl_geo.products.polygonise import polygonise
from fctl_geo.settings import PolygonSettings
small, large, out = map(Path, sys.argv[1:4])
settings = PolygonSettings(max_vertices=20_000, min_area_m2=float(sys.argv[4]), simplify_m=float(sys.argv[5]))
for classes in (small, large):
    summary = polygonise(classes, [out], settings, overwrite=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, summary.cut_regions, summary.parts)
"""


def make_percolating(path: Path, height: int, width: int = 512) -> Path:
    """Noise at the percolation threshold: nearly all pixels of class 1 are one region of about 1.3 vertices a pixel."""
    values = (np.random.default_rng(0).random((height, width)) < 0.62).astype(np.uint8)
    return make_raster(path, values, block=256)


@pytest.mark.parametrize(("min_area_px", "simplify_px"), [(0, 0), (5, 1)])
def test_peak_memory_does_not_grow_with_a_region_that_never_ends(
    tmp_path: Path, min_area_px: int, simplify_px: int
) -> None:
    small, large = (make_percolating(tmp_path / f"{height}.tif", height) for height in (1024, 6144))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, small, large, tmp_path / "a.parquet", str(min_area_px / 4), str(simplify_px / 2)],
        capture_output=True,
        text=True,
        check=True,
    )
    (small_mib, *_), (large_mib, regions, parts) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert regions >= 1 and parts > 10
    assert large_mib < small_mib + 60  # in one piece it takes 300 MiB more


def test_parts_of_a_region_share_their_id_and_the_summary_says_so(tmp_path: Path) -> None:
    raster = make_percolating(tmp_path / "noise.tif", 256)
    whole = polygonise(raster, [tmp_path / "whole.parquet"])
    listener = Listener()
    settings = PolygonSettings(max_vertices=10_000)
    summary = polygonise(raster, [tmp_path / f"cut.{e}" for e in ("parquet", "gpkg")], settings, progress=listener)
    assert whole.cut_regions == whole.parts == 0 and summary.parts > summary.cut_regions >= 1
    assert any("share an object_id" in text and "--max-vertices" in text for text in listener.warned)
    one, cut = (geopandas.read_parquet(tmp_path / f"{name}.parquet") for name in ("whole", "cut"))
    assert one["object_id"].is_unique and set(one["object_id"]) == set(cut["object_id"])
    assert len(cut) - len(one) == summary.parts - summary.cut_regions
    assert cut.groupby("object_id")["area_m2"].sum().to_numpy() == pytest.approx(
        one.set_index("object_id")["area_m2"].sort_index().to_numpy()
    )
    assert list(pyogrio.read_dataframe(tmp_path / "cut.gpkg", layer="cut")["object_id"]) == list(cut["object_id"])


def test_holes_are_filled_in_the_polygons_alone(tmp_path: Path) -> None:
    classes = np.zeros((40, 40), np.uint8)
    classes[4:30, 4:30] = 1
    classes[10:12, 10:12], classes[15:20, 15:20], classes[25, 25] = 0, 0, 2  # 1 m2, 6.25 m2, and another class
    raster = make_raster(tmp_path / "c.tif", classes)
    before, out, listener = raster.read_bytes(), tmp_path / "a.parquet", Listener()
    polygonise(raster, [out], PolygonSettings(fill_holes_m2=1.01), legend=LEGEND, progress=listener)
    expected = np.where(classes == 0, 255, classes)
    expected[10:12, 10:12] = 1
    np.testing.assert_array_equal(burn(read(out), classes.shape, UTM), expected)
    assert raster.read_bytes() == before and not listener.warned
    everything = Legend(tuple(ClassInfo(i, f"class {i}", (i, i, i)) for i in range(3)))
    polygonise(raster, [out], PolygonSettings(fill_holes_m2=9), legend=everything, overwrite=True, progress=listener)
    assert [text for text in listener.warned if "no holes are filled" in text]
