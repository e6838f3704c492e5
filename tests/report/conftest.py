"""A small segmentation with a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from model_factory import make_model
from report_factory import Reported, make_report


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3)


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Reported:
    return make_report(tmp_path_factory.mktemp("reported"), model)


@pytest.fixture(scope="session")
def ids(reported: Reported) -> np.ndarray:
    """The class raster."""
    with rasterio.open(reported.classes) as dataset:
        return dataset.read(1)
