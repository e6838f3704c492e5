"""Small model files with random weights, whose classes follow the picture: `make_model(tmp_path / "m.safetensors")`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from scene_factory import make_pixels

from fctl_geo.model.info import ModelInfo
from fctl_geo.model.lite import FctlLite, LiteConfig
from fctl_geo.model.modelfile import write_model
from fctl_geo.model.normalize import normalize
from fctl_geo.model.refinement import RefinementConfig, RefinementNet
from fctl_geo.spec import ClassInfo, InputSpec, Legend

COLORS = ((230, 230, 230), (214, 69, 65), (96, 160, 86), (74, 144, 217), (200, 180, 90))


def make_legend(classes: int = 3) -> Legend:
    """Classes 'nothing' (background), 'a', 'b', ..."""
    names = ("nothing", "a", "b", "c", "d")
    return Legend(tuple(ClassInfo(i, names[i], COLORS[i], background=i == 0) for i in range(classes)))


def make_model(
    path: Path,
    *,
    classes: int = 3,
    bands: tuple[str, ...] = ("red", "green", "blue"),
    gsd_m: float | None = None,
    patch_px: int = 128,
    overlap_px: int = 32,
    refine: bool = False,
    seed: int = 3,
    objects: str = "",
    min_area_m2: float = 0.0,
) -> Path:
    """Write a model file of a tiny network and return its path."""
    torch.manual_seed(seed)
    config = LiteConfig(
        len(bands), classes, contexts=(1, 2, 3), objects=objects, widths=(8, 8, 8, 8, 8, 16, 16, 16),
        repeats=(1,) * 7, deep_channels=16, key_channels=8, decoder=(8, 8),
    )  # fmt: skip
    network = FctlLite(config)
    torch.nn.init.normal_(network.decoder.classify.weight, std=2.0)
    _balance(network)
    shape = RefinementConfig(widths=(4, 8, 8, 8))
    refinement = RefinementNet(shape)
    info = ModelInfo(
        name="tiny",
        version="0",
        architecture="fctl-lite",
        legend=make_legend(classes),
        input=InputSpec(bands=bands, gsd_m=gsd_m),
        patch_px=patch_px,
        overlap_px=overlap_px,
        contexts=config.contexts,
        refine=refine,
        min_area_m2=min_area_m2,
        licence="CC0",
        attribution=("nobody",),
        training_data=("random numbers",),
        network=asdict(config),
        refinement=asdict(shape),
    )
    write_model(path, info, {"segmentation": network, "refinement": refinement})
    return path


@torch.no_grad()
def _balance(network: FctlLite) -> None:
    """Let every class win somewhere: normalize by a typical picture, and take each class's mean logit away."""
    picture = torch.from_numpy(make_pixels(network.config.bands, 192, 192)[None] / 255.0).float()
    network.train()
    for _ in range(60):
        network(normalize(picture), [normalize(picture)] * 2)
    network.eval()
    logits = network(normalize(picture), [normalize(picture)] * 2)
    network.decoder.classify.bias -= logits.mean((0, 2, 3))
