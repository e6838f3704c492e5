"""When a scene was taken: what its file says, in UTC."""

from __future__ import annotations

from pathlib import Path

import pytest
import rasterio
from scene_factory import make_scene

from fctl_geo.scene.info import describe_scene

EXIF, TIFF, IMAGERY = "EXIF_DateTimeOriginal", "TIFFTAG_DATETIME", "ACQUISITIONDATETIME"


@pytest.mark.parametrize(
    ("tags", "imagery", "time"),
    [
        ({}, {}, ""),
        ({TIFF: "2019:07:14 08:09:10"}, {}, "2019-07-14T08:09:10Z"),
        ({TIFF: "2019:07:14 08:09:10"}, {IMAGERY: "2018-05-01 10:30:00"}, "2018-05-01T10:30:00Z"),
        ({}, {IMAGERY: "2018-05-01T12:30:00.5+02:00"}, "2018-05-01T10:30:00Z"),
        ({EXIF: "2020:01:02 03:04:05", TIFF: "2021:01:01 00:00:00"}, {}, "2020-01-02T03:04:05Z"),
        ({TIFF: "yesterday"}, {}, ""),
    ],
)
def test_the_time_is_that_of_the_picture_before_that_of_the_file(
    tmp_path: Path, tags: dict[str, str], imagery: dict[str, str], time: str
) -> None:
    scene = make_scene(tmp_path / "a.tif", 40, 30)
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(**tags)
        dataset.update_tags(ns="IMAGERY", **imagery)
    assert describe_scene(scene).acquired == time
