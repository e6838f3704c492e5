"""How an open scene is read, as a value: every decision that its pixels depend on."""

from __future__ import annotations

from dataclasses import dataclass

from fctl_geo.scene.bands import Band
from fctl_geo.scene.scaling import Stretch
from fctl_geo.scene.scene import Scene
from fctl_geo.windows.frame import Affine6
from fctl_geo.windows.window import Window


@dataclass(frozen=True, slots=True)
class SceneReading:
    """The decisions made about a scene for one model; equal readings of the same files give equal pixels."""

    driver: str
    size_hw: tuple[int, int]
    transform: Affine6
    crs_wkt: str
    bands: tuple[Band, ...]
    dtype: str
    levels: tuple[tuple[int, int], ...]
    """Size of each grid of the file that is read: full resolution and overviews."""
    masks: str
    """How missing data is marked, in full."""
    stretch: Stretch | None
    scale: float
    """Scene pixels per model pixel."""
    window: Window
    """The output's window on its full grid."""


def reading_of(scene: Scene) -> SceneReading:
    """The decisions of an open scene."""
    info = scene.info
    return SceneReading(
        driver=info.driver,
        size_hw=(info.height, info.width),
        transform=info.transform,
        crs_wkt=info.crs_wkt,
        bands=info.bands,
        dtype=info.dtype,
        levels=tuple((reader.source.grid.height, reader.source.grid.width) for reader in scene.readers),
        masks=repr(scene.readers[0].masks),  # as text, because a NaN nodata value equals nothing, not even itself
        stretch=info.stretch,
        scale=scene.scale,
        window=scene.frame_window,
    )
