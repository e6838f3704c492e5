"""A fresh profile with the plugin's zip in it, a tiny model and a small scene.

The engine is the interpreter that runs pytest. Where there is no QGIS, tests with the mark `qgis` skip with a sentence;
with FCTL_REQUIRE_QGIS set (the CI does) they fail instead.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from model_factory import make_model
from scene_factory import make_scene

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "qgis_plugin")]
from real_qgis import PLUGIN, WHY, Qgis, has_qgis  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("qgis")]
    if not marked or os.environ.get("FCTL_REQUIRE_QGIS") or has_qgis():
        return
    for item in marked:
        item.add_marker(pytest.mark.skip(reason=WHY))


@pytest.fixture(scope="session")
def plugin_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make plugin` builds."""
    from build_zip import build_zip

    return build_zip(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def new_profile(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Qgis]:
    """Makes empty profiles."""
    return lambda: Qgis(tmp_path_factory.mktemp("config"), sys.executable)


@pytest.fixture(scope="session")
def qgis(new_profile: Callable[[], Qgis], plugin_zip: Path) -> Qgis:
    """A fresh profile with the zip in it, enabled by qgis_process."""
    found = new_profile()
    found.plugin.parent.mkdir(parents=True)
    with zipfile.ZipFile(plugin_zip) as archive:
        archive.extractall(found.plugin.parent)
    said = found.process("plugins", "enable", PLUGIN)
    assert said.code == 0 and "Enabled" in said.text, said.text
    return found


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model for 0.5 m, in a folder with a space and a letter that is not ASCII."""
    folder = tmp_path_factory.mktemp("model") / "mödel folder"
    folder.mkdir()
    return make_model(folder / "tiny.safetensors", gsd_m=0.5)


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small scene, in a folder with a space and a letter that is not ASCII."""
    folder = tmp_path_factory.mktemp("scene") / "scène & co"
    folder.mkdir()
    return make_scene(folder / "ortho photo.tif", 400, 300, gsd=0.5)
