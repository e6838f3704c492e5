"""From classes to outlines: merging patches, refinement, separation, squaring, by the functions that a run uses."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scenes import CRS, Place, classes_of, colors_of, in_pixels, photograph, segment, truth
from sheet import look_at, open_sheet, outline, save, show

from fctl_geo import PolygonSettings, refine_raster
from fctl_geo.polygons.strip import Strip
from fctl_geo.separate.separate import find_cores, separate_strips
from fctl_geo.spec import ClassInfo, Legend

LEGEND = Legend((ClassInfo(0, "background", (235, 235, 230), background=True), ClassInfo(1, "building", (214, 69, 65))))
TOWN = Place("mediterranean", 7, (700, 1400))
ROW = Place("bazaar", 4, (700, 1100))
NECK_M = 3.0
TONES = ("#d64541", "#4a90d9", "#60a056", "#e0a030", "#8e5ea2", "#3cba9f", "#c45850", "#7f7f7f")


def draw_refinement(path: Path) -> None:
    """The masks of the first network, and what the refinement network makes of them."""
    raw = segment(TOWN, "buildings", PolygonSettings())
    crude = classes_of(raw)
    with tempfile.TemporaryDirectory() as folder:
        classes, refined = Path(folder) / "classes.tif", Path(folder) / "refined.tif"
        _write(classes, crude, TOWN)
        refine_raster(classes, refined)
        with rasterio.open(refined) as raster:
            finished = raster.read(1)
    figure, grid = open_sheet(["image", "first network", "refined"])
    show(grid[0, 0], photograph(TOWN))
    for axis, image in zip(grid[0, 1:], (crude, finished), strict=True):
        show(axis, colors_of(image, LEGEND))
    for axis in grid[0]:
        look_at(axis, 180, 340, 340, 340)
    save(figure, path)


def draw_separation(path: Path) -> None:
    """Touching houses: the class, the cores that are wider than a neck, and a polygon for each house."""
    buildings = (truth(ROW) == 1).astype(np.uint8)
    numbers, cores = _objects(buildings, NECK_M / ROW.gsd_m)
    figure, grid = open_sheet(["the class: houses touch", "cores: wider than 3 m", "an object per house"])
    show(grid[0, 0], colors_of(buildings, LEGEND))
    for axis, image in zip(grid[0, 1:], (cores, numbers), strict=True):
        pale = np.where((buildings == 1)[..., None], 205, 245).astype(np.uint8).repeat(3, 2)
        for number in np.unique(image[image > 0]):
            tone = TONES[int(number) % len(TONES)]
            pale[image == number] = [int(tone[k : k + 2], 16) for k in (1, 3, 5)]
        show(axis, pale, interpolation="nearest")
    for axis in grid[0]:
        look_at(axis, 560, 60, 220, 220)
    save(figure, path)


def draw_squaring(path: Path) -> None:
    """The same objects three times: along pixel edges, simplified, squared."""
    ways = (PolygonSettings(), PolygonSettings(simplify_m=0.5), PolygonSettings(simplify_m=0.5, square="90"))
    figure, grid = open_sheet(["pixel edges", "--simplify 0.5", "--simplify 0.5 --square"])
    for axis, way in zip(grid[0], ways, strict=True):
        show(axis, photograph(TOWN))
        outline(axis, in_pixels(segment(TOWN, "buildings", way).polygons(), TOWN).geometry, alpha=0.25, width=1.8)
        look_at(axis, 180, 340, 340, 340)
    save(figure, path)


def _objects(buildings: NDArray[np.uint8], neck_px: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Numbers of the separated objects, and of those pixels alone that are farther than half a neck from the edge."""
    strip = Strip(buildings)
    classes = frozenset({1})
    cores = find_cores([strip], width=buildings.shape[1], classes=classes, neck_px=neck_px)
    parts = [part.objects for part in separate_strips([strip], cores, min_area=0)]
    numbers = np.concatenate([part for part in parts if part is not None])
    from scipy.ndimage import distance_transform_edt

    inside = distance_transform_edt(buildings) >= (neck_px + 1) / 2
    return numbers, np.where(inside, numbers, 0).astype(np.int32)


def _write(path: Path, classes: NDArray[np.uint8], place: Place) -> None:
    height, width = classes.shape
    form = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "nodata": 255}
    with rasterio.open(path, "w", crs=CRS, transform=place.transform, **form) as raster:
        raster.write(classes, 1)
