"""Settings of a batch; without heavy imports, so that the command line's help can show the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fctl_geo.errors import SettingsError
from fctl_geo.storage.address import address_of, shown
from fctl_geo.storage.table_address import TableAddress

Format = Literal[
    "gpkg", "tif", "fgb", "parquet", "geojson", "geojsonl", "geojsons", "shp", "mbtiles", "pmtiles"
]  # fmt: skip
FORMATS: tuple[str, ...] = get_args(Format)
OnError = Literal["skip", "stop"]


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a batch is processed; the settings of each scene are in `Settings`."""

    out: Path
    """Folder of the products: local, or an address on S3 (s3://bucket/folder)."""
    formats: tuple[Format, ...] = ("gpkg",)
    """Extensions of the products."""
    confidence: bool = False
    """Also write NAME-confidence.tif."""
    report: bool = False
    """Also write NAME.html, the report of the scene."""
    template: str = "{stem}"
    on_error: OnError = "skip"
    overwrite: bool = False
    """Also replace files that are not in the record."""
    time_limit_s: float | None = None
    """A scene that takes longer is stopped and counted as failed, and the batch continues with the next."""
    record: Path | None = None
    """Local folder for the run record and unfinished work; None: `out`, which must then be local."""

    def __post_init__(self) -> None:
        if not self.formats or not set(self.formats) <= set(FORMATS):
            raise SettingsError(f"formats are {', '.join(self.formats)}", hint="allowed: " + ", ".join(FORMATS))
        if self.on_error not in ("skip", "stop"):
            raise SettingsError(f"on-error is {self.on_error!r}", hint="allowed: skip, stop")
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise SettingsError(f"the time limit is {self.time_limit_s} s", hint="give a positive time, or no limit")
        for folder in (self.out, self.record):
            if folder is not None and (table := TableAddress.of(folder)) is not None:
                raise SettingsError(
                    f"{table.shown} is a table, and a batch writes to a folder",
                    hint="collect scenes in a table with `fctl-geo segment SCENE --out ADDRESS --append`",
                )
        if address := address_of(self.record or self.out):
            raise SettingsError(
                f"{shown(address)} cannot hold the record and the unfinished work of a batch",
                hint="give a local folder for them: --record DIR, the same one for every call",
            )

    @property
    def home(self) -> Path:
        """The folder of record, lock, mosaics and unfinished work."""
        return (self.record or self.out).absolute()
