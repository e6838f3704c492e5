"""True ground sizes of layers, also where the CRS counts in degrees or in Web Mercator's metres."""

from __future__ import annotations

import math

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsDistanceArea,
    QgsPointXY,
    QgsRasterLayer,
    QgsRectangle,
)


def metres_per_unit(crs: QgsCoordinateReferenceSystem, at: QgsPointXY, step: float = 0.0) -> float | None:
    """Ground metres that one unit of the CRS measures at a place (mean of both directions); None: cannot be told.

    Args:
        step: units to measure over; 0: about a hundred metres.
    """
    if not crs.isValid():
        return None
    step = step or (0.001 if crs.isGeographic() else 100.0)
    meter = QgsDistanceArea()
    meter.setSourceCrs(crs, QgsCoordinateTransformContext())
    meter.setEllipsoid(crs.ellipsoidAcronym() or "EPSG:7030")
    east = meter.measureLine(at, QgsPointXY(at.x() + step, at.y()))
    north = meter.measureLine(at, QgsPointXY(at.x(), at.y() + step))
    metres = math.sqrt(east * north) / step if east > 0 and north > 0 else 0.0
    return metres if math.isfinite(metres) and metres > 0 else None


def gsd_of(layer: QgsRasterLayer) -> float | None:
    """Ground metres a pixel at the layer's centre; None: no CRS, or a layer without pixels of its own."""
    if not layer.isValid() or layer.width() <= 0 or layer.height() <= 0:
        return None
    metres = metres_per_unit(layer.crs(), layer.extent().center())
    if metres is None:
        return None
    return metres * math.sqrt(abs(layer.rasterUnitsPerPixelX() * layer.rasterUnitsPerPixelY()))


def size_m(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> tuple[float, float] | None:
    """Width and height of an extent on the ground in metres."""
    metres = metres_per_unit(crs, extent.center())
    return None if metres is None else (extent.width() * metres, extent.height() * metres)
