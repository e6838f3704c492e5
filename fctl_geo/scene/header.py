"""The header of a raster file, read once; every decision about a scene is based on it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from fctl_geo.errors import SceneError
from fctl_geo.scene.acquired import acquisition_time
from fctl_geo.scene.georeference import Placement, placement_of
from fctl_geo.scene.references import GDAL_ERRORS, SAFE_OPTIONS, check_parts, drivers_for, open_with
from fctl_geo.scene.unreadable import why_unreadable
from fctl_geo.storage.address import gdal_name, is_remote, shown

_CONNECTION = re.compile(r"^(/vsi|[A-Za-z][A-Za-z0-9+.-]+://|[A-Z][A-Za-z0-9_]+:)")
_MOST_BLOCK_BYTES = 2 << 30
_MOST_PACKED = 20_000
"""Bytes that one byte of the file can expand to: 1,032 for deflate; more for zstd, and JPEG 2000 of a single color."""
_REMOTE_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",  # probe .msk and .ovr by name instead of listing a server's folder
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 1,
    "GDAL_HTTP_CONNECTTIMEOUT": 20,
    "GDAL_HTTP_LOW_SPEED_TIME": 30,  # give up on a server that sends nothing, or almost nothing, for this long
    "GDAL_HTTP_LOW_SPEED_LIMIT": 500,
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": 32768,
    "VSI_CACHE": "TRUE",
}
_TIFF = re.compile(r"^/vsi(curl|s3|gs|az|oss)/[^?]*(\.tiff?)$", re.IGNORECASE)
_COMPANIONS = ".msk,.ovr,.aux.xml,.tfw,.tifw,.wld,.rpb,_rpc.txt"
"""The only sidecars of a TIFF that are used. GDAL would request some forty more names from a server."""


@dataclass(frozen=True, slots=True)
class BandHeader:
    """One band as the file describes it."""

    number: int
    """From 1."""
    interpretation: str
    """GDAL's color interpretation: red, green, blue, nir, gray, alpha, palette, undefined, ..."""
    description: str
    """The file's own name for the band; may be empty."""
    dtype: str
    nodata: float | None
    scale: float = 1.0
    """True value = stored value * scale + offset; values are read as stored."""
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Header:
    """A raster file's description of itself."""

    uri: str
    """What GDAL opens: a path, a URL, /vsi... or a connection string."""
    name: str
    """Short name for messages."""
    driver: str
    height: int
    width: int
    bands: tuple[BandHeader, ...]
    has_mask_band: bool
    """A mask for all bands, in the file or in a .msk next to it; not alpha, not nodata."""
    mask_outside: bool
    """Whether that mask is a .msk file."""
    block_hw: tuple[int, int]
    overviews: tuple[int, ...]
    """Decimation factors shared by all bands, ascending."""
    compression: str
    palette: tuple[tuple[int, int, int, int], ...] | None
    """Red, green, blue, alpha by pixel value; None if it is not a palette image."""
    placement: Placement
    """What the file says about its location."""
    size_bytes: int | None
    files: tuple[str, ...] = ()
    """All files that belong to it according to GDAL, by GDAL's names: itself, sidecars, a VRT's sources and theirs."""
    drivers: tuple[str, ...] | None = None
    """The only GDAL drivers that may open it; None: all."""
    acquired: str = ""
    """When it was taken, in UTC as ISO 8601; empty: the file does not say."""

    @property
    def dtype(self) -> str:
        return self.bands[0].dtype


