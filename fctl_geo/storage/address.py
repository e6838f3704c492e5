"""Addresses of remote files: as users type them, as GDAL names them, and as they may be displayed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_GDAL_NAMES = {
    "http": "/vsicurl/http://",
    "https": "/vsicurl/https://",
    "ftp": "/vsicurl/ftp://",
    "s3": "/vsis3/",
    "gs": "/vsigs/",
    "az": "/vsiaz/",
    "oss": "/vsioss/",
}
_ADDRESS = re.compile(rf"^({'|'.join(_GDAL_NAMES)}):/{{1,2}}(?=[^/])", re.IGNORECASE)
_REMOTE = re.compile(r"/vsi(curl|s3|gs|az|adls|oss|swift|webhdfs)[/?_]", re.IGNORECASE)
_QUERY = re.compile(r"\?.*")
_LOGIN = re.compile(r"(?<=://)[^/@]*@")


def address_of(path: str | Path) -> str | None:
    """The address as it was typed; None for a local file.

    A `Path` drops a slash: Path("s3://bucket/a.tif") is 's3:/bucket/a.tif'. This function restores it, so that paths
    and addresses can be passed around as one type.
    """
    text = path.as_posix() if isinstance(path, Path) else path
    match = _ADDRESS.match(text)
    return f"{match[1].lower()}://{text[match.end() :]}" if match else None


def gdal_name(path: str | Path) -> str:
    """What GDAL opens: 's3://bucket/a.tif' becomes '/vsis3/bucket/a.tif'; anything but an address is unchanged."""
    address = address_of(path)
    if address is None:
        return str(path)
    scheme, _, rest = address.partition("://")
    return _GDAL_NAMES[scheme] + rest


def ogr_name(path: str | Path) -> str:
    """What to pass to pyogrio so that GDAL opens exactly this name.

    Pyogrio parses a bare path as a URL, which ends at ';'. For what it still misreads, see `ogr_unsafe`.
    """
    name = gdal_name(path)
    return name if name.startswith("/vsi") or sys.platform == "win32" else f"file://{Path(name).absolute()}"


def ogr_unsafe(path: Path) -> str:
    """The character in a local path that keeps `ogr_name` from working; empty if there is none.

    Pyogrio takes '!' for the end of an archive's name, and drops tabs and line breaks.
    """
    return next((letter for letter in "!\t\r\n" if letter in str(path.absolute())), "")


def is_remote(uri: str) -> bool:
    """Whether GDAL reaches a file over the network, even inside an archive ('/vsizip//vsicurl/...')."""
    return _ADDRESS.match(uri) is not None or _REMOTE.search(uri) is not None


def shown(uri: str) -> str:
    """An address in a form that may be displayed and stored: without query and password, which may hold keys."""
    if not is_remote(uri):
        return uri
    for scheme, name in _GDAL_NAMES.items():
        if uri.startswith(name):
            uri = f"{scheme}://{uri.removeprefix(name)}"
            break
    return _LOGIN.sub("", _QUERY.sub("", uri))
