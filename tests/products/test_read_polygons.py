"""`read_polygons` gives the same rows from every vector product."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import Affine

from fctl_geo import polygonise, read_polygons
from fctl_geo.errors import OutputError
from fctl_geo.products.rings import count_polygons, read_rings
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.windows.window import Window

ENDINGS = ("gpkg", "fgb", "parquet", "geojson", "geojsonl", "geojsons", "shp")


def write_classes(path: Path, crs: str | None) -> Path:
    """Three classes in blocks of 4 x 4 pixels of 0.5 m, all over 40 x 32 pixels."""
    blocks = np.random.default_rng(3).integers(1, 4, (8, 10), dtype=np.uint8)
    place = {"crs": crs, "transform": Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)} if crs else {}
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=32, width=40, **place) as file:
        file.write(np.kron(blocks, np.ones((4, 4), np.uint8)), 1)
    return path


def in_order(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    corner = frame.geometry.to_crs("EPSG:32633").bounds if frame.crs else frame.bounds
    order = np.lexsort((corner.minx.round(3), corner.miny.round(3), frame.class_id))
    return frame.iloc[order].reset_index(drop=True)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning", "ignore:.*crs. was not provided")
@pytest.mark.parametrize("crs", ["EPSG:32633", None])
def test_every_product_gives_the_same_rows(tmp_path: Path, crs: str | None) -> None:
    classes = write_classes(tmp_path / "classes.tif", crs)
    outs = [tmp_path / f"out.{ending}" for ending in ENDINGS]
    summary = polygonise(classes, outs)
    first, *others = (in_order(read_polygons(path)) for path in outs)
    area = "area_m2" if crs else "area_px"
    assert list(first.columns) == ["class_id", "class_name", area, "confidence", "object_id", "geometry"]
    assert len(first) == summary.polygons and first[area].sum() == pytest.approx(sum(c.area for c in summary.classes))
    assert first.crs == crs and (first.geom_type == "Polygon").all()
    for other, ending in zip(others, ENDINGS[1:], strict=True):
        assert other.crs == ("EPSG:4326" if "geojson" in ending and crs else crs)
        pd.testing.assert_frame_equal(pd.DataFrame(first.drop(columns="geometry")), other.drop(columns="geometry"))
        same_place = other.to_crs(crs) if crs else other
        assert (first.hausdorff_distance(same_place) < 0.01).all(), ending  # Shapefiles turn rings around
        assert np.allclose(first.area, same_place.area, rtol=1e-3), ending


def test_what_is_no_product_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "broken.gpkg").write_bytes(b"no database")
    foreign = tmp_path / "foreign.gpkg"
    geopandas.GeoDataFrame({"kind": ["roof"]}, geometry=geopandas.points_from_xy([1], [2]), crs=4326).to_file(foreign)
    for name, words in (
        ("none.gpkg", "does not exist"),
        ("broken.gpkg", "cannot be read"),
        ("foreign.gpkg", "has the columns kind, geometry"),
        ("foreign.dxf", "'.dxf'"),
        ("town.pmtiles", "vector tiles"),
    ):
        with pytest.raises(OutputError, match=words):
            read_polygons(tmp_path / name)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_name_that_pyogrio_would_cut_is_read(tmp_path: Path, ending: str) -> None:
    classes, out = write_classes(tmp_path / "classes.tif", "EPSG:32633"), tmp_path / f"a;b.{ending}"
    summary = polygonise(classes, [out])
    assert len(read_polygons(out)) == summary.polygons


def test_pictures_find_the_polygons_of_such_a_name_too(tmp_path: Path) -> None:
    classes, out = write_classes(tmp_path / "classes.tif", "EPSG:32633"), tmp_path / "a;b.gpkg"
    summary = polygonise(classes, [out])
    with open_class_raster(classes) as raster:
        rings = read_rings(out, raster.frame, Window(0, 0, *raster.frame.size_hw))
    assert count_polygons(out) == len(rings) == summary.polygons
