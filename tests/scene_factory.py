"""Small georeferenced rasters for tests of every room: `make_scene(tmp_path / "a.tif", width=300, nodata=0)`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

UTM = "EPSG:32633"


def make_pixels(bands: int, height: int, width: int, dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    """(bands, height, width) smooth hills with some noise, 20 ... 235 of 255 (of up to 4000)."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[0:height, 0:width]
    hills = [np.sin(rows / (17 + 5 * b)) + np.cos(cols / (23 - 2 * b)) for b in range(bands)]
    share = np.clip(0.5 + 0.2 * np.array(hills) + rng.normal(0, 0.03, (bands, height, width)), 0.08, 0.92)
    kind = np.dtype(dtype)
    top = 1.0 if kind.kind == "f" else min(float(np.iinfo(kind).max), 4000.0)
    return (share * top).astype(kind)


def make_scene(
    path: Path,
    width: int = 200,
    height: int = 160,
    bands: int = 3,
    dtype: str = "uint8",
    *,
    pixels: np.ndarray | None = None,
    nodata: float | None = None,
    holes: bool = False,
    mask: np.ndarray | None = None,
    mask_outside: bool = False,
    alpha: np.ndarray | None = None,
    colors: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    palette: dict[int, tuple[int, int, int, int]] | None = None,
    crs: str | None = UTM,
    gsd: float = 0.3,
    transform: Affine | None = None,
    overviews: Sequence[int] = (),
    tiled: bool = True,
    block: int = 64,
    compress: str | None = "deflate",
    seed: int = 0,
    **profile: object,
) -> Path:
    """Write a GeoTIFF and return its path.

    Args:
        pixels: (bands, height, width), instead of hills; sets size, bands and type.
        holes: overwrite a disc and a stripe with the nodata value.
        mask: (height, width) bool, written as a mask band (in the file, or as .msk with `mask_outside`).
        alpha: (height, width) of the scene's type, becomes the last band.
        colors: color interpretation of each band ("red", "nir", "undefined", ...); None: GDAL's own choice.
        names: description of each band.
        crs: None: neither CRS nor transform (unless `transform` is given).
        gsd: CRS units a pixel, north up from (500000, 4600000).
        block: side of the tiles, or rows of a strip when not `tiled`.
    """
    data = make_pixels(bands, height, width, dtype, seed) if pixels is None else pixels
    if holes:
        data = data.copy()
        data[:, _holes(*data.shape[1:])] = nodata
    if alpha is not None:
        data = np.concatenate([data, alpha[None].astype(data.dtype)])
    count, height, width = data.shape
    place = transform or (Affine(gsd, 0, 500_000, 0, -gsd, 4_600_000) if crs else None)
    layout: dict[str, object] = {"tiled": True, "blockxsize": block, "blockysize": block}
    layout = layout if tiled else {"blockysize": block}
    options = {"compress": compress, **layout, **profile}
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=not mask_outside):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        shape = {"width": width, "height": height, "count": count, "dtype": data.dtype}
        given = {key: value for key, value in options.items() if value is not None}
        with rasterio.open(path, "w", "GTiff", **shape, nodata=nodata, crs=crs, transform=place, **given) as dataset:
            _say_what_bands_are(dataset, count, colors, names, palette, alpha is not None)
            dataset.write(data)
            if mask is not None:
                dataset.write_mask(mask)
        if overviews:
            with rasterio.open(path, "r+") as dataset:
                dataset.build_overviews(list(overviews), Resampling.nearest if palette else Resampling.average)
    return path


def _holes(height: int, width: int) -> np.ndarray:
    rows, cols = np.mgrid[0:height, 0:width]
    disc = (rows - height * 0.6) ** 2 + (cols - width * 0.3) ** 2 < (min(height, width) * 0.2) ** 2
    return np.asarray(disc | (np.abs(cols - rows * 0.5 - width * 0.4) < 3))


def _say_what_bands_are(
    dataset: object, count: int, colors: Sequence[str] | None, names: Sequence[str] | None, palette: object, alpha: bool
) -> None:
    if colors is not None:
        dataset.colorinterp = [ColorInterp[c] for c in colors]
    elif alpha:
        usual = ["red", "green", "blue"] if count == 4 else ["gray"]
        dataset.colorinterp = [ColorInterp[c] for c in [*usual, "alpha"]]
    for number, name in enumerate(names or (), start=1):
        dataset.set_band_description(number, name)
    if palette is not None:
        dataset.write_colormap(1, palette)
