"""What the file says of itself, read once; everything that is decided about a scene is decided from this."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import CRSError, NotGeoreferencedWarning

from fctl_geo.errors import SceneError
from fctl_geo.scene.references import GDAL_ERRORS, SAFE_OPTIONS, check_parts, drivers_for, open_with
from fctl_geo.storage.address import gdal_name, is_remote, shown
from fctl_geo.windows.frame import Affine6

_CONNECTION = re.compile(r"^(/vsi|[A-Za-z][A-Za-z0-9+.-]+://|[A-Z][A-Za-z0-9_]+:)")
_MOST_BLOCK_BYTES = 2 << 30
_MOST_PACKED = 20_000
"""Bytes that a byte of the file can become: deflate 1,032; zstd and JPEG 2000 of one colour more."""
_REMOTE_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",  # probe .msk and .ovr by name instead of listing a server's folder
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 1,
    "GDAL_HTTP_CONNECTTIMEOUT": 20,
    "GDAL_HTTP_LOW_SPEED_TIME": 30,  # a server that says nothing, or next to nothing, for so long is given up
    "GDAL_HTTP_LOW_SPEED_LIMIT": 500,
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": 32768,
    "VSI_CACHE": "TRUE",
}
_TIFF = re.compile(r"^/vsi(curl|s3|gs|az|oss)/[^?]*(\.tiff?)$", re.IGNORECASE)
_COMPANIONS = ".msk,.ovr,.aux.xml,.tfw,.tifw,.wld,.rpb,_rpc.txt"
"""All that we use of what GDAL looks for beside a TIFF. It would ask a server for some forty names more."""


@dataclass(frozen=True, slots=True)
class GroundPoint:
    """A ground control point: pixel corner coordinates and the coordinates on the ground."""

    row: float
    col: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class BandHeader:
    """One band as the file describes it."""

    number: int
    """From 1."""
    interpretation: str
    """GDAL's colour interpretation: red, green, blue, nir, gray, alpha, palette, undefined, ..."""
    description: str
    """The file's own name of the band; may be empty."""
    dtype: str
    nodata: float | None


@dataclass(frozen=True, slots=True)
class Header:
    """A raster file's own account of itself."""

    uri: str
    """What GDAL opens: a path, a URL, /vsi... or a connection string."""
    name: str
    """Short name for messages."""
    driver: str
    height: int
    width: int
    bands: tuple[BandHeader, ...]
    has_mask_band: bool
    """A mask for all bands, in the file or in a .msk beside it; not alpha, not nodata."""
    mask_outside: bool
    """That mask is a .msk file."""
    block_hw: tuple[int, int]
    overviews: tuple[int, ...]
    """Decimation factors that all bands share, ascending."""
    compression: str
    palette: tuple[tuple[int, int, int, int], ...] | None
    """Red, green, blue, alpha by pixel value, of a palette image."""
    transform: Affine6
    georeferenced: bool
    """The file gives a transform of its own."""
    crs_wkt: str
    gcps: tuple[GroundPoint, ...]
    gcps_crs_wkt: str
    has_rpcs: bool
    size_bytes: int | None
    drivers: tuple[str, ...] | None = None
    """The only ones of GDAL's drivers that may open it; None: all."""

    @property
    def dtype(self) -> str:
        return self.bands[0].dtype


