"""A real cluster of two worker processes, shared by the tests that leave it as it was."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_factory import make_model

from fctl_geo.settings import EngineSettings

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3, patch_px=64, overlap_px=32)


@pytest.fixture(scope="package")
def executor() -> Iterator[object]:
    from fctl_geo.cluster import open_cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with open_cluster(EngineSettings(), workers=2) as executor:
            yield executor
