"""Addresses of files elsewhere: as people type them, as GDAL names them, as they may be shown."""

from __future__ import annotations

import re
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
    """The address that was typed; None for a file here.

    A `Path` swallows a slash: Path("s3://bucket/a.tif") is 's3:/bucket/a.tif'. This gives it back, so that paths and
    addresses may travel as one type.
    """
    text = path.as_posix() if isinstance(path, Path) else path
    match = _ADDRESS.match(text)
    return f"{match[1].lower()}://{text[match.end() :]}" if match else None


def gdal_name(path: str | Path) -> str:
    """What GDAL opens: 's3://bucket/a.tif' is '/vsis3/bucket/a.tif'; what is no address stays as it is."""
    address = address_of(path)
    if address is None:
        return str(path)
    scheme, _, rest = address.partition("://")
    return _GDAL_NAMES[scheme] + rest


def is_remote(uri: str) -> bool:
    """Whether GDAL reaches a file over the network; also inside of an archive ('/vsizip//vsicurl/...')."""
    return _ADDRESS.match(uri) is not None or _REMOTE.search(uri) is not None


def shown(uri: str) -> str:
    """An address as it may be shown and kept: without query and password, which may hold keys."""
    if not is_remote(uri):
        return uri
    for scheme, name in _GDAL_NAMES.items():
        if uri.startswith(name):
            uri = f"{scheme}://{uri.removeprefix(name)}"
            break
    return _LOGIN.sub("", _QUERY.sub("", uri))
