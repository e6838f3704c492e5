"""Shapefile specifics: short names of fields, the limit of its size, and a CRS that its .prj may only approximate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fctl_geo.errors import OutputError
from fctl_geo.products.temporary_polygons import GEOMETRY, PolygonFile
from fctl_geo.progress import Progress
from fctl_geo.storage.address import ogr_name

MOST_LETTERS = 10
MOST_BYTES = (1 << 31) - 1
"""Of the .shp and of the .dbf. GDAL can write twice that, which many programs cannot read."""
CREATION_OPTIONS = {"DBF_DATE_LAST_UPDATE": "2000-01-01", "ENCODING": "UTF-8", "2GB_LIMIT": "YES"}
"""The .dbf holds the day, with which the same polygons would give other bytes tomorrow."""
_TEXT_BYTES, _NUMBER_BYTES = 80, 24
"""What GDAL gives the fields of a row in the .dbf; text that is longer widens all rows."""
_RECORD_BYTES = 43
"""How much larger a polygon is in the .shp than in WKB: its extent and its number."""


def short_names(out: Path, names: Iterable[str], progress: Progress) -> dict[str, str]:
    """The names of those fields that are too long, cut to ten characters; they are reported.

    Example: outline_iou is outline_io.
    """
    short: dict[str, str] = {}
    taken = {name for name in names if len(name) <= MOST_LETTERS}
    for name in names:
        if len(name) <= MOST_LETTERS or name == GEOMETRY:
            continue
        tries = (name[: MOST_LETTERS - len(end)] + end for end in ("", *map(str, range(1, 100))))
        short[name] = next(one for one in tries if one not in taken)
        taken.add(short[name])
    if short:
        pairs = ", ".join(f"{name} is {one}" for name, one in short.items())
        progress.say(f"{out}: names of fields have at most {MOST_LETTERS} characters in a Shapefile: {pairs}")
    return short


def check_size(out: Path, polygon_file: PolygonFile) -> None:
    """Refuse polygons that a Shapefile cannot hold, before any of them is written.

    Raises:
        OutputError: with the sizes.
    """
    import pyarrow as pa

    kinds = [field.type for field in polygon_file.schema if field.name != GEOMETRY]
    row_bytes = sum(_TEXT_BYTES if pa.types.is_string(kind) else _NUMBER_BYTES for kind in kinds)
    size_bytes = max(polygon_file.geometry_bytes + _RECORD_BYTES * polygon_file.count, row_bytes * polygon_file.count)
    if size_bytes > MOST_BYTES:
        raise OutputError(
            f"{out} would have about {size_bytes / 1e9:.1f} GB ({polygon_file.count:,} polygons), and a Shapefile "
            f"holds {MOST_BYTES / 1e9:.1f} GB",
            hint="write a .gpkg, .fgb or .parquet instead",
        )


def check_crs_kept(out: Path, part: Path, crs_wkt: str, progress: Progress) -> None:
    """Warn if the .prj describes another CRS than the polygons have."""
    if not crs_wkt:
        return
    import pyogrio
    from pyproj import CRS

    found = pyogrio.read_info(ogr_name(part))["crs"]
    if found is None or not CRS.from_user_input(found).equals(CRS.from_wkt(crs_wkt), ignore_axis_order=True):
        progress.warn(
            f"{out}: a Shapefile cannot describe this CRS exactly; programs may place the polygons slightly differently"
        )
