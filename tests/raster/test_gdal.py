"""What is heard of GDAL's errors while something is written."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from fctl_geo.errors import OutputError
from fctl_geo.raster.gdal import output_errors


def complain(words: str) -> None:
    logging.getLogger("rasterio._err").error(words)


def test_an_error_that_is_only_logged_fails_the_write(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="disk full"), output_errors(tmp_path / "a.tif"):
        complain("write failed: no space left")


def test_another_threads_error_is_not_this_writes(tmp_path: Path) -> None:
    with output_errors(tmp_path / "a.tif"):
        thread = threading.Thread(target=complain, args=("block 7 of somebody's scene is damaged",))
        thread.start()
        thread.join()
