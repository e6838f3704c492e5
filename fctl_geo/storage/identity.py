"""What distinguishes a file from a changed version of it, local or remote, including the sidecars that GDAL reads."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from fctl_geo.storage.address import gdal_name, is_remote, shown
from fctl_geo.storage.remote_object import ABSENT, UNKNOWN, RemoteObjects

_BESIDE = (".aux.xml", ".msk", ".ovr", ".msk.ovr", ".ovr.msk", ".hdr", "-wal", "-journal")
"""Appended to a file's full name: scene.tif.msk."""
_INSTEAD = (".aux", ".hdr", ".rrd", ".rde", ".ige", ".tab", ".rpb", ".rpc", "_rpc.txt", ".imd")
"""Replacing its extension: scene.hdr; world files are added to these."""
_BESIDE_REMOTE = (".aux.xml", ".msk", ".ovr")
_OF_FORMAT = {
    ".shp": (".dbf", ".shx", ".prj", ".cpg"),
    ".tab": (".dat", ".map", ".id", ".ind"),
    ".mif": (".mid",),
    ".gml": (".gfs", ".xsd"),
    ".csv": (".csvt", ".prj"),
    **dict.fromkeys((".asc", ".bil", ".bip", ".bsq", ".dem", ".flt"), (".prj", ".clr", ".stx")),
}
_WRAPPER = re.compile(r"^/vsi(?:zip|tar|gzip|7z|rar|cached|sparse|crypt|subfile)(?:/[^/]*,|/)")
_REMOTE_ARCHIVE = re.compile(r"\.(?:zip|kmz|tar|tgz|gz|7z|rar)(?=[/}]|$)", re.IGNORECASE)
_THREADS = 16


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """A file as it was at a point in time."""

    name: str
    """Its real path; for a remote file its address, without keys."""
    size_bytes: int | None
    """None: the file does not exist, or its size is unknown."""
    changed: str
    """Modification time in ns; for a remote file its ETag or Last-Modified. Empty: unknown."""


def identities_of(names: Iterable[str | Path]) -> tuple[FileIdentity, ...]:
    """Each file and all its sidecars that would be read with it: masks, overviews, world files, headers, ...

    Args:
        names: as GDAL knows them: paths, /vsi..., addresses; for a file in an archive, the archive counts.
    Returns:
        Sorted by name, each once. An empty sidecar does not count: QGIS leaves an empty -wal while it displays a
            GeoPackage.
    """
    return identities_of_each([[str(name) for name in names]])[0]


def identities_of_each(groups: Sequence[Sequence[str]]) -> list[tuple[FileIdentity, ...]]:
    """The same for many groups of names: each folder is listed once, and servers are queried in parallel."""
    servers, folders = RemoteObjects(), dict[str, dict[str, str]]()
    names = list(dict.fromkeys(name for group in groups for name in group))
    beside = {name: list(_beside(name, folders)) for name in names}
    companions = list(dict.fromkeys(other for name in names for other in beside[name]))
    with ThreadPoolExecutor(_THREADS, "fctl-identity") as pool:
        own = dict(zip(names, pool.map(lambda name: _identity(name, servers), names), strict=True))
        others = dict(zip(companions, pool.map(lambda name: _companion(name, servers), companions), strict=True))
    return [_joined([own[n] for n in group], [others[o] for n in group for o in beside[n]]) for group in groups]


def _joined(own: Sequence[FileIdentity], beside: Sequence[FileIdentity | None]) -> tuple[FileIdentity, ...]:
    found = {identity.name: identity for identity in (*beside, *own) if identity is not None}
    return tuple(found[name] for name in sorted(found))


def uncertain(identities: Sequence[FileIdentity]) -> list[str]:
    """Names of files in which a change could not be detected, or only by the size."""
    return [identity.name for identity in identities if not identity.changed]


