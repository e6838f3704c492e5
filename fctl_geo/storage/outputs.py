"""What must be true of output files: allowed before the work begins, whole when they appear, told when they fail."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from fctl_geo.errors import OutputError
from fctl_geo.storage.address import address_of
from fctl_geo.storage.whole_files import write_failure

VECTOR_ENDINGS = (".gpkg", ".fgb", ".parquet", ".geojson")
RASTER_ENDINGS = (".tif", ".tiff")


def check_outputs(
    paths: Sequence[Path],
    overwrite: bool | Mapping[Path, bool],
    *,
    endings: Sequence[str] = (*RASTER_ENDINGS, *VECTOR_ENDINGS),
) -> None:
    """Refuse outputs that could not be written in the end; to be run before the hours of work.

    Args:
        overwrite: whether files may be replaced, all of them or each.

    Raises:
        OutputError: no output or one twice, an ending not among `endings`, a folder that is missing or read-only,
            a file that exists (without `overwrite`), or a folder of that name.
    """
    if not paths:
        raise OutputError("no output is named", hint=f"name a file with one of the endings {', '.join(endings)}")
    check_endings(paths, endings)
    seen: set[Path] = set()
    for path in paths:
        _check_place(path, overwrite if isinstance(overwrite, bool) else overwrite[path])
        if path.resolve() in seen:
            raise OutputError(f"{path} is named twice", hint="give every output a name of its own")
        seen.add(path.resolve())
    for folder in dict.fromkeys(path.parent for path in paths):
        _check_writable(folder)


def refuse_inputs(outs: Sequence[Path | str], inputs: Sequence[Path]) -> None:
    """Refuse an output that would replace what it is made of, `--overwrite` or not.

    Args:
        outs: files, and the addresses of those that lie elsewhere.
        inputs: the same of what is read.
    """
    for out in outs:
        for file in inputs:
            address = address_of(out)
            here = address is None and Path(out).exists() and file.exists() and file.samefile(out)
            if here or (address is not None and address == address_of(file)):
                raise OutputError(
                    f"the output {out} is what it would be made of", hint="choose another name: the input is kept"
                )


def check_endings(paths: Sequence[Path], endings: Sequence[str]) -> None:
    """Refuse a product that nobody makes."""
    for path in paths:
        if path.suffix.lower() not in endings:
            ending = f"the ending {path.suffix!r}" if path.suffix else "no ending"
            raise OutputError(f"{path} has {ending}", hint=f"the ending chooses the product: {', '.join(endings)}")


def _check_place(path: Path, overwrite: bool) -> None:
    address = address_of(path)
    if address:
        raise OutputError(
            f"{address} cannot be written by this command", hint="write a file here and copy it; `segment` can do both"
        )
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", hint="make it first, or choose another")
    if path.is_dir():
        raise OutputError(f"{path} is a folder", hint="choose another name")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", hint="choose another name, or allow --overwrite")


def _check_writable(folder: Path) -> None:
    """By doing it: rights, read-only mounts and full disks each lie in their own way."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise write_failure(folder / "output", error) from error
        raise OutputError(
            f"the folder {folder} cannot be written to: {error.strerror}", hint="choose another, or change its rights"
        ) from error
