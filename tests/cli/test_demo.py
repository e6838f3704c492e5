"""The demo leaves raster, polygons and a picture in a folder that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from fctl_geo.products.picture import choose_details
from fctl_geo.windows.window import Window


def test_the_demo_of_a_scene_leaves_all_four_and_names_the_folder(
    fctl: Callable[..., Result], make_scene: Callable[..., Path], model_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result"
    said = fctl("demo", make_scene(), "--model", model_file, "--out-dir", out, "--device", "cpu", "--threads", 1)
    assert said.exit_code == 0, said.stderr
    assert str(out) in said.stdout
    assert {"classes.tif", "polygons.gpkg", "picture.png", "report.html"} <= {path.name for path in out.iterdir()}
    with Image.open(out / "picture.png") as picture:
        assert picture.width == 1500
        counts = {color: count for count, color in picture.convert("RGB").getcolors(1 << 22)}
        drawn = sum(counts.get(color, 0) for color in ((230, 230, 220), (210, 70, 60)))
        assert drawn > 0.1 * picture.width * picture.height, "a panel of classes, not the legend's swatches alone"


def test_the_demo_needs_a_folder_that_can_be_made(
    fctl: Callable[..., Result], model_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    said = fctl("demo", "--model", model_file, "--out-dir", tmp_path / "file" / "below")
    assert said.exit_code == 1 and "cannot create the folder" in said.stderr


@pytest.mark.parametrize("size_hw", [(5000, 4000), (700, 700), (3, 900), (1, 1)])
def test_details_lie_inside_the_scene_and_apart(size_hw: tuple[int, int]) -> None:
    factor = -(-max(size_hw) // 1000)
    small = (
        np.random.default_rng(0).integers(0, 3, (-(-size_hw[0] // factor), -(-size_hw[1] // factor))).astype(np.uint8)
    )
    details = choose_details(small, factor, size_hw)
    assert 1 <= len(details) <= 3
    whole = Window(0, 0, *size_hw)
    assert all(window == window.clip(whole) and not window.empty for window in details)
    for index, window in enumerate(details):
        assert all(window.clip(other).empty for other in details[index + 1 :])