def name_without_keys(name: str) -> str:
    """A name that may be stored: an address's query and a connection string may be secret, their hash is not."""
    address = _vsicurl(gdal_name(name))
    if is_remote(address):
        return f"{shown(address)}?{_hash(address)}" if "?" in address else shown(address)
    if ":" in address and not Path(address).exists():
        return f"{address.partition(':')[0]}:{_hash(address)}"
    return address


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _identity(name: str, servers: RemoteObjects) -> FileIdentity:
    file = file_behind(name)
    if is_remote(file):
        answer = servers.ask(_vsicurl(file))
        answer = UNKNOWN if answer is ABSENT else answer  # GDAL has read it, so it exists
        return FileIdentity(name_without_keys(file), answer.size_bytes, answer.changed)
    path = Path(file)
    try:
        if path.is_dir():
            return _folder_identity(path)
        stat = path.stat()
    except (OSError, ValueError):
        return FileIdentity(name_without_keys(file), None, "")
    return FileIdentity(os.path.realpath(path), stat.st_size, str(stat.st_mtime_ns))


def _folder_identity(folder: Path) -> FileIdentity:
    """For a format that is a folder (Zarr, File Geodatabase): all files in it combined."""
    stats = [(Path(root) / file).stat() for root, _, files in os.walk(folder) for file in files]
    newest = max((stat.st_mtime_ns for stat in stats), default=0)
    return FileIdentity(os.path.realpath(folder), sum(stat.st_size for stat in stats), f"{len(stats)} files, {newest}")


def _companion(name: str, servers: RemoteObjects) -> FileIdentity | None:
    if not is_remote(name):
        identity = _identity(name, servers)
        return identity if identity.size_bytes else None
    answer = servers.ask(name)
    if answer in (ABSENT, UNKNOWN) or answer.is_page:
        return None
    return FileIdentity(name_without_keys(name), answer.size_bytes, answer.changed)


def file_behind(name: str) -> str:
    """The local or remote file that holds what GDAL opens under a name.

    Example: for '/vsizip//data/a.zip/b.tif' it is '/data/a.zip', for 'GTIFF_DIR:2:/data/c.tif' it is '/data/c.tif'.
    """
    name = inner = gdal_name(name)
    while (wrapper := _WRAPPER.match(inner)) is not None:
        inner = inner[wrapper.end() :]
    if inner != name:
        inner = inner.removeprefix("{").partition("}")[0] if inner.startswith("{") else inner
        if is_remote(inner):
            end = _REMOTE_ARCHIVE.search(inner)
            return inner[: end.end()] if end else inner
    if is_remote(inner):
        return inner
    for part in sorted({inner, *re.split(r":(?!//)|\"|,", inner)}, key=len, reverse=True):
        for path in (Path(part), *(Path(part).parents if inner != name else ())):
            if part and path.name and path.exists() and (path.is_file() or inner == name):
                return str(path)
    return inner


def _vsicurl(name: str) -> str:
    """The bare address in '/vsicurl?use_head=no&url=https%3A...'."""
    if not name.startswith("/vsicurl?"):
        return name
    return parse_qs(name.partition("?")[2]).get("url", [name])[0]


def _beside(name: str, folders: dict[str, dict[str, str]]) -> Iterator[str]:
    """Sidecars of a file: those that exist, in a local folder; all that GDAL would request, on a server."""
    file = file_behind(name)
    if is_remote(file):
        if "?" not in file:  # a signed address is valid for one object only
            yield from _names_beside(file, (*_BESIDE_REMOTE,), ())
        return
    folder, base = os.path.split(os.path.realpath(file))
    if folder not in folders:
        folders[folder] = _listing(folder)
    for candidate in _names_beside(base.lower(), _BESIDE, _INSTEAD):
        if candidate in folders[folder] and candidate != base.lower():
            yield os.path.join(folder, folders[folder][candidate])  # noqa: PTH118 - called ten thousand times


def _names_beside(name: str, beside: Sequence[str], instead: Sequence[str]) -> Iterator[str]:
    """Example: for a.tif: a.tif.aux.xml, a.tif.msk, ..., a.hdr, ..., a.tfw, a.tifw, a.wld."""
    stem, dot, ending = name.rpartition(".")
    yield from (name + end for end in beside)
    if not dot or "/" in ending:
        return
    worlds = (f".{ending[0]}{ending[-1]}w", f".{ending}w", ".wld") if ending else ()
    yield from (stem + end for end in (*instead, *worlds, *_OF_FORMAT.get(f".{ending.lower()}", ())))


def _listing(folder: str) -> dict[str, str]:
    """Names in a folder, keyed by their lowercase form."""
    try:
        return {name.lower(): name for name in os.listdir(folder)}  # noqa: PTH208 - only names are needed
    except OSError:
        return {}
