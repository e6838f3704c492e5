"""True pixel sizes of layers on the ground, also for degrees and Web Mercator."""

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


def meters_per_unit(crs: QgsCoordinateReferenceSystem, at: QgsPointXY, step: float = 0.0) -> float | None:
    """Meters on the ground per unit of the CRS at a place (mean of both directions); None: unknown.

    Args:
        step: distance to measure, in units of the CRS; 0: about a hundred meters.
    """
    if not crs.isValid():
        return None
    step = step or (0.001 if crs.isGeographic() else 100.0)
    meter = QgsDistanceArea()
    meter.setSourceCrs(crs, QgsCoordinateTransformContext())
    meter.setEllipsoid(crs.ellipsoidAcronym() or "EPSG:7030")
    east = meter.measureLine(at, QgsPointXY(at.x() + step, at.y()))
    north = meter.measureLine(at, QgsPointXY(at.x(), at.y() + step))
    meters = math.sqrt(east * north) / step if east > 0 and north > 0 else 0.0
    return meters if math.isfinite(meters) and meters > 0 else None


def is_located(crs: QgsCoordinateReferenceSystem) -> bool:
    """Whether a CRS says where on the ground coordinates are; the 'undefined' ones of GeoPackages do not."""
    return crs.isValid() and bool(crs.toProj())


def gsd_of(layer: QgsRasterLayer) -> float | None:
    """Meters on the ground per pixel at the layer's center; None: no CRS, or a layer without fixed pixels."""
    if not layer.isValid() or layer.width() <= 0 or layer.height() <= 0:
        return None
    meters = meters_per_unit(layer.crs(), layer.extent().center())
    if meters is None:
        return None
    return meters * math.sqrt(abs(layer.rasterUnitsPerPixelX() * layer.rasterUnitsPerPixelY()))


def size_m(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> tuple[float, float] | None:
    """Width and height of an extent in meters on the ground."""
    meters = meters_per_unit(crs, extent.center())
    return None if meters is None else (extent.width() * meters, extent.height() * meters)
