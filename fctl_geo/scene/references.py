"""What a scene may make GDAL open: itself and files in its own folder. Untrusted files may not refer to others.

Without these checks a VRT, a tile index or a tag in a TIFF could pull any file of this machine, or of its network,
into the result. There are three safeguards: only formats that hold their own pixels are opened; a VRT is parsed here
first, element by element, and every file that it names must lie in its folder; once a file is open, GDAL's own list of
its parts is checked.
"""

from __future__ import annotations

import os
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from fctl_geo.errors import ExternalError, SceneError
from fctl_geo.scene.vrt_parts import ELEMENTS, KEYS_THAT_NAME_FILES, NAMES_A_FILE, SIZES, SUBCLASSES, WARP_OPTIONS
from fctl_geo.storage.address import is_remote, shown

GDAL_ERRORS = (RasterioError, CPLE_BaseError, CRSError)
"""Errors that GDAL raises for a broken file: rasterio wraps most but not all, and has no public name for the rest."""
SAFE_OPTIONS = {
    "GDAL_VRT_ENABLE_PYTHON": "NO",  # never run code from a file, whatever is allowed
    "GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE": "SIBLING_OR_CHILD_OF_VRT_PATH",
}
_WITH_MAGIC = (
    "GTiff", "JPEG", "PNG", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "ECW", "MrSID", "WEBP", "BMP", "GIF",
    "BIGGIF", "HFA", "NITF",
)  # fmt: skip
"""Formats that hold their own pixels and are not claimed by any other format's driver."""
SELF_CONTAINED = (
    *_WITH_MAGIC, "ENVI", "EHdr", "AAIGrid", "GRIB", "GPKG", "MBTiles", "PNM", "USGSDEM", "DTED", "SRTMHGT",
)  # fmt: skip
_RAW_DRIVERS = ("ENVI", "EHdr")
"""Formats of raw pixels with a separate header file."""
_RAW_ENDINGS = ("", ".dat", ".img", ".bin", ".raw", ".envi", ".bil", ".bip", ".bsq", ".flt")
_VRT = b"<vrtdataset"
_HEAD_BYTES = 1 << 16
_MOST_NESTED = 8

_MOST_PX = 1 << 30
"""GDAL counts pixels in 32 bits: closer to the limit its sums overflow, and it writes to memory that is not its own."""

_HINT = (
    "if you trust it, run again with --allow-external; or convert it to a single file that holds its own pixels: "
    "gdal_translate -of COG"
)


def drivers_for(uri: str) -> tuple[str, ...]:
    """The drivers that may open a scene; a VRT is inspected first.

    Raises:
        SceneError: a VRT refers to files outside its folder.
    """
    path = Path(uri)
    if not path.is_file() or not _is_vrt(path):
        return SELF_CONTAINED
    real = path.resolve()
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"):  # do not list a folder of 10,000 files 10,000 times
        _inspect_vrt(path, real.parent, seen=set(), above=(real,))
    return ("VRT",)


