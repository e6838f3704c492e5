"""The estimate behind --max-memory counts what a run really holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from fctl_geo.model.modelfile import read_model_info
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.shard_size import memory_bytes
from fctl_geo.scene import Scene
from fctl_geo.settings import Settings
from fctl_geo.windows.frame import RasterFrame

CPU = cast(Hardware, type("Cpu", (), {"kind": "cpu", "threads": 2, "processes": 1})())


class LargeScene:
    """What the estimate asks of a scene."""

    model_hw = (40_000, 40_000)
    frame = RasterFrame(40_000, 40_000, (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), "")

    def cache_bytes_for(self, rows: int, cols: int) -> int:
        return 3 * rows * cols


def estimate(shard_px: int = 1024, network: dict[str, Any] | None = None, **settings: Any) -> int:
    info = read_model_info("buildings")
    info = replace(info, network={**info.network, **(network or {})})
    chosen = Settings.of({"outs": (Path("a.gpkg"),), **settings})
    return memory_bytes(chosen, info, cast(Scene, LargeScene()), CPU, shard_px)


def test_wider_networks_take_more() -> None:
    widths = tuple(read_model_info("buildings").network.get("widths", (32, 64, 128, 256)))
    raster = (Path("a.tif"),)  # without polygons, whose memory would hide the network's
    wide = tuple(4 * w for w in widths)
    assert estimate(network={"widths": wide}, outs=raster) > 1.05 * estimate(outs=raster)


@pytest.mark.parametrize(("tta", "orientations"), [("flips", 4), ("d4", 8)])
def test_test_time_augmentation_keeps_the_tiles_of_each_orientation(tta: str, orientations: int) -> None:
    raster = (Path("a.tif"),)  # without polygons, whose memory would hide the tiles
    one, many = estimate(4608, outs=raster), estimate(4608, tta=tta, outs=raster)
    assert (many - one) / (orientations - 1) == pytest.approx((estimate(4608, tta="flips", outs=raster) - one) / 3)
    assert many > one + (orientations - 1) * (1 << 20)


def test_polygons_of_many_vertices_count() -> None:
    assert estimate(max_vertices=20_000_000) > estimate() + (1 << 30)
    assert estimate(max_vertices=20_000_000, outs=(Path("a.tif"),)) == estimate(outs=(Path("a.tif"),))
