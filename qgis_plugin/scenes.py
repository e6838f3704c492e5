"""Converts QGIS layers to what the engine reads: a path, a copy of a part of an online layer, or an AOI file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeatureSink,
    QgsFeedback,
    QgsFields,
    QgsProcessingFeatureSource,
    QgsProviderRegistry,
    QgsRasterDataProvider,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorFileWriter,
)

from .errors import LayerError
from .ground import gsd_of
from .words import tr


@dataclass(frozen=True)
class Scene:
    """The properties of a raster layer, read in the main thread for use in another thread."""

    name: str
    """The layer's name."""
    path: str
    """A path for GDAL; empty: an online layer that must be downloaded."""
    provider: QgsRasterDataProvider | None
    """A copy of the provider of an online layer; None for files."""
    crs: QgsCoordinateReferenceSystem
    """The CRS of the layer in QGIS, which the user may have changed."""
    crs_changed: bool
    """Whether the file has another CRS than the layer, or none."""
    extent: QgsRectangle
    gsd_m: float | None

    @property
    def online(self) -> bool:
        return self.provider is not None


def scene_of(layer: QgsRasterLayer) -> Scene:
    """The properties of a layer.

    Raises:
        LayerError: the layer is not valid.
    """
    if not layer.isValid():
        raise LayerError(
            tr("The layer '{}' is not valid.").format(layer.name()),
            tr("Check that its file still exists, or that its server can be reached."),
        )
    provider = layer.dataProvider()
    is_file = provider.name() == "gdal"
    return Scene(
        name=layer.name(),
        path=path_of(layer.source()) if is_file else "",
        provider=None if is_file else provider.clone(),
        crs=layer.crs(),
        crs_changed=is_file and layer.crs().isValid() and layer.crs() != provider.crs(),
        extent=layer.extent(),
        gsd_m=gsd_of(layer) if is_file else None,
    )


def safe_name(name: str) -> str:
    """A layer name without the characters that file systems refuse."""
    return "".join("_" if letter in '\\/:*?"<>|' else letter for letter in name).strip() or "scene"


def path_of(source: str) -> str:
    """The path for GDAL of a raster layer's source, without additions of QGIS."""
    path = re.split(r"\|(?:option|credential|authcfg|layername)[:=]", source)[0]
    table = QgsProviderRegistry.instance().decodeUri("gdal", source).get("layerName")
    if table and path.lower().endswith(".gpkg") and not path.startswith("GPKG:"):
        return f"GPKG:{path}:{table}"
    return path


SELF_CONTAINED = ("GTiff", "COG", "JP2OpenJPEG", "PNG", "JPEG", "HFA")
"""GDAL drivers of files that cannot refer to others."""


def with_crs(scene: Scene, folder: Path, *, trusted: bool = True) -> str:
    """The path of the scene, or of a small VRT if the layer has another CRS than the file.

    Args:
        trusted: whether the file may refer to others; the engine must be told to trust the VRT in any case.
    Raises:
        LayerError: the VRT could not be created, or would make the engine trust a file that is not trusted.
    """
    if not scene.crs_changed:
        return scene.path
    driver = gdal.IdentifyDriver(scene.path)
    if not trusted and (driver is None or driver.ShortName not in SELF_CONTAINED):
        raise LayerError(
            tr("The CRS of the layer '{}' is not that of its file, which can refer to other files.").format(scene.name),
            tr("Assign the CRS to the file itself, or check 'Trust files that the image refers to'."),
        )
    path = folder / f"{safe_name(scene.name)}.vrt"
    known = scene.crs.authid() if scene.crs.authid().startswith(("EPSG:", "ESRI:")) else scene.crs.toWkt()
    made = gdal.Translate(str(path), scene.path, format="VRT", outputSRS=known)
    if made is None:
        raise LayerError(
            tr("The CRS {1} could not be assigned to the layer '{0}'.").format(scene.name, scene.crs.authid()),
            tr("Assign the CRS to the file itself: Raster > Projections > Assign Projection."),
        )
    made.FlushCache()
    return str(path)


def write_polygons(
    source: QgsProcessingFeatureSource, folder: Path, what: str, feedback: QgsFeedback, field: str = ""
) -> str:
    """Write the polygons of a layer (or the selected ones) to a GeoPackage for the engine; returns its path.

    Args:
        folder: created; the file in it is named after the layer, because the engine's messages name it.
        what: description of the layer for error messages.
        field: the attribute to keep; empty: none.
    Raises:
        LayerError: there are no polygons, or the file could not be written.
    """
    folder.mkdir()
    path = folder / f"{safe_name(source.sourceName())}.gpkg"
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "polygons"
    fields = QgsFields()
    index = source.fields().lookupField(field) if field else -1
    if index >= 0:
        fields.append(source.fields().at(index))
    writer = QgsVectorFileWriter.create(
        str(path), fields, source.wkbType(), source.sourceCrs(), QgsCoordinateTransformContext(), options
    )
    if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
        raise LayerError(tr("{} could not be written: {}.").format(what, writer.errorMessage()))
    count = 0
    for feature in source.getFeatures():
        if feedback.isCanceled():
            break
        if feature.hasGeometry():
            copy = QgsFeature(fields)
            copy.setGeometry(feature.geometry())
            if index >= 0:
                copy.setAttribute(0, feature.attribute(index))
            writer.addFeature(copy, QgsFeatureSink.Flag.FastInsert)
            count += 1
    del writer
    if count == 0 and not feedback.isCanceled():
        raise LayerError(
            tr("{} has no polygons.").format(what),
            tr("Choose a polygon layer with features. If 'Selected features only' is checked, select some features."),
        )
    return str(path)
