"""What a vector product holds besides its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fctl_geo.spec import Legend

if TYPE_CHECKING:
    from fctl_geo.georef.area import Unit


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """What a product holds besides its features."""

    crs_wkt: str
    """Empty if there is no CRS: coordinates are then pixels."""
    unit: Unit
    """Of the area column."""
    drawn: Legend
    """The classes of the polygons, for their style."""
    legend: Legend
    """All classes, for a raster beside the polygons, which shares their .qml."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Model, version, settings (JSON), ...: written to every product."""
    pixel_m: float | None = None
    """Ground size of the raster's pixels, which limits the zoom levels of vector tiles; None: unknown."""
