"""Levels that are made from the file's overviews."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scene_factory import make_scene

from fctl_geo.scene import open_scene
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

RGB = InputSpec()


@pytest.mark.parametrize("axis", [1, 2])
def test_levels_from_an_overview_of_a_rounded_size_lie_in_their_place(tmp_path: Path, axis: int) -> None:
    sides = [160, 160]
    sides[axis - 1] = 9  # its overview of 5 px has pixels of 1.8 px, not of 2
    ramp = np.expand_dims(np.arange(9) * 25 + 10, 2 - axis)
    pixels = np.broadcast_to(ramp, (3, *sides)).astype(np.uint8)
    with_overviews = make_scene(tmp_path / "a.tif", pixels=pixels, overviews=(2,))
    without = make_scene(tmp_path / "b.tif", pixels=pixels)
    window = Window(0, 0, *(-(-side // 2) for side in sides))
    with open_scene(with_overviews, RGB) as a, open_scene(without, RGB) as b:
        difference = a.read(window, 2).pixels.astype(int) - b.read(window, 2).pixels
    assert np.abs(difference[:, :-1, :-1]).max() <= 4  # of 50 from pixel to pixel
