"""The laws of the flow for patches fitted into the scene, with contexts of their own and of the whole scene."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from model_factory import make_legend
from scene_factory import make_scene

from fctl_geo import OutputSettings, Settings, segment_scene
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import write_model
from fctl_geo.model.vgg16 import FctlVgg16, Vgg16Config
from fctl_geo.settings import EngineSettings
from fctl_geo.spec import InputSpec


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "thin.safetensors"
    torch.manual_seed(1)
    config = Vgg16Config(classes=3, contexts=(2, 1.5, "global", 1), widths=(4, 4, 8, 8, 8), head=8)
    network = FctlVgg16(config).eval()
    for correlate in network.correlations:
        torch.nn.init.ones_(correlate.gamma)
    torch.nn.init.normal_(network.decoder.classify[-1].weight)
    torch.nn.init.normal_(network.decoder.adjust3.weight, std=4000)
    with torch.no_grad():
        picture = torch.rand(1, 3, 61, 61)
        network.decoder.classify[-1].bias -= network(picture, [picture] * 3).mean((0, 2, 3))
    info = ModelInfo(
        name="thin", version="0", architecture="fctl-vgg16", legend=make_legend(3), input=InputSpec(), patch_px=61,
        overlap_px=7, contexts=config.contexts, refine=False, licence="CC0", attribution=(), training_data=(),
        layout="fitted", merge="average", network=asdict(config),
    )  # fmt: skip
    write_model(path, info, {"segmentation": network}, weights="full")
    return path


def classes_of(scene: Path, model: Path, out: Path, **engine: object) -> np.ndarray:
    settings = EngineSettings(device="cpu", **{"threads": 2, **engine})  # type: ignore[arg-type]
    segment_scene(scene, Settings(model=str(model), engine=settings, output=OutputSettings(outs=(out,))))
    with rasterio.open(out) as file:
        found: np.ndarray = file.read(1)
    return found


@pytest.mark.parametrize(("merge", "tta"), [("montage", "none"), ("average", "none"), ("blend", "flips")])
def test_shards_do_not_show_with_fitted_patches(
    tmp_path: Path, model: Path, merge: str, tta: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 1, where each look at the scene has patches of its own (odd sides, flips)."""
    scene = make_scene(tmp_path / "s.tif", width=117, height=281)
    whole = classes_of(scene, model, tmp_path / "whole.tif", merge=merge, tta=tta, threads=1)
    monkeypatch.setattr("fctl_geo.run.shard_size.SHARD_PX", 256)
    parts = classes_of(scene, model, tmp_path / "parts.tif", merge=merge, tta=tta)
    assert (whole == parts).all() and len(np.unique(whole)) > 1
    assert (tmp_path / "whole.tif").read_bytes() == (tmp_path / "parts.tif").read_bytes()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (60, 7), (61, 61), (62, 300), (127, 59)])
@pytest.mark.parametrize("tta", ["none", "d4"])
def test_every_pixel_gets_a_class_whatever_the_size(
    tmp_path: Path, model: Path, width: int, height: int, tta: str
) -> None:
    """Law 3: also a side that is shorter than a patch, which the released code cannot do."""
    scene = make_scene(tmp_path / "s.tif", width=width, height=height)
    found = classes_of(scene, model, tmp_path / "c.tif", tta=tta)
    assert found.shape == (height, width) and (found < 3).all()
