"""How this package uses GDAL: a bounded block cache, no georeferencing warnings, and readable write errors."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning

from fctl_geo.errors import OutputError
from fctl_geo.scene.references import GDAL_ERRORS
from fctl_geo.storage.whole_files import write_failure
from fctl_geo.windows.frame import RasterFrame

CACHE_BYTES = 32 << 20
"""Size of GDAL's block cache while this package reads or writes: one row of blocks of a 60,000 px wide raster.
rasterio passes the number to GDALSetCacheMax unchanged: it is in bytes, not in MB like the environment variable."""


@contextmanager
def gdal_session(**options: object) -> Iterator[None]:
    """GDAL with a bounded block cache, for a stage that has GDAL to itself (the whole process shares one cache)."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, **options):
        yield


def open_quietly(path: str | Path, mode: str = "r", **options: Any) -> Any:
    """`rasterio.open` without its warning about rasters that are not georeferenced: the scene reader warns once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, mode, **options)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn a failed write to `path` into an OutputError that names the file and the free space.

    GDAL reports a full disk in one of three ways: with an exception, with a log line when the file is closed, or not
    at all. The first two are caught here; for the third, the code that writes must check the file itself
    (`BlockRasterWriter.close`, `write_cog`).
    """
    errors = _ErrorLog()
    log = logging.getLogger("rasterio")
    log.addHandler(errors)
    try:
        yield
    except (*GDAL_ERRORS, OSError) as error:
        raise write_failure(path, error) from error
    finally:
        log.removeHandler(errors)
    if errors.lines:
        raise write_failure(path, errors.lines[0])


def crs_of(frame: RasterFrame) -> CRS | None:
    """The frame's CRS for rasterio; None if it has none.

    Raises:
        OutputError: PROJ cannot parse the WKT.
    """
    if not frame.crs_wkt:
        return None
    try:
        return CRS.from_wkt(frame.crs_wkt)
    except CRSError as error:
        raise OutputError(f"the coordinate system cannot be written: {error}", hint="run `fctl-geo doctor`") from error


def affine_of(frame: RasterFrame) -> Affine:
    return Affine(*frame.transform)


class _ErrorLog(logging.Handler):
    """Collects what is logged as a GDAL error instead of being raised (as rasterio does when a dataset closes).

    Only messages of this thread count: other threads may be reading broken files, which has nothing to do with this
    write.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())
