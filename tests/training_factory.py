"""Small labeled pictures and a small recipe for the tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import rasterio
import rasterio.features
import shapely
from scene_factory import make_scene

from fctl_geo.progress import Silent


class StopAfter(Silent):
    """Asks to stop after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, steps: int = 1) -> None:
        self.left -= steps

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.left <= 0


RECIPE = """
name = "tiny"
version = "0"
title = "Bright squares"
gsd_m = 1.0
zoom = [0.9, 1.1]
steps = 12
batch = 2
sample_px = 64
patch_px = 128
overlap_px = 32
licence = "CC0"
attribution = ["nobody"]
[network]
widths = [8, 8, 8, 8, 8, 16, 16, 16]
repeats = [1, 1, 1, 1, 1, 1, 1]
deep_channels = 16
key_channels = 8
decoder = [8, 8]
[refinement]
montages = 3
steps = 8
batch = 2
patch_px = 32
[[classes]]
name = "ground"
color = [200, 200, 200]
background = true
[[classes]]
name = "square"
color = [200, 0, 0]
[[sources]]
name = "squares"
kind = "rasters"
images = ["images/*.tif"]
masks = "{grandparent}/masks/{stem}.tif"
gsd_m = 1.0
labels = { 0 = "ground", 1 = "square" }
[[validation]]
name = "the same squares"
kind = "rasters"
images = ["images/a.tif"]
masks = "{grandparent}/masks/{stem}.tif"
gsd_m = 1.0
labels = { 0 = "ground", 1 = "square" }
"""


def make_squares(seed: int = 0, size_px: int = 160, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """(3, h, w) pixels and (h, w) mask of bright squares on dark ground."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((size_px, size_px), np.uint8)
    for row, col in rng.integers(8, size_px - 30, (count, 2)):
        mask[row : row + 22, col : col + 22] = 1
    pixels = (60 + 140 * mask + rng.normal(0, 12, (3, size_px, size_px))).clip(0, 255).astype(np.uint8)
    return pixels, mask


def make_training_data(folder: Path) -> Path:
    """A folder with two pictures of bright squares, their masks, and recipe.toml."""
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for seed, name in enumerate(("a", "b")):
        pixels, mask = make_squares(seed)
        make_scene(folder / "images" / f"{name}.tif", pixels=pixels, crs=None)
        make_scene(folder / "masks" / f"{name}.tif", pixels=mask[None], crs=None)
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


def make_labeled_scene(folder: Path, *, size_px: int = 400, gsd: float = 1.0, seed: int = 0, **more: Any) -> Path:
    """`scene.tif` of bright squares in UTM; give its path."""
    pixels, _ = make_squares(seed, size_px, 40)
    return make_scene(folder / "scene.tif", pixels=pixels, gsd=gsd, **more)


def polygons_of(scene: Path, mask: np.ndarray, path: Path, *, crs: int = 4326, field: str = "kind") -> Path:
    """The squares of a mask as polygons of class 'square' in a vector file."""
    with rasterio.open(scene) as dataset:
        shapes = list(rasterio.features.shapes(mask, mask=mask > 0, transform=dataset.transform))
        geometries = [shapely.geometry.shape(shape) for shape, _ in shapes]
        frame = geopandas.GeoDataFrame({field: ["square"] * len(geometries)}, geometry=geometries, crs=dataset.crs)
    pyogrio.write_dataframe(frame.to_crs(crs), path)
    return path
