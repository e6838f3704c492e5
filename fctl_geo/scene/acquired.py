"""When a scene was taken, according to its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

_FORMATS = ("%Y:%m:%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")


def acquisition_time(dataset: Any) -> str:
    """The time in UTC as ISO 8601 ('2018-05-01T10:30:00Z'); empty if the file does not say, or says it illegibly.

    From GDAL's metadata domain IMAGERY, which readers of satellite products fill; else from EXIF; else from the TIFF
    tag DateTime, in which many programs store when they wrote the file. A time without a zone counts as UTC.

    Args:
        dataset: an open rasterio dataset.
    """
    for text in _texts(dataset):
        for parse in (
            datetime.fromisoformat,
            *(lambda value, form=form: datetime.strptime(value, form) for form in _FORMATS),
        ):
            with suppress(ValueError):
                time = parse(text.strip())
                time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
                return time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return ""


def _texts(dataset: Any) -> Iterator[str]:
    tags = dataset.tags()
    yield dataset.tags(ns="IMAGERY").get("ACQUISITIONDATETIME", "")
    for name in ("ACQUISITIONDATETIME", "EXIF_DateTimeOriginal", "TIFFTAG_DATETIME"):
        yield tags.get(name, "")
