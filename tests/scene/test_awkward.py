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
from rasterio.errors import NotGeoreferencedWarning

from fctl_geo.errors import FctlError
from fctl_geo.scene import Scene, describe_scene, open_scene
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

pytestmark = pytest.mark.awkward
ROOT = Path(os.environ.get("FCTL_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "awkward"
FILES = sorted(path.name for path in ROOT.glob("*.tif*") if not path.name.endswith((".msk", ".ovr"))) or ["none here"]


@pytest.mark.parametrize("name", FILES)
def test_an_awkward_file_is_read_right_or_refused_in_words(
    shared_data: Path, name: str, tell_awkward: Callable[[str, str], None]
) -> None:
    path = shared_data / "awkward" / name
    if not path.exists():
        pytest.skip("no awkward files here")
    try:
        told = describe_scene(path)
        with open_scene(path, InputSpec()) as scene:
            read_corners_and_centre(scene)
            if told.dtype == "uint8" and "palette" not in rasterio_colors(path):
                agree_with_rasterio(scene, path)
            bands = ",".join(str(band.number) for band in scene.info.bands)
    except FctlError as error:
        assert error.hint, "a refusal says what to do"
        tell_awkward(name, f"refused: {error} ({error.hint})")
        return
    gsd = f"{told.gsd_m:.3g} m" if told.gsd_m else "no GSD"
    notes = f"; {len(scene.info.warnings)} warnings" if scene.info.warnings else ""
    tell_awkward(
        name, f"read: {told.width} x {told.height} {told.dtype}, {gsd}, bands {bands}, mask {told.mask}{notes}"
    )


def read_corners_and_centre(scene: Scene) -> None:
    for factor in (1, 2, 3):
        height, width = (math.ceil(side / factor) for side in scene.model_hw)
        for row, col in ((-9, -9), (height // 2, width // 2), (height - 40, width - 40)):
            window = Window(row, col, 70, 60)
            tile = scene.read(window, factor)
            assert tile.pixels.shape == (3, 70, 60) and not tile.pixels[:, ~tile.valid].any()
            smaller = Window(row + 11, col + 12, 30, 31)
            here = smaller.slices_in(window)
            np.testing.assert_array_equal(scene.read(smaller, factor).pixels, tile.pixels[:, *here])


def rasterio_colors(path: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as dataset:
            return [color.name for color in dataset.colorinterp]


def agree_with_rasterio(scene: Scene, path: Path) -> None:
    height, width = min(400, scene.info.height), min(400, scene.info.width)
    window = Window((scene.info.height - height) // 2, (scene.info.width - width) // 2, height, width)
    box = rasterio.windows.Window(window.col, window.row, width, height)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as dataset:
            raw = dataset.read([band.number for band in scene.info.bands], window=box)
    tile = scene.read(window)
    np.testing.assert_array_equal(tile.pixels, np.where(tile.valid, raw, 0))
