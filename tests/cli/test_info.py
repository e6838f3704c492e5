"""`info` and `models` tell what the engine understood, to people and to programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Fctl = Callable[..., Result]


def test_a_scene_is_told_in_lines(fctl: Fctl, make_scene: Callable[..., Path]) -> None:
    said = fctl("info", make_scene(compress="deflate", tiled=True, blockxsize=128, blockysize=256))
    assert said.exit_code == 0
    lines = {line.split("  ")[0]: line for line in said.stdout.splitlines()}
    assert "400 x 300 px = 0.1 MPix" in lines["size"]
    assert "0.2501 m per pixel (crs)" in lines["pixel size"]
    assert "1 red, 2 green, 3 blue (uint8)" in lines["bands"]
    assert "128 x 256 px, deflate" in lines["blocks"] and "none" in lines["overviews"]


def test_a_scene_is_told_as_json(fctl: Fctl, make_scene: Callable[..., Path]) -> None:
    found = json.loads(fctl("info", make_scene(), "--json").stdout)
    assert (found["height"], found["width"]) == (300, 400)
    assert [band["name"] for band in found["bands"]] == ["red", "green", "blue"]


def test_a_model_tells_classes_data_and_licence(fctl: Fctl, model_file: Path) -> None:
    said = fctl("info", model_file)
    assert said.exit_code == 0
    for words in (
        "tiny 0 (fctl-lite)",
        "1 building #d2463c",
        "0.25 m per pixel",
        "x1, x2, x3",
        "building 0.500",
        "nothing",
    ):
        assert words in said.stdout, words
    found = json.loads(fctl("info", model_file, "--json").stdout)
    assert found["input"]["bands"] == ["red", "green", "blue"]


def test_a_file_that_is_no_model_is_refused_in_words(fctl: Fctl, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_text("no model")
    said = fctl("info", path)
    assert said.exit_code == 1 and "is not a model file" in said.stderr


def test_models_lists_what_is_shipped(fctl: Fctl) -> None:
    from fctl_geo.model.shipped import list_models

    said = fctl("models")
    assert said.exit_code == 0 and all(name in said.stdout for name in list_models())
    assert [model["name"] for model in json.loads(fctl("models", "--json").stdout)] == list_models()
