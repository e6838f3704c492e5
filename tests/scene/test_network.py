"""A scene behind HTTP: read by ranges, only what is asked for; troubles on the way are mended or told."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pytest
from scene_factory import make_pixels, make_scene
from shapely.geometry import box

from fctl_geo.errors import AoiError, ReadError, SceneError
from fctl_geo.scene import open_scene
from fctl_geo.scene.header import _REMOTE_OPTIONS
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

SERVER = Path(__file__).with_name("range_server.py")
PICTURE = make_pixels(3, 1400, 1500)


@dataclass(frozen=True)
class Server:
    """A running range server."""

    address: str
    size_bytes: int

    def ask(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.address}/{path}") as answer:
            return bytes(answer.read())

    def put(self, path: Path) -> None:
        """Another file in the place of the one that is served."""
        with urllib.request.urlopen(f"{self.address}/put", data=str(path).encode()):
            pass

    @property
    def served(self) -> dict[str, int]:
        return dict(json.loads(self.ask("served")))


@contextmanager
def serving(path: Path) -> Iterator[Server]:
    with subprocess.Popen([sys.executable, str(SERVER), str(path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(f"http://127.0.0.1:{process.stdout.readline().strip()}", path.stat().st_size)
        finally:
            process.terminate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    path = make_scene(tmp_path / "scene.tif", 1500, 1400, block=256, compress=None, overviews=(2, 4))
    with serving(path) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fctl_geo.scene.source._RETRIES_AFTER_S", (0.01, 0.01, 0.01))
    monkeypatch.setitem(_REMOTE_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)


def test_a_window_costs_its_blocks_and_a_few_requests(server: Server) -> None:
    with open_scene(f"{server.address}/scene.tif", InputSpec()) as scene:
        before = server.served
        tile = scene.read(Window(700, 600, 90, 80))
        after = server.served
        coarse = scene.read(Window(100, 100, 50, 50), 4)
    np.testing.assert_array_equal(tile.pixels, PICTURE[:, 700:790, 600:680])
    assert coarse.valid.all()
    blocks = 2 * 1 * 3  # the window meets 2 blocks of each of the 3 bands
    assert after["bytes"] - before["bytes"] <= blocks * 256 * 256 + blocks * 2 * 16384, "GDAL rounds up to 16 KiB"
    assert after["requests"] - before["requests"] <= blocks + 4
    assert before["bytes"] <= 8 * 32768, "opening reads headers only"
    assert server.served["bytes"] < server.size_bytes / 2


def test_what_was_fetched_is_not_fetched_again(server: Server) -> None:
    with open_scene(f"{server.address}/scene.tif", InputSpec()) as scene:
        scene.read(Window(700, 600, 90, 80))
        before = server.served
        scene.read(Window(705, 605, 80, 70))
        assert server.served == before


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("nowhere/", r"nowhere/scene.tif does not exist"),
        ("forbidden/", r"forbidden/scene.tif cannot be accessed"),
        ("plain/", r"only sends whole files"),
    ],
)
def test_a_scene_that_cannot_be_had_is_told_by_its_cause(server: Server, folder: str, words: str) -> None:
    with pytest.raises(SceneError, match=words) as error:
        open_scene(f"{server.address}/{folder}scene.tif?key=secret", InputSpec())
    assert error.value.hint and "secret" not in str(error.value) + error.value.hint


@pytest.mark.parametrize("folder", ["shaky", "busy"])
@pytest.mark.usefixtures("impatient")
def test_downloads_that_break_off_are_made_again(server: Server, folder: str) -> None:
    with open_scene(f"{server.address}/{folder}/scene.tif", InputSpec()) as scene:
        for row, col in ((0, 0), (300, 300), (900, 100), (1100, 1200)):
            tile = scene.read(Window(row, col, 200, 200))
            np.testing.assert_array_equal(tile.pixels, PICTURE[:, row : row + 200, col : col + 200])


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_stays_away_is_told_and_can_come_back(server: Server) -> None:
    with open_scene(f"{server.address}/dying/scene.tif", InputSpec()) as scene:
        assert scene.read(Window(0, 0, 100, 100)).valid.all()
        with pytest.raises(ReadError, match=r"dying/scene.tif was interrupted: pixels .* in 4 attempts") as error:
            scene.read(Window(1200, 1200, 100, 100))
        assert "--resume" in error.value.hint
        server.ask("heal")
        tile = scene.read(Window(1200, 1200, 100, 100))
    np.testing.assert_array_equal(tile.pixels, PICTURE[:, 1200:1300, 1200:1300])


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    monkeypatch.setitem(_REMOTE_OPTIONS, "GDAL_HTTP_LOW_SPEED_TIME", 1)
    monkeypatch.setattr("fctl_geo.scene.source._RETRIES_AFTER_S", (0.01,))


@pytest.mark.usefixtures("hasty")
def test_a_server_that_takes_the_call_and_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/scene.tif"
        with pytest.raises(SceneError, match="timed out") as error:
            open_scene(address, InputSpec())
    assert error.value.hint


@pytest.mark.usefixtures("hasty")
def test_a_server_that_falls_silent_amid_the_pixels_is_given_up(server: Server) -> None:
    with (
        pytest.raises(ReadError, match=r"mute/scene.tif was interrupted: pixels .* in 2 attempts"),
        open_scene(f"{server.address}/mute/scene.tif", InputSpec()) as scene,
    ):
        scene.read(Window(500, 500, 100, 100))


def test_a_file_that_was_replaced_on_the_server_is_read_anew(tmp_path: Path) -> None:
    """GDAL keeps pieces of files elsewhere as long as a process lives; a worker lives for days."""
    path = make_scene(tmp_path / "scene.tif", 300, 200, seed=1)
    with serving(path) as server:
        with open_scene(f"{server.address}/scene.tif", InputSpec()) as scene:
            scene.read(Window(0, 0, 50, 50))
        server.put(make_scene(tmp_path / "other.tif", 1500, 1400, block=256, compress=None))
        with open_scene(f"{server.address}/scene.tif", InputSpec()) as scene:
            tile = scene.read(Window(1200, 1100, 100, 100))
    np.testing.assert_array_equal(tile.pixels, PICTURE[:, 1200:1300, 1100:1200])


def test_an_area_of_interest_may_lie_elsewhere(tmp_path: Path) -> None:
    aoi = tmp_path / "scene.tif"  # the server gives every file this name
    geopandas.GeoDataFrame(geometry=[box(500_010, 4_599_950, 500_040, 4_599_990)], crs="EPSG:32633").to_file(
        tmp_path / "aoi.geojson", driver="GeoJSON"
    )
    (tmp_path / "aoi.geojson").rename(aoi)
    scene_path = make_scene(tmp_path / "a.tif", 300, 300)
    with serving(aoi) as server:
        with open_scene(scene_path, InputSpec(), SceneSettings(aoi=Path(f"{server.address}/scene.tif"))) as scene:
            assert scene.frame.size_hw == (134, 101)
        with pytest.raises(AoiError, match="not a vector file"):
            open_scene(scene_path, InputSpec(), SceneSettings(aoi=Path(f"{server.address}/gone/a.gpkg")))
