"""A small segmentation with a report, and a browser to open it in.

Without Chromium (apt-get install chromium) the tests in the browser are skipped; with FCTL_REQUIRE_CHROMIUM set (the CI
does) they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from model_factory import make_model
from playwright.sync_api import Browser, sync_playwright
from report_factory import Reported, make_report


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3)


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Reported:
    return make_report(tmp_path_factory.mktemp("reported"), model)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium from the system."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("FCTL_REQUIRE_CHROMIUM"):
            pytest.fail("chromium is not installed")
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def ids(reported: Reported) -> np.ndarray:
    """The class raster."""
    with rasterio.open(reported.classes) as dataset:
        return dataset.read(1)
