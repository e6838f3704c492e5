"""Draws the area to segment on the map: a rectangle or a polygon becomes a layer of the project."""

from __future__ import annotations

from qgis.core import QgsFeature, QgsFillSymbol, QgsGeometry, QgsProject, QgsSingleSymbolRenderer, QgsVectorLayer
from qgis.core import QgsWkbTypes as Wkb
from qgis.gui import QgsMapTool, QgsMapToolExtent, QgsRubberBand
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from ..words import tr

COLOR = "#ffb000"
LEAST_CORNERS = 3


class PolygonTool(QgsMapTool):
    """Corners by left clicks; a right click finishes, Backspace removes the last corner, and Escape starts over.

    Signals: `drawn` (the polygon in the CRS of the map).
    """

    drawn = pyqtSignal(QgsGeometry)

    def __init__(self, canvas) -> None:
        super().__init__(canvas)
        self._band = QgsRubberBand(canvas, Wkb.GeometryType.PolygonGeometry)
        color = QColor(COLOR)
        self._band.setStrokeColor(color)
        self._band.setWidth(2)
        color.setAlphaF(0.2)
        self._band.setFillColor(color)
        self._corners: list = []

    def canvasReleaseEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._corners.append(self.toMapCoordinates(event.pos()))
            self._show()
        elif event.button() == Qt.MouseButton.RightButton and len(self._corners) >= LEAST_CORNERS:
            area = QgsGeometry.fromPolygonXY([self._corners])
            self._clear()
            self.drawn.emit(area.makeValid())

    def canvasMoveEvent(self, event) -> None:
        if self._corners:
            self._show(self.toMapCoordinates(event.pos()))

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._clear()
        elif event.key() == Qt.Key.Key_Backspace:
            self._corners = self._corners[:-1]
            self._show()
            event.ignore()  # QGIS would delete selected features

    def deactivate(self) -> None:
        self._clear()
        super().deactivate()

    def _show(self, *following) -> None:
        self._band.reset(Wkb.GeometryType.PolygonGeometry)
        for corner in (*self._corners, *following):
            self._band.addPoint(corner)

    def _clear(self) -> None:
        self._corners = []
        self._show()


class AreaDrawer(QObject):
    """Lets the user draw an area once, then gives the map its former tool back.

    Signals: `drawn` (the layer with the area; it replaces that of the last drawing).
    """

    drawn = pyqtSignal(QgsVectorLayer)

    def __init__(self, canvas, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._former = None
        self._layer_id = ""
        self._rectangle, self._polygon = QgsMapToolExtent(canvas), PolygonTool(canvas)
        self._rectangle.extentChanged.connect(lambda extent: self._finish(QgsGeometry.fromRect(extent)))
        self._polygon.drawn.connect(self._finish)

    def draw_rectangle(self) -> None:
        """Wait for a rectangle, dragged with the mouse."""
        self._start(self._rectangle)

    def draw_polygon(self) -> None:
        """Wait for a polygon, clicked corner by corner."""
        self._start(self._polygon)

    def close_down(self) -> None:
        """Give the map its former tool back, because the plugin is unloaded."""
        for tool in (self._rectangle, self._polygon):
            self._canvas.unsetMapTool(tool)

    def _start(self, tool: QgsMapTool) -> None:
        if self._canvas.mapTool() not in (self._rectangle, self._polygon):
            self._former = self._canvas.mapTool()
        self._canvas.setMapTool(tool)
        self._canvas.setFocus()

    def _finish(self, area: QgsGeometry) -> None:
        if area.isEmpty() or area.area() <= 0:
            return
        if self._former is not None:
            self._canvas.setMapTool(self._former)
        project = QgsProject.instance()
        if project.mapLayer(self._layer_id) is not None:
            project.removeMapLayer(self._layer_id)
        layer = self._layer_of(area)
        project.addMapLayer(layer)
        self._layer_id = layer.id()
        self.drawn.emit(layer)

    def _layer_of(self, area: QgsGeometry) -> QgsVectorLayer:
        layer = QgsVectorLayer("MultiPolygon", tr("Drawn area"), "memory")
        layer.setCrs(self._canvas.mapSettings().destinationCrs())
        feature = QgsFeature()
        area.convertToMultiType()
        feature.setGeometry(area)
        layer.dataProvider().addFeature(feature)
        layer.updateExtents()
        outline = {"style": "no", "outline_color": COLOR, "outline_width": "0.6"}
        layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(outline)))
        return layer
