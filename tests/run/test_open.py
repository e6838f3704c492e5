"""What a run decides before its first patch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from model_factory import make_model
from scene_factory import make_scene

from fctl_geo import Settings
from fctl_geo.progress import Silent
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.open import open_run

CPU = Hardware("cpu", "fp32", "a CPU")


def fingerprint(scene: Path, model: Path, hardware: Hardware = CPU, **settings: Any) -> str:
    with open_run(scene, Settings.of({"model": str(model), **settings}), hardware, Silent()) as run:
        return run.fingerprint


def test_shards_are_not_taken_for_those_of_another_run(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 300, bands=4, colors=("red", "green", "blue", "nir"))
    model, other = make_model(tmp_path / "a.safetensors"), make_model(tmp_path / "b.safetensors", seed=4)
    west, north = 500_000, 4_600_000
    boxes = [(west, north - 20, west + 20, north), (west + 3, north - 20, west + 23, north)]
    seen = {
        "as it is": fingerprint(scene, model),
        "model": fingerprint(scene, other),
        "device": fingerprint(scene, model, Hardware("cuda", "fp32", "a GPU")),
        "precision": fingerprint(scene, model, Hardware("cpu", "bf16", "a CPU")),
        "bands": fingerprint(scene, model, bands=("nir", "red", "green")),
        "merge": fingerprint(scene, model, merge="montage"),
        "tta": fingerprint(scene, model, tta="flips"),
        "refine": fingerprint(scene, model, refine=True),
        "box": fingerprint(scene, model, bbox=boxes[0]),
        "box of the same size beside it": fingerprint(scene, model, bbox=boxes[1]),
    }
    os.utime(scene, ns=(0, 0))
    seen["a scene that was written again"] = fingerprint(scene, model)
    assert len(set(seen.values())) == len(seen), seen


@pytest.mark.parametrize("threads", [2, 7])
def test_more_threads_go_on_with_the_same_shards(tmp_path: Path, threads: int) -> None:
    scene, model = make_scene(tmp_path / "scene.tif"), make_model(tmp_path / "a.safetensors")
    many = Hardware("cpu", "fp32", "another CPU", threads=threads)
    assert fingerprint(scene, model, many, threads=threads) == fingerprint(scene, model)
