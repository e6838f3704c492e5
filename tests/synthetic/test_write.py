"""The demo scene's files: georeferenced, tiled, whole or absent."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from fctl_geo.errors import OutputError
from fctl_geo.synthetic.world import render_scene
from fctl_geo.synthetic.write import write_scene


def test_the_files_say_where_they_lie_and_what_they_show(tmp_path):
    scene, truth = write_scene(tmp_path, size_px=512, gsd_m=0.5, seed=4)
    with rasterio.open(scene) as s, rasterio.open(truth) as t:
        assert s.crs == t.crs and s.crs.is_projected
        assert s.transform == t.transform and s.res == (0.5, 0.5)
        assert s.overviews(1) == t.overviews(1) == [2, 4]
        assert s.block_shapes[0] == (512, 512)
        assert set(np.unique(t.read(1))) <= set(range(5))
        assert t.colormap(1)[1][:3] == (214, 60, 50)
        picture = s.read().astype(float)
    assert np.abs(picture - render_scene(4, 512, 512, 0.5, "mediterranean").rgb).mean() < 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scene.tif", "truth.tif"]


def test_a_folder_that_is_a_file_is_refused_and_left_alone(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match="taken"):
        write_scene(tmp_path / "taken", size_px=8)
    assert (tmp_path / "taken").read_text() == "mine"
