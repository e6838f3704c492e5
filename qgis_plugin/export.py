"""Downloads a part of an online layer (WMS, WMTS, XYZ, ArcGIS, ...) tile by tile at a given pixel size."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

from osgeo import gdal
from qgis.core import (
    Qgis,
    QgsNetworkAccessManager,
    QgsNetworkReplyContent,
    QgsProcessingFeedback,
    QgsRasterBlockFeedback,
    QgsRectangle,
)
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from .errors import EngineStopped, LayerError
from .ground import meters_per_unit
from .scenes import Scene, safe_name
from .words import count, measure, tr

TILE_PX = 1024
"""Side of a request in pixels; servers refuse much larger ones."""
TRIES = 3
"""Number of failed attempts at the same request before giving up."""
MOST_PIXELS = 4_000_000_000
"""Maximum size of a download; servers block larger ones."""


@dataclass(frozen=True)
class Plan:
    """The pixel grid of a download."""

    extent: QgsRectangle
    """In the layer's CRS; an integer number of pixels from its upper left corner."""
    width: int
    height: int
    unit: float
    """Pixel size in units of the CRS."""

    def tiles(self) -> list[tuple[int, int, int, int]]:
        """(column, row, width, height) of each request, row by row."""
        return [
            (col, row, min(TILE_PX, self.width - col), min(TILE_PX, self.height - row))
            for row in range(0, self.height, TILE_PX)
            for col in range(0, self.width, TILE_PX)
        ]

    def extent_of(self, col: int, row: int, width: int, height: int) -> QgsRectangle:
        """The extent of a request."""
        west = self.extent.xMinimum() + col * self.unit
        north = self.extent.yMaximum() - row * self.unit
        return QgsRectangle(west, north - height * self.unit, west + width * self.unit, north)


def plan_export(scene: Scene, extent: QgsRectangle, gsd_m: float) -> Plan:
    """The grid that covers an extent with pixels of `gsd_m` meters on the ground.

    Raises:
        LayerError: the extent is empty or has too many pixels.
    """
    inside = extent.intersect(scene.extent) if not scene.extent.isEmpty() else extent
    if inside.isEmpty():
        raise LayerError(
            tr("The extent does not intersect the online layer '{}'.").format(scene.name),
            tr("Choose an extent that the layer covers."),
        )
    meters = meters_per_unit(scene.crs, inside.center())
    if meters is None:
        raise LayerError(
            tr("The online layer '{}' has no CRS, so its pixel size cannot be determined.").format(scene.name),
            tr("Set its CRS: right-click the layer > Layer CRS."),
        )
    unit = gsd_m / meters
    width, height = (max(1, math.ceil(side / unit - 1e-6)) for side in (inside.width(), inside.height()))
    if width * height > MOST_PIXELS:
        raise LayerError(
            tr("The extent has {} million pixels of {} m, which is too much for an online layer.").format(
                count(width * height / 1e6), measure(gsd_m)
            ),
            tr("Choose a smaller extent or a larger pixel size."),
        )
    west, north = inside.xMinimum(), inside.yMaximum()
    return Plan(QgsRectangle(west, north - height * unit, west + width * unit, north), width, height, unit)


def export_scene(scene: Scene, plan: Plan, folder: Path, feedback: QgsProcessingFeedback) -> str:
    """Write the part to a GeoTIFF and return its path; where the server has no data, the pixels are nodata.

    Memory: one request at a time.

    Raises:
        LayerError: the server fails repeatedly, or the disk is full.
        EngineStopped: the user canceled it.
    """
    path = folder / f"{safe_name(scene.name)}.tif"
    feedback.pushInfo(
        tr("Downloading {} x {} pixels of the online layer '{}' in {} requests").format(
            count(plan.width), count(plan.height), scene.name, count(len(plan.tiles()))
        )
    )
    options = ["TILED=YES", "COMPRESS=DEFLATE", "PREDICTOR=2", "BIGTIFF=IF_SAFER", "PHOTOMETRIC=RGB", "ALPHA=YES"]
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), plan.width, plan.height, 4, gdal.GDT_Byte, options=options
    )
    if dataset is None:
        raise LayerError(tr("{} could not be written: {}").format(path, gdal.GetLastErrorMsg()))
    dataset.SetProjection(scene.crs.toWkt())
    dataset.SetGeoTransform((plan.extent.xMinimum(), plan.unit, 0.0, plan.extent.yMaximum(), 0.0, -plan.unit))
    tiles = plan.tiles()
    for index, tile in enumerate(tiles):
        image = _fetch(scene, plan, tile, feedback)
        if _write(dataset, tile, image) != 0:
            raise LayerError(
                tr("The copy of the online layer could not be written to {}. The disk may be full.").format(folder),
                tr("Free some space there, or choose a smaller extent."),
            )
        feedback.setProgress(100.0 * (index + 1) / len(tiles))
    dataset.FlushCache()
    return str(path)


def _fetch(scene: Scene, plan: Plan, tile: tuple[int, int, int, int], feedback: QgsProcessingFeedback) -> QImage:
    col, row, width, height = tile
    for attempt in range(TRIES):
        if feedback.isCanceled():
            raise EngineStopped(tr("Canceled. No incomplete files were left behind."))
        listening = QgsRasterBlockFeedback(feedback)
        with Replies() as replies:
            block = scene.provider.block(1, plan.extent_of(*tile), width, height, listening)
        errors = [*listening.errors(), *replies.errors()][:3]
        if not errors and block.isValid() and block.dataType() in _COLORS:
            return block.image().convertToFormat(QImage.Format.Format_RGBA8888)
        words = "; ".join(errors) or block.error().summary() or tr("no image received")
        feedback.pushDebugInfo(tr("Request for column {}, row {} failed: {}").format(col, row, words))
        time.sleep(0.5 * attempt)
    raise LayerError(
        tr("The server of '{}' failed {} times for the same request: {}").format(scene.name, TRIES, words),
        tr("Try again later, or save the layer to a file first: Layer > Save As."),
    )


class Replies:
    """Records the status of requests of this thread while open, because providers silently leave failed tiles empty."""

    ABSENT = (204, 404, 410)
    """HTTP status of tiles that do not exist, for example over the sea: nodata, not an error."""

    def __init__(self) -> None:
        self._ends: dict[str, str] = {}
        self._manager = QgsNetworkAccessManager.instance()

    def __enter__(self) -> Replies:
        self._manager.finished[QgsNetworkReplyContent].connect(self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.finished[QgsNetworkReplyContent].disconnect(self._hear)

    def _hear(self, reply: QgsNetworkReplyContent) -> None:
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        failed = reply.error() != QNetworkReply.NetworkError.NoError and status not in self.ABSENT
        self._ends[reply.request().url().toString()] = reply.errorString() if failed else ""

    def errors(self) -> list[str]:
        """Errors of the requests whose last attempt failed."""
        return [words for words in self._ends.values() if words]


_COLORS = (Qgis.DataType.ARGB32, Qgis.DataType.ARGB32_Premultiplied)


def _write(dataset: gdal.Dataset, tile: tuple[int, int, int, int], image: QImage) -> int:
    col, row, width, height = tile
    pixels = image.constBits()
    pixels.setsize(image.sizeInBytes())
    return dataset.WriteRaster(
        col, row, width, height, bytes(pixels), width, height, gdal.GDT_Byte, [1, 2, 3, 4],
        buf_pixel_space=4, buf_line_space=image.bytesPerLine(), buf_band_space=1,
    )  # fmt: skip
