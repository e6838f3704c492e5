"""The last step of every product: new files replace old ones.

A product often consists of several files, which can only be renamed one by one. With the order used here, a run that
is killed at any moment leaves the old product or the new one, perhaps without its names and style, or none at all,
but never the old data with the new names, nor the new file with a companion of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from fctl_geo.errors import OutputError
from fctl_geo.storage.outputs import SHAPEFILE_PARTS
from fctl_geo.storage.whole_files import write_failure

_DATA = {
    ".gpkg": ("-wal", "-shm", "-journal"),  # SQLite would replay them over the new file
    ".tif": (".ovr", ".msk"),
    ".tiff": (".ovr", ".msk"),
}
"""Suffixes of companion files that hold part of a product's data."""
_INDEXES = (".qix", ".sbn", ".sbx", ".idm", ".ind", ".shp.xml")
"""What programs leave beside a Shapefile; an index of the old polygons would hide new ones."""


def swap_in(products: Mapping[Path, Path], sidecars: Mapping[Path, Path], stale: Iterable[Path] = ()) -> None:
    """Move finished files to their final names, removing companions that hold data of the old ones.

    Args:
        products: final names and finished files on the same disk. With a .shp, the files of its name beside it.
        sidecars: the same for the names and styles beside them.
        stale: further files that describe the old products.
    Raises:
        OutputError: a file cannot be replaced (on Windows: another program has it open).
    """
    for path in dict.fromkeys((*stale, *sidecars)):
        _remove(path)
    for final, part in products.items():
        beside = _companions(final)
        if any(path.exists() for path in beside):  # without them the old file would change its meaning
            for path in (final, *beside):
                _remove(path)
        for ending in SHAPEFILE_PARTS if final.suffix.lower() == ".shp" else ():
            if part.with_suffix(ending).exists():
                _rename(part.with_suffix(ending), final.with_suffix(ending))
        _rename(part, final)
    for final, part in sidecars.items():
        _rename(part, final)


def _companions(final: Path) -> list[Path]:
    """Files that belong to the data of a product of that name, whether or not they exist."""
    if final.suffix.lower() == ".shp":
        endings = (*SHAPEFILE_PARTS, *_INDEXES)
        return [final.with_suffix(ending) for ending in (*endings, *map(str.upper, endings))]
    return [final.with_name(final.name + ending) for ending in _DATA.get(final.suffix.lower(), ())]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _held(path, error) from error


def _rename(part: Path, final: Path) -> None:
    try:
        part.replace(final)
    except OSError as error:
        raise _held(final, error) from error


def _held(path: Path, error: OSError) -> OutputError:
    if isinstance(error, PermissionError) and path.exists():
        return OutputError(f"cannot replace {path}: {error.strerror}", hint="close the program that has it open")
    return write_failure(path, error)
