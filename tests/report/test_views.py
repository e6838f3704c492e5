"""A picture of a scene lies where its extent says, at any size, in any part, on either grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scene_factory import make_scene

from fctl_geo.report.images import classes_uri, distinct_colors
from fctl_geo.report.views import class_colors, view_scene
from fctl_geo.scene import open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import ClassInfo, InputSpec, Legend
from fctl_geo.windows.window import Window

HEIGHT, WIDTH, GSD_M = 360, 470, 0.2


def ramps() -> np.ndarray:
    """Red grows with the column, green with the row: a pixel's color says where it is."""
    rows, cols = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.array([cols * 255 / WIDTH, rows * 255 / HEIGHT, 0 * rows]).round().astype(np.uint8)


@pytest.mark.parametrize("grid", ["scene", "model"])
@pytest.mark.parametrize("model_gsd_m", [None, 0.31, 0.13])
@pytest.mark.parametrize("longest_px", [40, 90, 1000])
def test_the_colors_of_a_view_are_where_its_extent_says(
    tmp_path: Path, grid: str, model_gsd_m: float | None, longest_px: int
) -> None:
    path = make_scene(tmp_path / "s.tif", pixels=ramps(), gsd=GSD_M)
    left_m, bottom_m = 500_000 + 13.4, 4_600_000 - 60.0
    settings = SceneSettings(grid=grid, bbox=(left_m, bottom_m, left_m + 61, bottom_m + 44.6))
    with open_scene(path, InputSpec(gsd_m=model_gsd_m), settings) as scene:
        frame = scene.frame
        window = Window(7, 11, frame.height - 20, frame.width - 30)
        view = view_scene(scene, window, longest_px)
    left, top, right, bottom = view.extent
    across, down = (right - left) / view.rgb.shape[1], (bottom - top) / view.rgb.shape[0]
    assert across == pytest.approx(down) and max(view.rgb.shape) <= max(longest_px, max(window.size_hw) * 2.4) + 2
    assert left <= window.col < left + across and right - across < window.col_end <= right
    assert top <= window.row < top + down and bottom - down < window.row_end <= bottom
    cols = left + (np.arange(view.rgb.shape[1]) + 0.5) * across
    rows = top + (np.arange(view.rgb.shape[0]) + 0.5) * down
    xs, ys = frame.transform[2] + frame.transform[0] * cols, frame.transform[5] + frame.transform[4] * rows
    red = ((xs - 500_000) / GSD_M - 0.5) * 255 / WIDTH
    green = ((4_600_000 - ys) / GSD_M - 0.5) * 255 / HEIGHT
    inside = (red > 0) & (red < 254)
    assert np.abs(view.rgb[:, inside, 0] - red[inside]).max() < 2.1
    assert np.abs(view.rgb[:, :, 1].T - green).max() < 2.1


def test_equal_colors_are_told_apart_without_changing_the_first() -> None:
    white = (255, 255, 255)
    legend = Legend(tuple(ClassInfo(i, str(i), white if i < 3 else (0, 0, 9)) for i in range(5)))
    colors = distinct_colors(legend)
    assert colors[0] == white and colors[3] == (0, 0, 9) and len({*colors.values()}) == 5


def test_classes_as_an_image_have_the_legends_colors_and_no_nodata(tmp_path: Path) -> None:
    import base64
    from io import BytesIO

    from PIL import Image

    legend = Legend((ClassInfo(0, "a", (9, 8, 7)), ClassInfo(200, "b", (200, 0, 1))))
    classes = np.array([[0, 200, 255], [200, 0, 0]], np.uint8)
    kind, _, text = classes_uri(classes, distinct_colors(legend)).partition(",")
    with Image.open(BytesIO(base64.b64decode(text))) as image:
        rgba = np.array(image.convert("RGBA"))
    assert kind == "data:image/png;base64" and (rgba[..., 3] == np.where(classes == 255, 0, 255)).all()
    assert (rgba[classes != 255][:, :3] == class_colors(classes, legend)[classes != 255]).all()
