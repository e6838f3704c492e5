"""One size of a pixel for all: areas, --min-area, --simplify and the summary, against areas by pyproj's Geod."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from model_factory import make_model
from pyproj import CRS, Transformer
from rasterio.features import rasterize, shapes
from rasterio.transform import Affine
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.products import polygonise as polygonise_module
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Silent

MODEL_GSD_M = 3.0
PLACES = {
    "meters": ("EPSG:32633", 500_000, 4_600_000, 1.0),
    "feet": ("EPSG:2263", 980_000, 200_000, 3.28),
    "degrees": ("EPSG:4326", 13.0, 52.0, 1.1e-5),
    "web mercator": ("EPSG:3857", 2_000_000, 8_399_737, 2.0),
    "none": (None, 0, 0, 1.0),
}
"""CRS, corner, and units of about a meter of ground."""

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:'crs' was not provided"),
]


class Told(Silent):
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=MODEL_GSD_M, patch_px=64)


@dataclass(frozen=True)
class Witness:
    """The regions of a class raster as GDAL traces them, and their areas as the geodesic polygons that they are."""

    classes: np.ndarray
    transform: Affine
    regions: list[tuple[shapely.Polygon, int, float]]
    """Polygon on the map, class, m2 (px without a CRS and --gsd)."""
    center_m: float
    """Meters a pixel in the middle."""

    @property
    def areas(self) -> np.ndarray:
        return np.array([area for _, _, area in self.regions])

    def by_class(self) -> dict[int, float]:
        totals: Counter[int] = Counter()
        for _, class_id, area in self.regions:
            totals[class_id] += area
        return dict(totals)


def witness(path: Path, gsd_m: float | None) -> Witness:
    """Independent of our code, but for the raster itself. Without a CRS a unit of the map is a pixel of the scene."""
    with rasterio.open(path) as raster:
        classes, transform, crs = raster.read(1), raster.transform, raster.crs
    measure = geodesic(crs) if crs else lambda polygon: polygon.area * (gsd_m or 1.0) ** 2
    regions = []
    for geometry, class_id in shapes(classes, mask=classes != 255, connectivity=4, transform=transform):
        polygon = shapely.geometry.shape(geometry)
        regions.append((polygon, int(class_id), measure(polygon)))
    row, col = classes.shape[0] // 2, classes.shape[1] // 2
    corners = [transform @ (col + x, row + y) for x, y in ((0, 0), (8, 0), (8, 8), (0, 8))]
    return Witness(classes, transform, regions, math.sqrt(measure(shapely.Polygon(corners)) / 64))


def geodesic(wkt: object) -> Callable[[shapely.Polygon], float]:
    crs = CRS.from_user_input(wkt)
    to_degrees, geod = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True), crs.get_geod()

    def measure(polygon: shapely.Polygon) -> float:
        dense = shapely.segmentize(polygon, polygon.length / 200)
        area, _ = geod.geometry_area_perimeter(shapely.transform(dense, to_degrees.transform, interleaved=False))
        return abs(area)

    return measure


@pytest.mark.parametrize("grid", ["scene", "model"])
@pytest.mark.parametrize("place", PLACES)
@settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pixel_m=st.sampled_from([1.0, 1.7, 6.0]),
    gsd_m=st.sampled_from([None, 1.0, 9.0]),
    crop=st.booleans(),
    rank=st.floats(0.3, 0.9),
)
def test_every_number_knows_how_large_a_pixel_is(
    tmp_path_factory: pytest.TempPathFactory, model: Path, place: str, grid: str,
    pixel_m: float, gsd_m: float | None, crop: bool, rank: float,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("pixels")
    crs, x, y, unit = PLACES[place]
    step = 1.0 if crs is None else pixel_m * unit
    transform = Affine(step, 0, x, 0, -step if crs else step, y)
    scene = make_scene(folder / "scene.tif", 120, 90, crs=crs, transform=transform if crs else None)
    known = crs is not None or gsd_m is not None

    def run(name: str, **values: object) -> RunSummary:
        box = sorted([transform @ (13, 11), transform @ (95, 71)])
        south, north = sorted((box[0][1], box[1][1]))
        given = {"gsd_m": gsd_m, "grid": grid, "bbox": (box[0][0], south, box[1][0], north) if crop else None}
        outs = (folder / f"{name}.tif", folder / f"{name}.parquet")
        classes = ("nothing", "a", "b")
        asked = {"model": str(model), "outs": outs, "classes": classes, "device": "cpu", "refine": False, **given}
        return segment_scene(scene, Settings.of({**asked, **values})).summary

    summary = run("exact")
    truth = witness(folder / "exact.tif", gsd_m)
    assert summary.unit == ("m2" if known else "px")
    near = {"rel": 1e-4, "abs": 0.02 * len(truth.regions)}
    if known:
        assert {c.name: c.area for c in summary.classes} == pytest.approx(
            {name: truth.by_class().get(i, 0.0) for i, name in enumerate(("nothing", "a", "b"))}, **near
        )
    polygons = geopandas.read_parquet(folder / "exact.parquet")
    scale = 1.0 if known else 1 / abs(truth.transform.determinant)  # without meters areas are output pixels
    areas = np.sort(polygons[f"area_{summary.unit}"])
    assert areas == pytest.approx(np.sort(truth.areas) * scale, rel=1e-4, abs=0.02)

    # a limit that lies between two areas, so that no rounding decides; largest stays
    distinct = np.unique(areas.round(2))
    cut = min(int(rank * len(distinct)), len(distinct) - 2)
    least = float((distinct[cut] + distinct[cut + 1]) / 2) if len(distinct) > 1 else float(distinct[0]) / 2
    simplify_m = 1.3 * (truth.center_m if known else 1.0)
    tolerances: list[float] = []
    trace = polygonise_module.trace_polygons

    def spy(*args: object, simplify_px: float, **kwargs: object) -> object:
        tolerances.append(simplify_px)
        return trace(*args, simplify_px=simplify_px, **kwargs)

    with patch.object(polygonise_module, "trace_polygons", spy):
        sieved_summary = run("sieved", min_area_m2=least, simplify_m=simplify_m)
    assert tolerances == [pytest.approx(1.3, rel=1e-3)]
    sieved = witness(folder / "sieved.tif", gsd_m)
    for polygon, class_id, area in truth.regions:
        if area * scale > least:
            inside = rasterize([polygon], truth.classes.shape, transform=truth.transform).astype(bool)
            assert (sieved.classes[inside] == class_id).all(), "a region that is large enough stays"
    assert (sieved.areas * scale > least).all(), "a region that is too small goes"
    assert sum(c.area for c in sieved_summary.classes) == pytest.approx(sum(c.area for c in summary.classes), rel=1e-9)
    simple = geopandas.read_parquet(folder / "sieved.parquet")
    assert simple[f"area_{summary.unit}"].sum() == pytest.approx(areas.sum(), rel=1e-3)
