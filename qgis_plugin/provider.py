"""The provider 'fctl': its algorithms, and the file formats that they write."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithms.base import ICON
from .algorithms.evaluatemodel import EvaluateModel
from .algorithms.polygoniseclasses import PolygoniseClasses
from .algorithms.refineclasses import RefineClasses
from .algorithms.segmentfolder import SegmentFolder
from .algorithms.segmentraster import SegmentRaster
from .algorithms.trainmodel import TrainModel
from .words import tr

ALGORITHMS = (SegmentRaster, SegmentFolder, RefineClasses, PolygoniseClasses, TrainModel, EvaluateModel)


class FctlProvider(QgsProcessingProvider):
    """The Processing provider."""

    def id(self) -> str:
        return "fctl"

    def name(self) -> str:
        return "FCtL Geo"

    def longName(self) -> str:
        return tr("FCtL Geo: land cover and building polygons")

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def svgIconPath(self) -> str:
        return str(ICON)

    def loadAlgorithms(self) -> None:
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        return ["tif"]

    def supportedOutputVectorLayerExtensions(self) -> list[str]:
        return ["gpkg", "fgb", "geojson", "parquet", "shp", "geojsonl", "mbtiles"]

    def supportsNonFileBasedOutput(self) -> bool:
        return False
