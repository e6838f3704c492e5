"""Checks on output files, made before the work begins: names, folders and permissions that could not work."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fctl_geo.errors import OutputError
from fctl_geo.storage.address import address_of, ogr_unsafe
from fctl_geo.storage.whole_files import hidden_name, name_limit, write_failure

TILE_ENDINGS = (".mbtiles", ".pmtiles")
"""Vector tiles: polygons as a web map shows them, cut and rounded."""
VECTOR_ENDINGS = (".gpkg", ".fgb", ".parquet", ".geojson", ".geojsonl", ".geojsons", ".shp", *TILE_ENDINGS)
SHAPEFILE_PARTS = (".shx", ".dbf", ".prj", ".cpg")
"""The files of a Shapefile beside its .shp."""
RASTER_ENDINGS = (".tif", ".tiff")
_LONGEST_SIDECAR = ".aux.xml"
_SQLITE_PATH_BYTES = 504
"""512, minus the suffix '-journal'."""


def check_outputs(
    paths: Sequence[Path],
    overwrite: bool | Mapping[Path, bool],
    *,
    endings: Sequence[str] = (*RASTER_ENDINGS, *VECTOR_ENDINGS),
) -> None:
    """Refuse outputs that could not be written in the end; call this before hours of work.

    Args:
        overwrite: whether existing files may be replaced, for all files or for each.

    Raises:
        OutputError: no output or a duplicate one, an extension not in `endings`, a folder that is missing or read-only,
            a file that exists (without `overwrite`), a folder of that name, or a name that cannot be written.
    """
    if not paths:
        raise OutputError("no output was given", hint=f"name a file with one of the extensions {', '.join(endings)}")
    check_endings(paths, endings)
    seen: set[Path] = set()
    for path in paths:
        _check_name(path)
        _check_place(path, overwrite if isinstance(overwrite, bool) else overwrite[path])
        if path.resolve() in seen:
            raise OutputError(f"{path} is given twice", hint="give every output its own name")
        seen.add(path.resolve())
        if path.suffix.lower() in VECTOR_ENDINGS:
            _check_vector_path(path)
    for path in paths:
        _check_writable(path)


def refuse_inputs(outs: Sequence[Path | str], inputs: Sequence[Path]) -> None:
    """Refuse an output that would replace one of its inputs, with or without `--overwrite`.

    Args:
        outs: paths, or addresses of remote outputs.
        inputs: the same for the inputs.
    """
    for out in outs:
        for file in inputs:
            address = address_of(out)
            here = address is None and Path(out).exists() and file.exists() and file.samefile(out)
            if here or (address is not None and address == address_of(file)):
                raise OutputError(
                    f"the output {out} is also an input", hint="choose another name, so that the input is kept"
                )


def check_endings(paths: Sequence[Path], endings: Sequence[str]) -> None:
    """Refuse a product that does not exist."""
    for path in paths:
        if path.suffix.lower() not in endings:
            ending = f"the extension {path.suffix!r}" if path.suffix else "no extension"
            hint = f"the extension selects the product: {', '.join(endings)}"
            raise OutputError(f"{path} has {ending}", hint=hint)


def _check_name(path: Path) -> None:
    """Refuse a name that the file, or one of its sidecars, whose names are longer, cannot have."""
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        raise OutputError(f"{str(path)!r} is not valid UTF-8", hint="choose another name") from error
    length, limit = len(os.fsencode(path.name)), name_limit(path.parent) - len(_LONGEST_SIDECAR)
    if length > limit:
        raise OutputError(
            f"the name {path.name[:40]}... is {length} bytes long, but at most {limit} are possible here",
            hint="choose a shorter name",
        )


def _check_vector_path(path: Path) -> None:
    """Refuse paths that GDAL or SQLite cannot open, whichever part of the path is at fault."""
    full = path.parent.resolve() / path.name
    if wrong := ogr_unsafe(full):
        raise OutputError(
            f"{full} contains {wrong!r}: polygons cannot be written there", hint="choose another folder or name"
        )
    if path.suffix.lower() != ".gpkg":
        return
    part = full.with_name(hidden_name(path, ".partial-01234567")) / "part.gpkg"
    if len(os.fsencode(part)) > _SQLITE_PATH_BYTES:
        raise OutputError(
            f"the path of {path.name} is {len(os.fsencode(full))} bytes long, too long for the temporary GeoPackage "
            f"({len(os.fsencode(part))} bytes, SQLite allows {_SQLITE_PATH_BYTES})",
            hint="choose a folder closer to the root or a shorter name, or write .fgb, .parquet or .geojson",
        )


def _check_place(path: Path, overwrite: bool) -> None:
    address = address_of(path)
    if address:
        raise OutputError(
            f"{address} cannot be written by this command", hint="write a local file and copy it; `segment` does both"
        )
    try:
        is_folder, exists, has_place = path.is_dir(), path.exists(), path.parent.is_dir()
    except OSError as error:  # a path that is too long, a folder without read permission
        raise OutputError(f"{path} cannot be a file: {error.strerror}", hint="choose another location") from error
    if not has_place:
        raise OutputError(f"the folder {path.parent} does not exist", hint="create it first, or choose another")
    if is_folder:
        raise OutputError(f"{path} is a folder", hint="choose another name")
    if path.suffix.lower() == ".shp":
        exists = exists or any(path.with_suffix(ending).exists() for ending in SHAPEFILE_PARTS)
    if exists and not overwrite:
        there = path if path.exists() else f"a file that belongs to {path}"
        raise OutputError(f"{there} already exists", hint="choose another name, or pass --overwrite")


def _check_writable(path: Path) -> None:
    """Check by writing: permissions, read-only mounts, full disks and illegal names cannot be detected reliably."""
    probe = path.with_name(hidden_name(path, f".partial-{secrets.token_hex(4)}"))
    try:
        probe.write_bytes(b"x")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise write_failure(path, error) from error
        if error.errno in (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG):
            raise OutputError(f"{path} cannot be a file: {error.strerror}", hint="choose another name") from error
        raise OutputError(
            f"the folder {path.parent} cannot be written to: {error.strerror}",
            hint="choose another, or change its permissions",
        ) from error
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
