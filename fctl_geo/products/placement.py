"""What becomes of polygons where a layer or table of that name exists already."""

from __future__ import annotations

from dataclasses import dataclass

from fctl_geo.settings import OutputSettings

SCENE = "scene"
"""The column of layers and tables that several scenes share; it says which one a polygon is from."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What becomes of polygons where a layer or table of that name exists already."""

    overwrite: bool = False
    """Replace it."""
    append: bool = False
    """Add to it; polygons that the same scene has put there are replaced."""
    layer: str | None = None
    """The name of the layer in a GeoPackage; None: the name of the file."""
    scene: str = ""
    """What identifies the scene."""

    @staticmethod
    def of(settings: OutputSettings, scene: str) -> Placement:
        """As the settings say, for a scene that has no other name."""
        return Placement(settings.overwrite, settings.append, settings.layer, settings.scene_name or scene)
