"""One small model for every batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_factory import make_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3, patch_px=64, overlap_px=32)
