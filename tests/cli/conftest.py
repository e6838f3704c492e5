"""A small untrained model and small scenes: enough for the door, whatever the classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result
from fctl_geo_cli.main import cli
from rasterio.transform import Affine

from fctl_geo.spec import ClassInfo, InputSpec, Legend

LEGEND = Legend((ClassInfo(0, "background", (230, 230, 220), background=True), ClassInfo(1, "building", (210, 70, 60))))


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that is whole and knows nothing."""
    import torch

    from fctl_geo.model.info import ModelInfo
    from fctl_geo.model.modelfile import build_networks, write_model

    info = ModelInfo(
        name="tiny",
        version="0",
        architecture="fctl-lite",
        legend=LEGEND,
        input=InputSpec(gsd_m=0.25),
        patch_px=192,
        overlap_px=48,
        contexts=(1, 2, 3),
        refine=False,
        licence="none",
        attribution=("nobody",),
        training_data=("nothing",),
        title="An untrained network for tests",
        metrics={"nowhere": {"building": 0.5}},
        network={
            "classes": 2,
            "contexts": (1, 2, 3),
            "widths": (8, 8, 8, 8, 8, 16, 16, 16),
            "repeats": (1,) * 7,
            "deep_channels": 16,
            "key_channels": 8,
            "decoder": (8, 8, 8),
        },
        refinement={"widths": (4, 8, 8, 8)},
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    torch.manual_seed(5)
    write_model(path, info, build_networks(info))
    return path


@pytest.fixture
def make_scene(tmp_path: Path) -> Callable[..., Path]:
    """Write an RGB scene of colored noise in patches."""

    def make(name: str = "scene.tif", height: int = 300, width: int = 400, **options: Any) -> Path:
        coarse = np.random.default_rng(2).integers(20, 230, (3, height // 25 + 1, width // 25 + 1), dtype=np.uint8)
        rgb = np.kron(coarse, np.ones((1, 25, 25), np.uint8))[:, :height, :width]
        profile = {"crs": "EPSG:32635", "transform": Affine(0.25, 0, 500_000, 0, -0.25, 6_000_000)} | options
        path = tmp_path / name
        with rasterio.open(
            path, "w", driver="GTiff", dtype="uint8", count=3, height=height, width=width, photometric="rgb", **profile
        ) as dataset:
            dataset.write(rgb)
        return path

    return make


@pytest.fixture
def fctl() -> Callable[..., Result]:
    """Run a command as typed; its result has exit_code, stdout and stderr."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)

    return run
