"""`train` refuses what cannot be before the hours begin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


@pytest.mark.parametrize(
    ("recipe", "out", "words"),
    [
        ("none.toml", "x.safetensors", "there is no recipe none.toml"),
        ("buildings", "x.gpkg", "has the ending '.gpkg'"),
        ("buildings", "there.safetensors", "exists already"),
        ("buildings", "x.safetensors", "banepa_town.tif"),
    ],
)
def test_train_says_at_once_what_is_missing(
    fctl: Callable[..., Result], tmp_path: Path, recipe: str, out: str, words: str
) -> None:
    (tmp_path / "there.safetensors").write_text("mine")
    said = fctl("train", recipe, "--data", tmp_path, "--out", tmp_path / out, "--progress", "none")
    assert said.exit_code == 1 and words in said.stderr, said.stderr
    assert (tmp_path / "there.safetensors").read_text() == "mine"
