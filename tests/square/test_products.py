"""What products say of squared outlines."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from affine import Affine

from fctl_geo.errors import SettingsError
from fctl_geo.products.polygonise import polygonise
from fctl_geo.progress import Silent
from fctl_geo.settings import PolygonSettings
from fctl_geo.spec import ClassInfo, Legend

LEGEND = Legend(
    (
        ClassInfo(0, "land", (200, 200, 200), background=True),
        ClassInfo(1, "building", (200, 0, 0), objects=True),
        ClassInfo(2, "water", (0, 0, 200)),
    )
)
NO_OBJECTS = Legend(tuple(ClassInfo(info.id, info.name, info.color, info.background) for info in LEGEND))


class Listener(Silent):
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


def read(path: Path) -> geopandas.GeoDataFrame:
    if path.suffix == ".parquet":
        return geopandas.read_parquet(path)
    return geopandas.read_file(path, layer=path.stem if path.suffix == ".gpkg" else None)


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    """A turned house, a tank, and a pond."""
    y, x = np.mgrid[:120, :160] + 0.5
    u, v = (x - 45) * np.cos(0.4) + (y - 60) * np.sin(0.4), (y - 60) * np.cos(0.4) - (x - 45) * np.sin(0.4)
    classes = ((abs(u) < 28) & (abs(v) < 15)).astype(np.uint8)
    classes[np.hypot(x - 120, y - 35) < 18] = 1
    classes[np.hypot(x - 120, y - 90) < 20] = 2
    path = tmp_path / "classes.tif"
    place = {"crs": "EPSG:32633", "transform": Affine(0.3, 0, 400_000, 0, -0.3, 5_000_000)}
    with rasterio.open(path, "w", driver="GTiff", height=120, width=160, count=1, dtype="uint8", **place) as file:
        file.write(classes, 1)
    return path


@pytest.mark.parametrize("name", ["out.gpkg", "out.parquet", "out.fgb", "out.geojson"])
def test_every_format_says_what_became_of_outlines(raster: Path, tmp_path: Path, name: str) -> None:
    polygonise(raster, [tmp_path / name], PolygonSettings(square="90"), legend=LEGEND)
    found = read(tmp_path / name)
    assert set(found.outline.dropna()) == {"circle", "rectangle"} and len(found) == 3
    buildings = found[found.class_name == "building"]
    assert (buildings.outline_iou > 0.9).all() and found.outline_iou[found.class_name == "water"].isna().all()


def test_outlines_that_are_not_squared_are_not_mentioned(raster: Path, tmp_path: Path) -> None:
    polygonise(raster, [tmp_path / "out.gpkg"], PolygonSettings(simplify_m=0.5), legend=LEGEND)
    assert not {"outline", "outline_iou"} & set(read(tmp_path / "out.gpkg").columns)


def test_squaring_a_raster_without_objects_is_told(raster: Path, tmp_path: Path) -> None:
    told = Listener()
    out = tmp_path / "out.gpkg"
    polygonise(raster, [out], PolygonSettings(square="90"), legend=NO_OBJECTS, progress=told)
    assert any("no outlines are squared" in text for text in told.warned)
    assert "outline" not in read(out).columns


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(SettingsError, match="square is '30'"):
        PolygonSettings(square="30")  # type: ignore[arg-type]
