"""A scene behind HTTP: read by ranges, only what is asked for."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
from scene_factory import make_pixels, make_scene

from fctl_geo.scene import open_scene
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

SERVER = Path(__file__).with_name("range_server.py")


def test_a_window_of_a_remote_scene_is_read_by_ranges(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "scene.tif", 1500, 1400, block=256, compress=None, overviews=(2, 4))
    with subprocess.Popen([sys.executable, str(SERVER), str(path)], stdout=subprocess.PIPE, text=True) as server:
        try:
            address = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            with open_scene(f"{address}/scene.tif", InputSpec()) as scene:
                tile = scene.read(Window(700, 600, 90, 80))
                coarse = scene.read(Window(100, 100, 50, 50), 4)
            with urllib.request.urlopen(f"{address}/served") as answer:
                served_bytes = int(answer.read())
        finally:
            server.terminate()
    np.testing.assert_array_equal(tile.pixels, make_pixels(3, 1400, 1500)[:, 700:790, 600:680])
    assert coarse.valid.all()
    assert 0 < served_bytes < path.stat().st_size / 2
