"""Write a procedural scene and its ground truth as georeferenced tiled GeoTIFFs with overviews."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import OutputError
from fctl_geo.synthetic.world import CLASSES, Rendered, render_scene

CRS = "EPSG:32633"
ORIGIN_M = (412_600.0, 5_402_400.0)
"""Upper left corner: somewhere in UTM zone 33."""
COLORS = ((205, 180, 140), (214, 60, 50), (110, 110, 116), (86, 140, 62), (62, 118, 190))
"""Palette of the ground truth, in the order of CLASSES."""
BLOCK_PX = 512


def write_scene(
    folder: Path, *, size_px: int = 4096, gsd_m: float = 0.25, seed: int = 7, style: str | None = "mediterranean"
) -> tuple[Path, Path]:
    """Render a square scene and write `scene.tif` (JPEG in YCbCr) and `truth.tif` (deflate, palette).

    Both files appear complete or not at all.

    Returns:
        The paths of scene and truth.
    Raises:
        SettingsError: size, GSD or style out of range.
        OutputError: the folder cannot be written.
    """
    rendered = render_scene(seed, size_px, size_px, gsd_m, style)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scene, truth = folder / "scene.tif", folder / "truth.tif"
        _write_whole(scene, rendered, gsd_m, truth=False)
        _write_whole(truth, rendered, gsd_m, truth=True)
    except OSError as error:
        raise OutputError(
            f"cannot write the scene to {folder}: {error}", hint="choose a folder that you may write to"
        ) from error
    return scene, truth


def _write_whole(path: Path, rendered: Rendered, gsd_m: float, *, truth: bool) -> None:
    """Write to a temporary file, then rename it."""
    partial = path.with_name(f".{path.stem}.partial-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        if truth:
            _write_tiff(partial, rendered.classes[None], gsd_m, {"compress": "deflate"}, palette=True)
        else:
            _write_tiff(
                partial,
                rendered.rgb,
                gsd_m,
                {"compress": "jpeg", "jpeg_quality": 90, "photometric": "ycbcr", "interleave": "pixel"},
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_tiff(
    path: Path, bands: NDArray[np.uint8], gsd_m: float, options: dict[str, Any], *, palette: bool = False
) -> None:
    """Write (B, H, W) with georeferencing and overviews down to about 256 px (truth by mode, images by average)."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import from_origin

    count, h, w = bands.shape
    if min(h, w) >= BLOCK_PX:
        options = {**options, "tiled": True, "blockxsize": BLOCK_PX, "blockysize": BLOCK_PX}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=w,
        height=h,
        count=count,
        dtype="uint8",
        crs=CRS,
        transform=from_origin(*ORIGIN_M, gsd_m, gsd_m),
        **options,
    ) as out:
        out.write(bands)
        if palette:
            out.write_colormap(1, dict(enumerate((*c, 255) for c in COLORS)))
            out.update_tags(classes=",".join(CLASSES))
    factors = [f for f in (2, 4, 8, 16, 32) if max(h, w) // f >= 128]
    if factors:
        with rasterio.open(path, "r+") as out:
            out.build_overviews(factors, Resampling.mode if palette else Resampling.average)
