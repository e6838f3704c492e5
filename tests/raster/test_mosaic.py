"""Shards joined by a VRT."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from fctl_geo.errors import OutputError
from fctl_geo.raster.mosaic import write_mosaic
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window


def test_a_full_disk_is_called_one_and_the_old_mosaic_stays(small_disk: Path) -> None:
    mosaic = small_disk / "classes.vrt"
    mosaic.write_bytes(b"old")
    with (small_disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass
    frame = RasterFrame(512, 512, (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), "")
    with pytest.raises(OutputError, match="disk full while writing"):
        write_mosaic(mosaic, [(small_disk / "0.tif", Window(0, 0, 512, 512))], frame, None)
    assert mosaic.read_bytes() == b"old"
    assert sorted(p.name for p in small_disk.iterdir()) == ["classes.vrt", "filler"]
