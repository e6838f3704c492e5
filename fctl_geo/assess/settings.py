"""What polygons are compared by; without heavy imports, because the command line's help shows the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fctl_geo.errors import SettingsError


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """How polygons are compared with reference polygons."""

    field: str | None = None
    """Column that holds the classes of the reference. The other polygons have them in a column of the same name, or in
    class_name. None: all polygons are of one class."""
    classes: Mapping[str, str] | None = None
    """Value of the column to class; other values are left out, unless '*' stands for them. Without a column, {'*':
    'building'} names the class of all reference polygons."""
    aoi: Path | None = None
    """Polygons of the area in which the reference is complete. An object counts if it lies entirely inside, away from
    the border, where it may have been cut off; a match counts if its reference object does."""
    gsd_m: float | None = None
    """Meters on the ground per unit of the coordinates, for files whose CRS does not define them."""

    def __post_init__(self) -> None:
        if self.field is None and self.classes and set(self.classes) != {"*"}:
            raise SettingsError(
                f"classes are given for the values {', '.join(list(self.classes)[:4])}, but no column that holds them",
                hint="name the class column of the reference with --field, or give a single class, e.g. building",
            )
        if self.gsd_m is not None and not 0 < self.gsd_m < 1e5:
            raise SettingsError(f"gsd is {self.gsd_m} m", hint="give meters per unit of the coordinates, e.g. 0.25")
