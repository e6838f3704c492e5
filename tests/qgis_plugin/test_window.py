"""The zip in QGIS's own window on a virtual screen: one long visit, then what was seen.

`FCTL_SCREENSHOTS=docs/images pytest tests/qgis_plugin/test_window.py` makes the pictures of docs/qgis.md, and with
`FCTL_HELP_PICTURES=qgis_plugin/help` those of the algorithms' help.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_qgis import Qgis
from scene_factory import make_scene

from fctl_geo.model.modelfile import read_model_info
from fctl_geo.synthetic.write import write_scene

pytestmark = pytest.mark.qgis


@pytest.fixture(scope="module")
def seen(
    new_profile: Callable[[], Qgis], plugin_zip: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the visit came to; see in_window.py."""
    qgis = new_profile()
    folder = tmp_path_factory.mktemp("wïndow")
    scene, truth = write_scene(folder / "scene", size_px=1200, gsd_m=0.3, seed=5)
    made = {name: folder / name for name in ("results", "batch", "shots", "help", "no_wheels")}
    made["shots"] = Path(os.environ.get("FCTL_SCREENSHOTS", made["shots"])).resolve()
    made["help"] = Path(os.environ.get("FCTL_HELP_PICTURES", made["help"])).resolve()
    for path in made.values():
        path.mkdir(exist_ok=True)
    given = {
        **{name: str(path) for name, path in made.items()},
        "zip": str(plugin_zip),
        "scene": str(scene),
        "truth": str(truth),
        "small": str(make_scene(folder / "small.tif", 120, 120, gsd=0.5)),
        "large": str(make_scene(folder / "large.tif", 6000, 6000, gsd=2.0, block=512)),
        "tiny": str(model),
        "make_help": "FCTL_HELP_PICTURES" in os.environ,
        "python": os.path.realpath(sys.executable),
        "answer": str(folder / "answer.json"),
    }
    (folder / "engine").symlink_to(sys.prefix)  # so that pictures show no developer's path
    (folder / "given.json").write_text(json.dumps(given), "utf-8")
    screen = ["xvfb-run", "-a", "-s", "-screen 0 1600x1050x24"]
    program = shutil.which("qgis.bin") or "qgis"
    options = ["--profiles-path", str(qgis.config), "--noversioncheck", "--nologo"]
    ended = subprocess.run(
        [*screen, program, *options, "--code", str(Path(__file__).with_name("in_window.py"))],
        check=False, capture_output=True, text=True, timeout=1500,
        env=qgis.environment(QT_QPA_PLATFORM="xcb", FCTL_WINDOW=str(folder / "given.json"),
                             FCTL_GEO_PYTHON=str(folder / "engine/bin/python")),
    )  # fmt: skip
    answer = folder / "answer.json"
    assert answer.exists(), ended.stdout + ended.stderr
    told: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    told["plugin"] = str(qgis.plugin)
    told["shots"] = sorted(path.name for path in made["shots"].glob("qgis-*.jpg"))
    assert "error" not in told, told["error"] + ended.stderr
    return told


def test_the_zip_is_installed_by_qgis_and_works_from_the_profile(seen: dict[str, Any]) -> None:
    assert "fctl_geo_qgis" in seen["installed"]
    assert seen["loaded_from"].startswith(seen["plugin"])


def test_a_fresh_profile_shows_button_panel_and_menu(seen: dict[str, Any]) -> None:
    assert seen["opened_by_itself"] and seen["button"] == ["mPluginToolBar"]
    assert seen["menu"][1:] == ["Set Up Engine...", "Options...", "Help"]


def test_the_panel_shows_engine_models_and_layer(seen: dict[str, Any]) -> None:
    assert "GiB memory free" in seen["engine"]
    assert {"buildings", "landcover"} <= set(seen["models"])
    gsd_m = read_model_info("landcover").input.gsd_m
    for words in ("building", "water", f"trained at {gsd_m:g} m per pixel", "License", "#4a90d9"):
        assert words in seen["card"]
    assert seen["facts"] == "1,200 x 1,200 pixels of 0.3 m, EPSG:32633"
    assert seen["no_warning"] == ""


def test_a_preview_replaces_the_last_one_and_refuses_what_would_take_long(seen: dict[str, Any]) -> None:
    version = read_model_info("landcover").version
    assert [name for name in seen["preview"] if name.startswith("Preview")] == [f"Preview: landcover {version}"]
    assert seen["preview_legend"] == ["building", "land", "road", "vegetation", "water"]
    assert "Zoom in" in seen["preview_too_large"]


def test_an_area_is_drawn_on_the_map(seen: dict[str, Any]) -> None:
    assert seen["drawn"][:4] == ["inside", "Drawn area", 1, "EPSG:32633"]
    assert seen["drawn"][4] == pytest.approx(1, abs=0.02)


def test_a_run_brings_named_and_colored_layers(seen: dict[str, Any]) -> None:
    assert seen["running"] == {"run": False, "cancel": True}
    assert seen["run"].startswith("Done: ")
    assert {"orthophoto-landcover.tif", "orthophoto-landcover.gpkg"} <= set(seen["files"])
    expected = [["building", "#d64541"], ["land", "#decba4"], ["road", "#6e6e76"], ["vegetation", "#60a056"],
                ["water", "#4a90d9"]]  # fmt: skip
    assert seen["polygons"] == seen["classes"] == expected
    assert "building: " in seen["last_run"] and "m²" in seen["last_run"]
    assert seen["loaded_again"] == 1
    assert seen["groups"] == {"orthophoto - landcover": ["orthophoto - landcover", "orthophoto - landcover (classes)"]}
    assert seen["metadata"][0].startswith("fctl-geo segment") and "--min-area 10" in seen["metadata"][0]
    assert seen["previews"] == [], "a run removes the preview"
    assert seen["again"] == 10, "the run may be repeated with its parameters"


def test_the_panel_does_not_scroll_by_itself(seen: dict[str, Any]) -> None:
    assert seen["scrolled"] == 0


def test_cancel_leaves_no_file_and_a_coarse_layer_is_warned_of(seen: dict[str, Any]) -> None:
    assert f"{2 / read_model_info('landcover').input.gsd_m:.1f} times coarser" in seen["warning"]
    assert "Canceled" in seen["cancelled"]
    assert not [name for name in seen["after_cancel"] if name.startswith("large")]


def test_the_batch_dialog_runs_every_row(seen: dict[str, Any]) -> None:
    assert {"row0.gpkg", "row0.tif", "row1.gpkg", "row1.tif"} <= set(seen["batch"]), seen["batch_log"]


def test_the_options_page_checks_and_keeps(seen: dict[str, Any]) -> None:
    assert "options_error" not in seen, seen["options_error"]
    assert "The engine works" in seen["options"]
    assert seen["threads"] == 1


def test_a_set_up_that_fails_says_why_and_may_be_tried_again(seen: dict[str, Any]) -> None:
    words, button = seen["setup"]
    assert "Packages are missing" in words and "pip download" in words and button == "Try Again"


def test_the_plugin_goes_without_a_trace(seen: dict[str, Any]) -> None:
    assert seen["unloaded"]


def test_every_picture_of_the_docs_was_made(seen: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "qgis.md").read_text("utf-8")
    wanted = {name for name in seen["shots"] if f"images/{name}" in page}
    assert wanted >= {"qgis-polygons.jpg", "qgis-preview.jpg", "qgis-options.jpg", "qgis-toolbox.jpg"}
