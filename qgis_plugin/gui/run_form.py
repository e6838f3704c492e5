"""The form for a run: image, model, extent, and results, as parameters of the algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayerProxyModel,
    QgsProcessing,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsReferencedRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QMenu, QToolButton, QWidget

from ..catalog import gsd_warning
from ..defaults import SQUARES
from ..ground import gsd_of
from ..scenes import safe_name
from ..styling import result_name
from ..words import count, measure, tr
from .draw_area import AreaDrawer
from .model_choice import ModelChoice
from .widgets import WARNING_STYLE, WrappedLabel, beside, meters_spin

WHOLE, VISIBLE, INSIDE = "whole", "visible", "inside"
ENDINGS = {"OUTPUT": ".tif", "OUTPUT_POLYGONS": ".gpkg"}


class RunForm(QWidget):
    """The fields of the panel, and the warning below them.

    Args:
        canvas: the map canvas, which defines what is visible.
    """

    def __init__(self, canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._make_fields()
        self.warning = WrappedLabel(WARNING_STYLE)
        self._lay_out(
            (tr("Image"), self.layer),
            ("", self.layer_facts),
            ("", self.trust),
            (tr("Model"), self.model),
            (None, self.model.label),
            (tr("Extent"), beside(self.extent, self.draw)),
            ("", self.aoi),
            ("", self.selected_only),
            (tr("Results"), self.want_raster),
            ("", self.want_polygons),
            (tr("Minimum area"), self.min_area),
            (tr("Simplify"), self.simplify),
            ("", self.square),
            (tr("Folder"), self.folder),
            (None, self.warning),
        )
        self._refresh_extent()
        self._refresh_layer()

    def _lay_out(self, *rows: tuple[str | None, QWidget]) -> None:
        """A grid of labels and fields; a field whose label is None spans the whole row."""
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for index, (words, field) in enumerate(rows):
            if words:
                grid.addWidget(QLabel(words), index, 0)
            first = 0 if words is None else 1
            grid.addWidget(field, index, first, 1, 2 - first)

    def _make_fields(self) -> None:
        self.layer, self.layer_facts = _layer_box(QgsMapLayerProxyModel.Filter.RasterLayer), WrappedLabel()
        self.layer.layerChanged.connect(self._refresh_layer)
        self.trust = QCheckBox(tr("Trust files that the image refers to"))
        self.trust.setToolTip(tr("Check it if this VRT refers to files outside its folder, and you trust its source."))
        self.model = ModelChoice()
        self.model.changed.connect(self._refresh_layer)
        self.extent = QComboBox()
        for words, key in ((tr("Whole layer"), WHOLE), (tr("Visible part of the map"), VISIBLE),
                           (tr("Within polygons of"), INSIDE)):  # fmt: skip
            self.extent.addItem(words, key)
        self.extent.currentIndexChanged.connect(self._refresh_extent)
        self.drawer = AreaDrawer(self._canvas, self)
        self.drawer.drawn.connect(self._use_area)
        self.draw = QToolButton()
        self.draw.setText(tr("Draw"))
        self.draw.setToolTip(tr("Draw the area on the map. Polygon: click its corners, then right-click to finish."))
        self.draw.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._shapes = QMenu(self)
        self._shapes.addAction(tr("Rectangle"), self.drawer.draw_rectangle)
        self._shapes.addAction(tr("Polygon"), self.drawer.draw_polygon)
        self.draw.setMenu(self._shapes)
        self.aoi = _layer_box(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.selected_only = QCheckBox(tr("Selected features only"))
        self.want_raster, self.want_polygons = QCheckBox(tr("Class raster")), QCheckBox(tr("Polygons"))
        self.want_raster.setChecked(True)
        self.want_polygons.setChecked(True)
        self.min_area = meters_spin(" m²", 1e6)
        self._min_area_of = ""  # the model whose recommendation it shows
        self.min_area.setToolTip(
            tr("Smaller regions are merged into the neighbor with which they share the longest border.")
        )
        self.simplify = meters_spin(" m", 1e3)
        self.simplify.setToolTip(
            tr("Borders may move this far when they are straightened. One to two pixels are a good value.")
        )
        self.square = QCheckBox(tr("Right angles for buildings"))
        self.square.setChecked(True)
        self.square.setToolTip(
            tr("Touching buildings share their walls. Buildings that cannot be squared keep their simplified outline.")
        )
        self.folder = QgsFileWidget()
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.lineEdit().setPlaceholderText(tr("Temporary files"))

    def _refresh_layer(self) -> None:
        layer, card = self.layer.currentLayer(), self.model.card()
        gsd_m = None if layer is None else gsd_of(layer)
        self.square.setVisible(card is not None and any(each.objects for each in card.classes))
        if card is not None and card.key != self._min_area_of:  # keeps what the user has set for this model
            self.min_area.setValue(card.min_area_m2)
            self._min_area_of = card.key
        self.layer_facts.setText("" if layer is None else describe_layer(layer, gsd_m))
        warning = "" if card is None else gsd_warning(card, gsd_m)
        self.trust.setVisible(layer is not None and layer.source().lower().split("|")[0].endswith(".vrt"))
        if layer is not None and not layer.isValid():
            self.layer_facts.setText("")
            warning = tr("The layer is not valid: its file is missing, or its server cannot be reached.")
        elif layer is not None and not layer.crs().isValid():
            warning = tr("The layer has no CRS, so areas are in pixels. To set it, right-click the layer > Layer CRS.")
        self.warning.setText(warning)

    def _refresh_extent(self) -> None:
        inside = self.extent.currentData() == INSIDE
        self.aoi.setVisible(inside)
        self.selected_only.setVisible(inside)

    def _use_area(self, layer: QgsVectorLayer) -> None:
        self.extent.setCurrentIndex(self.extent.findData(INSIDE))
        self.aoi.setLayer(layer)
        self.selected_only.setChecked(False)

    def trouble(self) -> str:
        """What is missing for a run; empty: nothing."""
        if self.layer.currentLayer() is None:
            return tr("Add a raster layer to the project first.")
        if self.extent.currentData() == INSIDE and self.aoi.currentLayer() is None:
            return tr("There is no polygon layer: add one to the project, or choose another extent.")
        return ""

    def parameters(self) -> dict[str, Any]:
        """The parameters of the run, with the names of the algorithm."""
        layer = self.layer.currentLayer()
        wanted = {"OUTPUT": self.want_raster.isChecked(), "OUTPUT_POLYGONS": self.want_polygons.isChecked()}
        places = self._places(layer)
        given: dict[str, Any] = {
            "INPUT": layer.id() if layer else None,
            "MODEL": self.model.key,
            "MIN_AREA": self.min_area.value(),
            "ALLOW_EXTERNAL": self.trust.isChecked() and not self.trust.isHidden(),
            "SIMPLIFY": self.simplify.value(),
            "SQUARE": SQUARES[1 if self.square.isChecked() and not self.square.isHidden() else 0],
            **{name: destination(places[name]) if wish else None for name, wish in wanted.items()},
        }
        if self.extent.currentData() == VISIBLE:
            given["EXTENT"] = self.visible()
        elif self.extent.currentData() == INSIDE and self.aoi.currentLayer() is not None:
            given["AOI"] = QgsProcessingFeatureSourceDefinition(
                self.aoi.currentLayer().id(), self.selected_only.isChecked()
            )
        return given

    def result_name(self) -> str:
        """The name of the group of results."""
        layer, card = self.layer.currentLayer(), self.model.card()
        return result_name(layer.name() if layer else "", card.name if card else self.model.key)

    def visible(self) -> QgsReferencedRectangle:
        """The visible part of the map."""
        return QgsReferencedRectangle(self._canvas.extent(), self._canvas.mapSettings().destinationCrs())

    def _places(self, layer: QgsRasterLayer | None) -> dict[str, str]:
        """The output paths; existing files in the folder are not overwritten."""
        folder = self.folder.filePath().strip()
        if not folder or layer is None:
            return dict.fromkeys(ENDINGS, QgsProcessing.TEMPORARY_OUTPUT)
        stem = f"{safe_name(layer.name())}-{Path(self.model.key).stem}"
        return {name: free_stem(Path(folder), stem) + ending for name, ending in ENDINGS.items()}


def free_stem(folder: Path, stem: str) -> str:
    """A path without extension that no result in the folder has: 'town', 'town-2', 'town-3', ..."""
    count, name = 1, stem
    while any((folder / (name + ending)).exists() for ending in ENDINGS.values()):
        count += 1
        name = f"{stem}-{count}"
    return str(folder / name)


def destination(path: str) -> QgsProcessingOutputLayerDefinition:
    """An output that is loaded into the project."""
    return QgsProcessingOutputLayerDefinition(path, QgsProject.instance())


def describe_layer(layer: QgsRasterLayer, gsd_m: float | None) -> str:
    """'1,200 x 1,200 pixels of 0.3 m, EPSG:32633'."""
    crs = layer.crs().authid() or tr("no CRS")
    if layer.dataProvider() is not None and layer.dataProvider().name() != "gdal":
        return tr("online layer, {}: the extent is downloaded first").format(crs)
    size = f"{count(layer.width())} x {count(layer.height())}"
    if gsd_m is None:
        return tr("{} pixels, {}").format(size, crs)
    return tr("{} pixels of {} m, {}").format(size, measure(gsd_m), crs)


def _layer_box(kind) -> QgsMapLayerComboBox:
    box = QgsMapLayerComboBox()
    box.setFilters(kind)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box
