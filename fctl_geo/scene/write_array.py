"""Writes pixels in memory to a GeoTIFF, which the pipeline then reads like any other scene."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.dtypes import check_dtype
from rasterio.enums import ColorInterp
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from fctl_geo.errors import SceneError
from fctl_geo.storage.whole_files import write_failure

_ALPHA_BY_DEFAULT = 4
"""GDAL takes the fourth band of an 8-bit GeoTIFF for alpha unless told otherwise."""
_MOST_BANDS = 16
"""With more bands than this and four columns at most, the array is assumed to be (rows, columns, bands)."""


def write_array(
    path: Path, array: Any, transform: Any, crs: Any, *, nodata: float | None = None, names: Sequence[str] = ()
) -> Path:
    """Write pixels to a tiled, uncompressed GeoTIFF.

    Args:
        array: (bands, rows, columns), or (rows, columns) for one band, as rasterio reads it; masked pixels of a masked
            array are nodata. A DataArray of rioxarray brings its own transform, CRS, nodata value and band names.
        transform: affine transform from pixels to the CRS; None: not georeferenced.
        crs: anything rasterio takes for a CRS (EPSG code, WKT, pyproj or rasterio object); None: unknown.
        names: names of the bands ("nir"), for models that ask for bands by name.
    Raises:
        SceneError: an array of another shape or of a type that a raster cannot have, or a CRS that is none.
        OutputError: the disk is full.
    """
    if hasattr(array, "rio"):
        transform = array.rio.transform() if transform is None else transform
        crs = array.rio.crs if crs is None else crs
        nodata = array.rio.nodata if nodata is None else nodata
        names = names or _long_names(array)
        array = array.transpose(..., array.rio.y_dim, array.rio.x_dim).to_numpy()
    pixels = _bands_first(np.ma.asanyarray(array), names)
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": 256, "blockysize": 256, "bigtiff": "if_safer"}
    count, height, width = pixels.shape
    if count == _ALPHA_BY_DEFAULT:
        profile |= {"photometric": "minisblack", "alpha": "unspecified"}
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
    try:
        with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, "w", **shape, **profile, nodata=nodata, crs=crs, transform=transform) as dataset:
                for number, name in enumerate(names, start=1):
                    dataset.set_band_description(number, name)
                if count == _ALPHA_BY_DEFAULT:
                    dataset.colorinterp = [ColorInterp.undefined] * count
                dataset.write(np.ma.getdata(pixels))
                if np.ma.is_masked(pixels):
                    dataset.write_mask(~np.ma.getmaskarray(pixels).any(axis=0))
    except (CRSError, ValueError, TypeError) as error:
        raise SceneError(f"the array cannot become a scene: {error}", hint="check crs, transform and nodata") from error
    except (RasterioError, OSError) as error:
        raise write_failure(path, error, pixels.nbytes) from error
    return path


def _bands_first(array: np.ma.MaskedArray[Any, Any], names: Sequence[str]) -> np.ma.MaskedArray[Any, Any]:
    """(bands, rows, columns), of a type that a raster can have, with as many bands as names."""
    pixels = array[None] if array.ndim == 2 else array
    bands_last = pixels.ndim == 3 and pixels.shape[2] <= 4 and pixels.shape[0] > _MOST_BANDS
    if pixels.ndim != 3 or 0 in pixels.shape or bands_last:
        raise SceneError(
            f"the array has the shape {array.shape}",
            hint="expected (bands, rows, columns) with at least one pixel; for (rows, columns, bands): "
            "numpy.moveaxis(array, -1, 0)",
        )
    if pixels.dtype == np.bool_ or not check_dtype(pixels.dtype):
        raise SceneError(f"the array has {pixels.dtype} values", hint="convert it, for example array.astype('uint8')")
    if names and len(names) != len(pixels):
        raise SceneError(f"the array has {len(pixels)} bands, but {len(names)} names", hint="give each band one name")
    return pixels


def _long_names(array: Any) -> tuple[str, ...]:
    """The names that rioxarray found in the file: one for each band, or none."""
    names = array.attrs.get("long_name", ())
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()
