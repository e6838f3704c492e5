"""Real files that break naive readers: each is read right or refused in words (the table is at the end of the run)."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning

from fctl_geo.errors import FctlError
from fctl_geo.scene import Scene, describe_scene, open_scene
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

pytestmark = pytest.mark.awkward
ROOT = Path(os.environ.get("FCTL_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "awkward"
FILES = sorted(path.name for path in ROOT.glob("*.tif*") if not path.name.endswith((".msk", ".ovr"))) or ["none here"]


READ = frozenset(
    {
        "geotiff_GeogToWGS84GeoKey5_palette.tif",
        "geotiff_bigtiff_cog.tif",
        "rasterio_RGB.byte.tif",
        "rasterio_RGB2.byte.tif",
        "rasterio_RGBA.uint16.tif",
        "rasterio_alpha.tif",
        "rasterio_byte.tif",
        "rasterio_cogeo.tif",
        "rasterio_rgb_deflate.tif",
        "rasterio_test_esri_wkt.tif",
        "riocogeo_image_171px.tif",
        "riocogeo_image_2000px.tif",
        "riocogeo_image_colormap.tif",
        "riocogeo_image_dec.tif",
        "riocogeo_image_nan.tif",
        "riocogeo_image_no_overview.tif",
        "riocogeo_image_rgba_nodata.tif",
        "riocogeo_image_web.tif",
        "riocogeo_image_web_z5_z11.tif",
        "riocogeo_image_webp.tif",
        "riotiler_cog_hirise_mars.tif",
        "riotiler_cog_rgb.tif",
        "riotiler_cog_uint8_rgba.tif",
        "spacenet_vegas_rgba_epsg4326.tif",
        "usgs_hro_colorado_15cm.tif",
        "usgs_hro_colorado_15cm_alpha.tif",
        "usgs_hro_colorado_15cm_mask.tif",
        "usgs_hro_colorado_15cm_nodata.tif",
    }
)
"""Files that must be read, every one. What else lies in the folder must be named here or in REFUSED."""
REFUSED: dict[str, str] = {}
"""Files that cannot be mapped, and what is said of them."""


@pytest.mark.parametrize("name", FILES)
def test_an_awkward_file_is_read_right_or_refused_as_it_should_be(
    shared_data: Path, name: str, tell_awkward: Callable[[str, str], None]
) -> None:
    path = shared_data / "awkward" / name
    if not path.exists():
        pytest.skip("no awkward files here")
    if name in REFUSED:
        with pytest.raises(FctlError, match=REFUSED[name]) as caught:
            open_scene(path, InputSpec())
        assert caught.value.hint, "a refusal says what to do"
        tell_awkward(name, f"refused: {caught.value} ({caught.value.hint})")
        return
    assert name in READ, f"say of {name} whether it must be read"
    told = describe_scene(path)
    with open_scene(path, InputSpec()) as scene:
        read_corners_and_center(scene)
        agree_with_rasterio(scene, path)
        bands = ",".join(str(band.number) for band in scene.info.bands)
    gsd = f"{told.gsd_m:.3g} m" if told.gsd_m else "no GSD"
    notes = f"; {len(scene.info.warnings)} warnings" if scene.info.warnings else ""
    tell_awkward(
        name, f"read: {told.width} x {told.height} {told.dtype}, {gsd}, bands {bands}, mask {told.mask}{notes}"
    )


def read_corners_and_center(scene: Scene) -> None:
    for factor in (1, 2, 3):
        height, width = (math.ceil(side / factor) for side in scene.model_hw)
        for row, col in ((-9, -9), (height // 2, width // 2), (height - 40, width - 40)):
            window = Window(row, col, 70, 60)
            tile = scene.read(window, factor)
            assert tile.pixels.shape == (3, 70, 60) and not tile.pixels[:, ~tile.valid].any()
            smaller = Window(row + 11, col + 12, 30, 31)
            here = smaller.slices_in(window)
            np.testing.assert_array_equal(scene.read(smaller, factor).pixels, tile.pixels[:, *here])


def agree_with_rasterio(scene: Scene, path: Path) -> None:
    """The middle of the scene, as rasterio reads it: bytes as they are, palettes by their colors, others stretched."""
    height, width = min(400, scene.info.height), min(400, scene.info.width)
    window = Window((scene.info.height - height) // 2, (scene.info.width - width) // 2, height, width)
    box = rasterio.windows.Window(window.col, window.row, width, height)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        warnings.simplefilter("ignore", NodataShadowWarning)
        with rasterio.open(path) as dataset:
            raw = dataset.read([band.number for band in scene.info.bands], window=box)
            data = dataset.dataset_mask(window=box) > 0
            palette = dataset.colormap(1) if dataset.colorinterp[0].name == "palette" else None
    if palette is not None:
        colors = np.array([palette.get(value, (0, 0, 0, 0)) for value in range(256)], np.uint8)
        raw = np.moveaxis(colors[raw[0]][..., :3], -1, 0)
    tile = scene.read(window)
    assert tile.valid.any() == data.any()
    if scene.info.stretch is None:
        np.testing.assert_array_equal(tile.pixels, np.where(tile.valid, raw, 0))
        return
    for band, values, (low, high) in zip(tile.pixels, raw.astype(float), scene.info.stretch, strict=True):
        expected = np.clip((values - low) / (high - low) * 255, 0, 255)
        np.testing.assert_allclose(band[tile.valid], expected[tile.valid], atol=0.51)