def gdal_options(uri: str, *, afresh: bool = False) -> dict[str, Any]:
    """GDAL's configuration for reading `uri`; applied around each access, never for the whole process.

    Args:
        afresh: forget what GDAL kept of a file elsewhere. It keeps broken answers, too: without this a block whose
            download broke off once would stay broken as long as the process lives.
    """
    if not is_remote(uri):
        return dict(SAFE_OPTIONS)
    options = {**SAFE_OPTIONS, **_REMOTE_OPTIONS}
    if tiff := _TIFF.match(uri):
        options["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] = f"{tiff[2]},{_COMPANIONS}"
    return {**options, "CPL_VSIL_CURL_NON_CACHED": uri} if afresh else options


def uri_of(path: str | Path) -> str:
    """What to hand to GDAL; a local path must exist.

    Raises:
        SceneError: a local path that is not there, or an empty one.
    """
    text = gdal_name(path)
    if not text:
        raise SceneError("no scene was given", hint="name a GeoTIFF, a VRT, a URL, ...")
    if is_remote(text):
        return text
    if not isinstance(path, Path) and _CONNECTION.match(text):
        return text
    if not Path(text).exists():
        parent = Path(text).absolute().parent
        where = f"the folder {parent} has no such file" if parent.is_dir() else f"the folder {parent} does not exist"
        raise SceneError(f"{text} does not exist", hint=f"check the path: {where}")
    return text


def files_of(uri: str) -> list[Path]:
    """The local files that hold a scene: itself, and a VRT's sources, as far as they can be told."""
    path = Path(uri)
    if path.suffix.lower() != ".vrt" or not path.is_file():
        return [path]
    try:
        with rasterio.Env(), open_raster(uri) as dataset:
            return [path, *sorted(Path(file) for file in dataset.files if Path(file) != path)]
    except GDAL_ERRORS:
        return [path]  # reading it tells what is wrong


def short_name(uri: str) -> str:
    """The file's name, for messages; connection strings stay whole, and a URL loses its query (it may hold keys)."""
    bare = shown(uri)
    return bare.rstrip("/").rsplit("/", 1)[-1] or bare


@contextmanager
def open_raster(uri: str, drivers: tuple[str, ...] | None = None, **options: Any) -> Iterator[Any]:
    """A rasterio dataset, without rasterio's warning about files that lie nowhere (we tell that ourselves)."""
    dataset = open_handle(uri, drivers, **options)
    try:
        yield dataset
    finally:
        dataset.close()


def open_handle(uri: str, drivers: tuple[str, ...] | None = None, **options: Any) -> Any:
    """Like `open_raster`; the caller closes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(uri, **options) if drivers is None else open_with(uri, drivers, **options)


def read_header(path: str | Path, *, allow_external: bool = False) -> Header:
    """The header of a raster file; reads no pixel.

    Args:
        allow_external: it may point to files outside of its folder, see `fctl_geo.scene.references`.
    Raises:
        SceneError: missing, unreadable, not a raster, without bands, of complex numbers, with blocks that no memory
            holds, or pointing elsewhere.
    """
    uri = uri_of(path)
    drivers = None if allow_external else drivers_for(uri)
    _forget(uri)
    with rasterio.Env(**gdal_options(uri, afresh=True)):
        try:
            with open_raster(uri, drivers) as dataset:
                header = _header_of(dataset, uri, drivers)
                if drivers is not None:
                    check_parts(uri, dataset.files)
        except GDAL_ERRORS as error:
            raise _not_a_raster(uri, error) from error
    _refuse_giant_blocks(header)
    return header


def _forget(uri: str) -> None:
    """Have GDAL ask the server anew: it keeps what it read as long as the process lives, and the file may be another.

    GDAL forgets a file when one that is not to be kept is closed; a driver that refuses it opens and closes it alone.
    """
    if is_remote(uri):
        with rasterio.Env(**gdal_options(uri, afresh=True)), suppress(*GDAL_ERRORS), open_raster(uri, ("PNG",)):
            pass


def _refuse_giant_blocks(header: Header) -> None:
    """A block is decoded whole. A header that lies about its blocks would take all memory, an honest one most of it."""
    height, width = header.block_hw
    block_bytes = height * width * max(1, np.dtype(header.dtype).itemsize) * len(header.bands)
    lies = header.size_bytes is not None and block_bytes > max(256 << 20, header.size_bytes * _MOST_PACKED)
    if block_bytes > _MOST_BLOCK_BYTES or lies:
        raise SceneError(
            f"{header.name} declares blocks of {width:,} x {height:,} pixels, which take {block_bytes / 2**30:,.1f} GiB"
            + (f", in a file of {header.size_bytes:,} bytes" if lies else ""),
            hint="the header is damaged; or else copy it to small tiles on a large machine: gdal_translate -of COG",
        )


def _header_of(dataset: Any, uri: str, drivers: tuple[str, ...] | None) -> Header:
    name = short_name(uri)
    if dataset.count == 0:
        inside = [str(s) for s in dataset.subdatasets]
        hint = "give one of the rasters inside: " + ", ".join(inside[:5]) if inside else "give a raster with bands"
        raise SceneError(f"{name} has no bands", hint=hint)
    if any("complex" in dtype for dtype in dataset.dtypes):
        raise SceneError(
            f"{name} holds complex numbers ({dataset.dtypes[0]}), not brightness",
            hint="make a picture of magnitudes first, e.g. with gdal_calc.py --calc='numpy.abs(A)'",
        )
    points, points_crs = dataset.gcps
    flags = {flag.name for flag in dataset.mask_flag_enums[0]}
    return Header(
        uri=uri,
        name=name,
        driver=dataset.driver,
        height=dataset.height,
        width=dataset.width,
        bands=_bands_of(dataset),
        has_mask_band="per_dataset" in flags and "alpha" not in flags,
        mask_outside=any(str(file).lower().endswith(".msk") for file in dataset.files),
        block_hw=dataset.block_shapes[0],
        overviews=_shared_overviews(dataset),
        compression=dataset.compression.name if dataset.compression else "none",
        palette=_palette_of(dataset),
        transform=tuple(dataset.transform)[:6],
        georeferenced=not dataset.transform.is_identity,
        crs_wkt=_wkt_of(dataset.crs),
        gcps=tuple(GroundPoint(p.row, p.col, p.x, p.y) for p in points),
        gcps_crs_wkt=_wkt_of(points_crs),
        has_rpcs=dataset.rpcs is not None,
        size_bytes=Path(uri).stat().st_size if Path(uri).is_file() else None,
        drivers=drivers,
    )


def _bands_of(dataset: Any) -> tuple[BandHeader, ...]:
    columns = (dataset.indexes, dataset.colorinterp, dataset.descriptions, dataset.dtypes, dataset.nodatavals)
    return tuple(
        BandHeader(number, interpretation.name, description or "", dtype, nodata)
        for number, interpretation, description, dtype, nodata in zip(*columns, strict=True)
    )


def _shared_overviews(dataset: Any) -> tuple[int, ...]:
    # A band without the first band's overviews makes them useless: a level must come from one source.
    first = tuple(dataset.overviews(1))
    return first if all(tuple(dataset.overviews(i)) == first for i in dataset.indexes[1:]) else ()


def _palette_of(dataset: Any) -> tuple[tuple[int, int, int, int], ...] | None:
    if dataset.colorinterp[0].name != "palette":
        return None
    table = dataset.colormap(1)
    return tuple(table.get(value, (0, 0, 0, 0)) for value in range(max(table) + 1))


def _wkt_of(crs: Any) -> str:
    if not crs:
        return ""
    try:
        return str(crs.to_wkt(version="WKT2_2019"))
    except CRSError:  # a CRS that WKT2 cannot say keeps the words that it came with
        return str(crs.wkt)


_REMOTE_TROUBLES = (
    (("404", "key does not exist", "NoSuchKey"), "is not there", "check the address, capitals included"),
    (("bucket does not exist", "NoSuchBucket"), "lies in a bucket that does not exist", "check the bucket's name"),
    (
        ("403", "401", "Access Denied", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        "may not be read",
        "check your keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket "
        "AWS_NO_SIGN_REQUEST=YES; the query of a signed address may have expired",
    ),
    (
        ("No valid AWS credentials", "AWS_SECRET_ACCESS_KEY", "InvalidCredentials"),
        "needs keys, and none are set",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket AWS_NO_SIGN_REQUEST=YES",
    ),
    (
        ("Range downloading not supported",),
        "lies on a server that sends whole files only, and a scene is read in pieces",
        "download it first, or put it on a server that knows byte ranges (S3, nginx, Apache do)",
    ),
    (("resolve host", "resolve"), "lies on a host that is not found", "check the address and the connection"),
    (("timed out", "too slow", "Timeout"), "is not answered in time", "try again later; is there a proxy to be set?"),
)
"""What GDAL says, what it means, what to do. Keys are looked for in this order."""


def _not_reached(uri: str, error: Exception) -> SceneError:
    name = short_name(uri)
    cause = f"{error} {error.__cause__ or ''}".strip()
    for secret in (uri, uri.removeprefix("/vsicurl/")):
        cause = cause.replace(secret, name)  # an address may hold keys
    for words, trouble, hint in _REMOTE_TROUBLES:
        if any(word in cause for word in words):
            return SceneError(f"{shown(uri)} {trouble} (GDAL: {cause})", hint=hint)
    return SceneError(
        f"{name} cannot be opened over the network (GDAL: {cause})", hint="check address, connection and keys"
    )


def _not_a_raster(uri: str, error: Exception) -> SceneError:
    name = short_name(uri)
    if is_remote(uri):
        return _not_reached(uri, error)
    if Path(uri).is_dir():
        return SceneError(f"{uri} is a folder, not a raster", hint="name the file in it that holds the scene")
    if Path(uri).is_file() and Path(uri).stat().st_size == 0:
        return SceneError(f"{name} is empty (0 bytes)", hint="copy or download it again")
    return SceneError(
        f"{name} is not a raster that GDAL can read (GDAL: {error})",
        hint="look at it with gdalinfo; a download that broke off or a text file under a wrong name looks like this; "
        "a format that only points to files or servers (WMS, tile index, DIMAP, ...) is opened with --allow-external",
    )