def open_with(uri: str, drivers: Iterable[str], **options: Any) -> Any:
    """Open a dataset with only these drivers: `rasterio.open` takes just one."""
    with rasterio.Env(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return DatasetReader(uri, driver=list(drivers), **options)


def check_parts(uri: str, dataset: Any) -> None:
    """Check the files that an open dataset consists of, according to GDAL, against its folder and its own pixels.

    Raises:
        SceneError: a part lies elsewhere, or the header that describes the pixels belongs to another file.
    """
    if dataset.driver in _RAW_DRIVERS:
        _check_raw(uri, dataset)
    if dataset.count:
        _ = dataset.overviews(1), dataset.mask_flag_enums  # their files are listed only after these calls
    roots = tuple(_roots(uri))
    for file in dataset.files:
        if file == uri:
            continue
        if not any(_is_inside(file, root) for root in roots):
            raise _refusal(shown(uri), f"includes {shown(file)}, which lies outside its folder")
        if file.lower().endswith((".ovr", ".msk", ".rrd", ".aux")):
            _check_sidecar(uri, file)


def _check_raw(uri: str, dataset: Any) -> None:
    """GDAL applies a raw header to any file of the same stem, but town.hdr describes town.dat, not town.pix.

    A file without an extension typical of raw pixels must be exactly as long as its header says; none may be shorter,
    since GDAL reads what is missing as 0.
    """
    path, described = Path(uri), _described_bytes(dataset)
    actual = path.stat().st_size if path.is_file() else None
    if path.suffix.lower() in _RAW_ENDINGS:
        if actual is not None and actual < described:
            raise SceneError(
                f"{path.name} has {actual:,} bytes, but its header describes {described:,} bytes of raw pixels",
                hint="copy or download it again, and check that the .hdr next to it is its own",
            )
    elif actual != described:
        found = "is not a file of raw pixels" if actual is None else f"has {actual:,} bytes"
        raise _refusal(
            path.name,
            f"{found}, but the {path.stem}.hdr next to it describes {described:,} bytes of raw pixels: "
            "it is the header of another file",
        )


def _described_bytes(dataset: Any) -> int:
    """Bytes that a raw file has at least according to its header; 0 if it is compressed."""
    tags = dataset.tags(ns="ENVI")
    if tags.get("file_compression", "0") != "0":
        return 0
    pixel_bytes = sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    offset = tags.get("header_offset", "0")
    return (int(offset) if offset.isdigit() else 0) + int(dataset.width * dataset.height * pixel_bytes)


def _check_sidecar(uri: str, file: str) -> None:
    """GDAL opens these with any driver: a VRT under such a name would be another way to reach outside files."""
    try:
        open_with(file, ("GTiff", "HFA")).close()
    except GDAL_ERRORS:
        raise _refusal(shown(uri), f"has a sidecar {Path(file).name} that is not a TIFF") from None


def _roots(uri: str) -> Iterator[str]:
    """Folders in which the parts of a dataset may lie: 'GTIFF_DIR:1:/data/a.tif' may have parts in /data."""
    for part in (uri, uri.rpartition(":")[2], uri.rpartition(",")[2], uri.removeprefix("file://")):
        folder = part.replace(os.sep, "/").rpartition("/")[0]
        yield folder or ("." if "/" not in part else "/")


def _is_inside(file: str, root: str) -> bool:
    if root.startswith("/vsi") or file.startswith("/vsi") or is_remote(file):
        return file.startswith(root + "/") and ".." not in file.split("/")
    return Path(file).exists() and Path(file).resolve().is_relative_to(Path(root).resolve())


def _is_vrt(path: Path) -> bool:
    with path.open("rb") as file:
        return _VRT in file.read(_HEAD_BYTES).lower()


def _inspect_vrt(vrt: Path, root: Path, *, seen: set[Path], above: tuple[Path, ...]) -> None:
    """Refuse any element that is not known to be harmless, any file outside `root`, and circular references."""
    if len(above) > _MOST_NESTED:
        raise _refusal(vrt.name, f"nests VRTs more than {_MOST_NESTED} deep")
    for source in _named_files(vrt):
        real = _inside(vrt, source, root)
        if real in above:
            raise SceneError(f"{vrt.name} refers to {real.name}, which refers to it", hint="recreate it: gdalbuildvrt")
        if real in seen:
            continue
        seen.add(real)
        if _is_vrt(real):
            _inspect_vrt(real, root, seen=seen, above=(*above, real))
        else:
            _check_source(vrt, real)


def _check_source(vrt: Path, source: Path) -> None:
    try:
        with open_with(str(source), _WITH_MAGIC) as dataset:
            check_parts(str(source), dataset)
    except GDAL_ERRORS:
        raise _refusal(vrt.name, f"has a source {source.name} that is not an image with its own pixels") from None


def _inside(vrt: Path, source: tuple[str, bool], root: Path) -> Path:
    name, relative = source
    if name != name.strip() or not name or "<" in name or "://" in name or name.startswith("/vsi"):
        raise _refusal(vrt.name, f"refers to {name[:80]!r}, which is not a plain file")
    path = vrt.parent / name if relative else Path(name)
    if not path.exists():
        if ":" in name:
            raise _refusal(vrt.name, f"refers to {name[:80]!r}, which is not a plain file")
        raise SceneError(f"{vrt.name} refers to {name}, which does not exist", hint="copy all its files together")
    real = path.resolve()
    if not real.is_relative_to(root):
        raise _refusal(vrt.name, f"refers to {name}, which lies outside its folder {root}")
    if not real.is_file():
        raise _refusal(vrt.name, f"refers to {name}, which is a folder")
    return real


def _named_files(vrt: Path) -> Iterator[tuple[str, bool]]:
    """Each file that a VRT names, and whether its path is relative to the VRT."""
    _refuse_odd_xml(vrt)
    open_tags: list[str] = []
    try:
        for event, element in ET.iterparse(vrt, events=("start", "end", "comment", "pi")):
            if event in ("comment", "pi"):
                if open_tags and open_tags[-1] in NAMES_A_FILE:
                    raise _refusal(vrt.name, "has a comment inside a file name")
            elif event == "start":
                open_tags.append(_known_tag(vrt, element))
            else:
                tag = open_tags.pop()
                if tag in NAMES_A_FILE:
                    yield element.text or "", _is_relative(vrt, element)
                else:
                    _check_content(vrt, tag, element)
                element.clear()  # so that a mosaic of a million sources takes no more memory than one of ten
    except ET.ParseError as error:
        raise SceneError(f"{vrt.name} is not complete XML ({error})", hint="recreate it with gdalbuildvrt") from None


def _refuse_odd_xml(vrt: Path) -> None:
    """GDAL's XML parser and Python's agree on plain XML in UTF-8; anything they may parse differently is refused."""
    with vrt.open("rb") as file:
        before = b""
        while piece := file.read(1 << 20):
            if any(odd in before + piece for odd in (b"<!DOCTYPE", b"<!ENTITY", b"<![CDATA[", b"\0")):
                raise _refusal(vrt.name, "has entities or CDATA, which no program writes into a VRT")
            if not before and b"encoding=" in piece[:200] and b"utf-8" not in piece[:200].lower():
                raise _refusal(vrt.name, "is not in UTF-8")
            before = piece[-16:]


def _known_tag(vrt: Path, element: ET.Element) -> str:
    tag = element.tag.lower()
    names = [name.lower() for name in element.attrib]
    if tag not in ELEMENTS or len(set(names)) < len(names):
        raise _refusal(vrt.name, f"has an element <{element.tag}>, which may refer to any file")
    subclass = next((value for name, value in element.attrib.items() if name.lower() == "subclass"), None)
    if subclass is not None and subclass.lower() not in SUBCLASSES:
        raise _refusal(vrt.name, f"is a {subclass}, which may refer to any file")
    for name, value in element.attrib.items():
        if name.lower() in SIZES and not _is_size(value):
            raise SceneError(
                f"{vrt.name} has {name}={value[:40]!r}, an impossible image size", hint="recreate it: gdalbuildvrt"
            )
    return tag


def _is_size(value: str) -> bool:
    try:
        return abs(float(value)) <= _MOST_PX
    except ValueError:
        return False


def _check_content(vrt: Path, tag: str, element: ET.Element) -> None:
    attributes = {name.lower(): value.lower() for name, value in element.attrib.items()}
    if tag == "mdi" and attributes.get("key") in KEYS_THAT_NAME_FILES:
        raise _refusal(vrt.name, f"names a file in its metadata ({attributes['key'].upper()})")
    option = attributes.get("name", attributes.get("key", ""))
    if tag == "option" and option not in WARP_OPTIONS:
        raise _refusal(vrt.name, f"warps with the option {option.upper()}, which may refer to any file")
    if tag in ("ooi", "openoptions") and (element.text or "").strip():
        raise _refusal(vrt.name, "sets options for opening its sources")


def _is_relative(vrt: Path, element: ET.Element) -> bool:
    value = next((value for name, value in element.attrib.items() if name.lower() == "relativetovrt"), "0")
    if value not in ("0", "1"):
        raise _refusal(vrt.name, f"has relativeToVRT={value[:20]!r}")
    return value == "1"


def _refusal(name: str, trouble: str) -> ExternalError:
    return ExternalError(f"{name} {trouble}", hint=_HINT)