def gdal_options(uri: str, *, afresh: bool = False) -> dict[str, Any]:
    """GDAL's configuration for reading `uri`; applied around each access, never for the whole process.

    Args:
        afresh: discard what GDAL has cached of a remote file. It also caches broken responses: without this, a block
            whose download was interrupted once would stay broken for the life of the process.
    """
    if not is_remote(uri):
        return dict(SAFE_OPTIONS)
    options = {**SAFE_OPTIONS, **_REMOTE_OPTIONS}
    if tiff := _TIFF.match(uri):
        options["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] = f"{tiff[2]},{_COMPANIONS}"
    return {**options, "CPL_VSIL_CURL_NON_CACHED": uri} if afresh else options


def uri_of(path: str | Path) -> str:
    """What to pass to GDAL; a local path must exist.

    Raises:
        SceneError: the local path does not exist, or it is empty.
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


def short_name(uri: str) -> str:
    """The file's name, for messages; connection strings are kept, and a URL loses its query (it may hold keys)."""
    bare = shown(uri)
    return bare.rstrip("/").rsplit("/", 1)[-1] or bare


@contextmanager
def open_raster(uri: str, drivers: tuple[str, ...] | None = None, **options: Any) -> Iterator[Any]:
    """A rasterio dataset, without rasterio's warning about files without georeferencing (we give our own)."""
    dataset = open_handle(uri, drivers, **options)
    try:
        yield dataset
    finally:
        dataset.close()


def open_handle(uri: str, drivers: tuple[str, ...] | None = None, **options: Any) -> Any:
    """Like `open_raster`, but the caller closes the dataset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(uri, **options) if drivers is None else open_with(uri, drivers, **options)


def read_header(path: str | Path, *, allow_external: bool = False) -> Header:
    """Read the header of a raster file, but no pixels.

    Args:
        allow_external: whether it may refer to files outside its folder, see `fctl_geo.scene.references`.
    Raises:
        SceneError: the file is missing, unreadable, not a raster, has no bands or complex numbers, has blocks too
            large for memory, or refers to files elsewhere.
    """
    uri = uri_of(path)
    drivers = None if allow_external else drivers_for(uri)
    _drop_cached(uri)
    with rasterio.Env(**gdal_options(uri, afresh=True)):
        try:
            with open_raster(uri, drivers) as dataset:
                header = _header_of(dataset, uri, drivers)
                if drivers is not None:
                    check_parts(uri, dataset)
        except GDAL_ERRORS as error:
            raise why_unreadable(uri, short_name(uri), error, any_format=allow_external) from error
    _refuse_giant_blocks(header)
    return header


def _drop_cached(uri: str) -> None:
    """Make GDAL query the server again: it caches what it read as long as the process lives, and the file may change.

    GDAL drops its cache of a file when a handle opened as non-cached is closed; a driver that rejects the file does
    nothing but open and close it.
    """
    if is_remote(uri):
        with rasterio.Env(**gdal_options(uri, afresh=True)), suppress(*GDAL_ERRORS), open_raster(uri, ("PNG",)):
            pass


def _refuse_giant_blocks(header: Header) -> None:
    """A block is decoded as a whole: a header with false block sizes could take all memory, a valid one most of it."""
    height, width = header.block_hw
    block_bytes = height * width * max(1, np.dtype(header.dtype).itemsize) * len(header.bands)
    lies = header.size_bytes is not None and block_bytes > max(256 << 20, header.size_bytes * _MOST_PACKED)
    if block_bytes > _MOST_BLOCK_BYTES or lies:
        raise SceneError(
            f"{header.name} declares blocks of {width:,} x {height:,} pixels, which take {block_bytes / 2**30:,.1f} GiB"
            + (f", in a file of {header.size_bytes:,} bytes" if lies else ""),
            hint="if the header is not damaged, rewrite it in small tiles on a large machine: gdal_translate -of COG",
        )


def _header_of(dataset: Any, uri: str, drivers: tuple[str, ...] | None) -> Header:
    name = short_name(uri)
    if dataset.count == 0:
        inside = [str(s) for s in dataset.subdatasets]
        hint = "name one of the rasters inside: " + ", ".join(inside[:5]) if inside else "name a raster with bands"
        raise SceneError(f"{name} has no bands", hint=hint)
    if any("complex" in dtype for dtype in dataset.dtypes):
        raise SceneError(
            f"{name} holds complex numbers ({dataset.dtypes[0]}), not brightness",
            hint="compute an image of the magnitudes first, e.g. with gdal_calc.py --calc='numpy.abs(A)'",
        )
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
        compression=_compression_of(dataset),
        palette=_palette_of(dataset),
        placement=placement_of(dataset, name),
        size_bytes=Path(uri).stat().st_size if Path(uri).is_file() else None,
        files=_parts_of(uri, dataset.files),
        drivers=drivers,
        acquired=acquisition_time(dataset),
    )


def _parts_of(uri: str, files: Sequence[str]) -> tuple[str, ...]:
    """A dataset's files, including those of nested VRTs; GDAL lists the sources of the outermost VRT only."""
    found = dict.fromkeys([uri, *files])
    inner = [file for file in files if file != uri and file.lower().endswith(".vrt")]
    while inner:
        file = inner.pop()
        with (
            suppress(*GDAL_ERRORS),
            open_raster(file, ("VRT",)) as dataset,
        ):  # a broken one fails when it is read
            new = [part for part in dataset.files if part not in found]
            found |= dict.fromkeys(new)
            inner += [part for part in new if part.lower().endswith(".vrt")]
    return tuple(found)


def _bands_of(dataset: Any) -> tuple[BandHeader, ...]:
    words = [interpretation.name for interpretation in dataset.colorinterp]
    if _palette_of(dataset) is None:  # a band may declare a palette that the file does not have
        words = ["gray" if word == "palette" else word for word in words]
    names = [description or "" for description in dataset.descriptions]
    columns = (dataset.indexes, words, names, dataset.dtypes, dataset.nodatavals, dataset.scales, dataset.offsets)
    return tuple(BandHeader(*of_band) for of_band in zip(*columns, strict=True))


def _compression_of(dataset: Any) -> str:
    """In lower case; rasterio has an enum for the compressions that it knows, and the file's own name for others."""
    compression = dataset.compression
    return str(getattr(compression, "name", compression) or "none").lower()


def _shared_overviews(dataset: Any) -> tuple[int, ...]:
    # If a band lacks the first band's overviews they cannot be used: a level must come from one source.
    first = tuple(dataset.overviews(1))
    return first if all(tuple(dataset.overviews(i)) == first for i in dataset.indexes[1:]) else ()


def _palette_of(dataset: Any) -> tuple[tuple[int, int, int, int], ...] | None:
    if dataset.colorinterp[0].name != "palette":
        return None
    try:
        table = dataset.colormap(1)
    except ValueError:  # no color table
        return None
    if not table:
        return None
    return tuple(table.get(value, (0, 0, 0, 0)) for value in range(max(table) + 1))
