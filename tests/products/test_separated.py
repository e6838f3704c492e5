"""One polygon an object, from the class raster on: which classes are separated, how, and what stays as it is."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from click.testing import CliRunner
from fctl_geo_cli.main import cli
from model_factory import make_model
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from fctl_geo.errors import SettingsError
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.polygons import strips as strips_module
from fctl_geo.products.cog import write_cog
from fctl_geo.products.polygonise import polygonise
from fctl_geo.progress import Silent
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.settings import PolygonSettings, Settings
from fctl_geo.spec import ClassInfo, Legend

LAND = ClassInfo(0, "land", (200, 200, 200), background=True)
BUILDING = ClassInfo(1, "building", (200, 0, 0))
PLAIN = Legend((LAND, BUILDING))
MARKED = Legend((LAND, replace(BUILDING, objects=True)))


class Listener(Silent):
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


def make_town(path: Path, *, crs: str | None = "EPSG:32633", block: int = 16) -> Path:
    """Two rows of houses of 20 x 20 px (10 m) that touch along 3 px (1.5 m), the last one with a shed of 5 x 7 px."""
    values = np.zeros((80, 100), np.uint8)
    for row in (5, 45):
        for col in (4, 27, 50):
            values[row : row + 20, col : col + 20] = 1
        values[row + 8 : row + 11, 24:50] = 1
    values[50:55, 73:80] = values[51:54, 70:73] = 1
    place = {"crs": crs, "transform": Affine(0.5, 0, 400_000, 0, -0.5, 5_000_000)} if crs else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver="GTiff", height=80, width=100, count=1, dtype="uint8", nodata=255, tiled=True,
            blockxsize=block, blockysize=block, **place,
        ) as file:  # fmt: skip
            file.write(values, 1)
    return path


def polygons(
    folder: Path, legend: Legend = PLAIN, crs: str | None = "EPSG:32633", **values: object
) -> NDArray[np.float64]:
    """Areas of the polygons, which must be those of the class raster together."""
    out = folder / "out.parquet"
    settings = Settings.of(values).polygons
    polygonise(make_town(folder / "town.tif", crs=crs), [out], settings, legend=legend, overwrite=True)
    frame = geopandas.read_parquet(out)
    assert shapely.is_valid(frame.geometry).all() and frame["object_id"].is_unique
    return np.sort(frame.iloc[:, frame.columns.str.startswith("area_")].to_numpy().ravel())


def test_the_classes_that_the_legend_calls_objects_are_separated_unless_told_otherwise(tmp_path: Path) -> None:
    assert len(polygons(tmp_path)) == 2
    assert len(polygons(tmp_path, MARKED)) == len(polygons(tmp_path, MARKED, separate=True)) == 6
    assert len(polygons(tmp_path, MARKED, separate=False)) == len(polygons(tmp_path, MARKED, separate=())) == 2
    assert len(polygons(tmp_path, PLAIN, separate=("building",))) == 6
    with pytest.raises(SettingsError, match="known to consist of objects"):
        polygons(tmp_path, separate=True)
    with pytest.raises(SettingsError, match="no class 'house'"):
        polygons(tmp_path, separate=("house",))


def test_the_neck_decides_and_is_in_meters_or_in_pixels_without_a_crs(tmp_path: Path) -> None:
    assert len(polygons(tmp_path, MARKED, neck_m=1.2)) == 2  # narrower than the 1.5 m between them
    assert len(polygons(tmp_path, MARKED, neck_m=2.0)) == 6 + 1  # 4 px: the shed, too
    assert len(polygons(tmp_path, MARKED, None, neck_m=3.0)) == 2
    assert len(polygons(tmp_path, MARKED, None, neck_m=6.0)) == 6


def test_objects_smaller_than_the_least_area_are_joined_and_no_pixel_is_lost(tmp_path: Path) -> None:
    whole = polygons(tmp_path, MARKED, separate=False)
    for least in (0, 5, 12, 50):
        found = polygons(tmp_path, MARKED, neck_m=2.0, min_area_m2=least)
        assert len(found) == (7 if least < 8.75 else 6) and found.min() >= least
        assert found.sum() == pytest.approx(whole.sum())


def test_a_neck_beyond_what_pixels_show_is_told(tmp_path: Path) -> None:
    raster, listener = make_town(tmp_path / "town.tif"), Listener()
    settings = PolygonSettings(neck_m=0.9)
    summary = polygonise(raster, [tmp_path / "a.gpkg"], settings, legend=MARKED, progress=listener)
    assert summary.polygons == 2 and any("touching objects are not separated" in text for text in listener.warned)
    polygonise(raster, [tmp_path / "b.gpkg"], PolygonSettings(neck_m=150.0), legend=MARKED, progress=listener)
    assert any("limited to 256 px (128 m)" in text for text in listener.warned)


def test_strips_and_blocks_do_not_change_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rows, block in ((256, 16), (16, 16), (1, 16), (32, 32)):
        monkeypatch.setattr(strips_module, "STRIP_ROWS", rows)
        monkeypatch.setattr(strips_module, "STRIP_BYTES", rows * 100)
        out = tmp_path / "x.fgb"
        polygonise(
            make_town(tmp_path / "town.tif", block=block), [out], PolygonSettings(simplify_m=0.5, min_area_m2=3),
            legend=MARKED, overwrite=True,
        )  # fmt: skip
        found.append(out.read_bytes())
    assert len(set(found)) == 1


def test_our_class_raster_says_what_its_objects_are(tmp_path: Path) -> None:
    write_cog(
        make_town(tmp_path / "town.tif"), tmp_path / "own.tif", legend=MARKED, metadata={}, overview="mode",
        progress=Silent(),
    )  # fmt: skip
    with open_class_raster(tmp_path / "own.tif") as raster:
        assert raster.legend == MARKED
    assert polygonise(tmp_path / "own.tif", [tmp_path / "own.gpkg"]).polygons == 6


def test_the_product_says_what_was_separated(tmp_path: Path) -> None:
    polygonise(make_town(tmp_path / "town.tif"), [tmp_path / "a.gpkg"], legend=MARKED)
    with rasterio.Env():
        about = pyogrio.read_info(tmp_path / "a.gpkg", layer="a")["layer_metadata"]
    assert json.loads(about["polygon_settings"])["separate"] == ["building"]


def test_a_model_that_keeps_objects_apart_marks_their_class(tmp_path: Path) -> None:
    info = read_model_info(make_model(tmp_path / "m.safetensors", objects="b"))
    assert [c.name for c in info.legend if c.objects] == ["b"]
    assert [c.name for c in read_model_info("buildings").legend if c.objects] == ["building"]


@pytest.mark.parametrize(
    ("words", "count"),
    [([], 2), (["--separate", "building", "--neck", "3"], 6), (["--separate", "none"], 2)],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)
def test_the_command_line_separates_anybodys_class_raster(tmp_path: Path, words: list[str], count: int) -> None:
    raster, out = make_town(tmp_path / "town.tif"), tmp_path / "out.gpkg"
    write_cog(raster, tmp_path / "named.tif", legend=PLAIN, metadata={}, overview="mode", progress=Silent())
    done = CliRunner().invoke(cli, ["polygonise", str(tmp_path / "named.tif"), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    assert len(pyogrio.read_dataframe(out, layer="out")) == count
