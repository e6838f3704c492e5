"""The room's ground rules for GDAL: a bounded block cache, quiet georeference, and write failures in words."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from fctl_geo.errors import OutputError
from fctl_geo.storage.whole_files import write_failure
from fctl_geo.windows.frame import RasterFrame

CACHE_BYTES = 32 << 20
"""GDAL's block cache while this room reads or writes: a row of blocks of a 60,000 px wide raster.
rasterio hands the number to GDALSetCacheMax as it is: bytes, not the MB of the environment variable."""

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@contextmanager
def gdal_session(**options: object) -> Iterator[None]:
    """GDAL with a bounded block cache, for a stage that has GDAL to itself (the cache is one for the whole process)."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, **options):
        yield


def open_quietly(path: str | Path, mode: str = "r", **options: Any) -> Any:
    """`rasterio.open` without its warning about a raster that lies nowhere: the scene's reader tells that, once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, mode, **options)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn a failed write to `path` into an OutputError that names the file and the free space.

    GDAL tells a full disk in three ways: as an exception, as a line in its log when a file closes, or not at all. The
    first two are caught here; who writes must look at the file for the third (`BlockRasterWriter.flush`, `write_cog`).
    """
    heard = _ErrorLog()
    log = logging.getLogger("rasterio")
    log.addHandler(heard)
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise write_failure(path, error) from error
    finally:
        log.removeHandler(heard)
    if heard.lines:
        raise write_failure(path, heard.lines[0])


def crs_of(frame: RasterFrame) -> CRS | None:
    """The frame's CRS for rasterio; None where it has none.

    Raises:
        OutputError: a WKT that PROJ cannot read.
    """
    if not frame.crs_wkt:
        return None
    try:
        return CRS.from_wkt(frame.crs_wkt)
    except CRSError as error:
        raise OutputError(f"the coordinate system cannot be written: {error}", hint="run `fctl-geo doctor`") from error


def affine_of(frame: RasterFrame) -> Affine:
    return Affine(*frame.transform)


def frame_of(dataset: rasterio.DatasetReader) -> RasterFrame:
    """Size and georeference of an open dataset; the identity where the file says none."""
    wkt = dataset.crs.to_wkt(version="WKT2_2019") if dataset.crs else ""
    transform = tuple(float(value) for value in dataset.transform)[:6] if dataset.transform else _IDENTITY
    a, b, c, d, e, f = transform
    return RasterFrame(dataset.height, dataset.width, (a, b, c, d, e, f), wkt)


class _ErrorLog(logging.Handler):
    """Keeps what GDAL logs as an error instead of raising it (rasterio does so when a dataset closes)."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
