"""What a run is asked for: image, model, extent and results, as the parameters of the algorithm."""

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
)
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QWidget

from ..catalogue import gsd_warning
from ..defaults import SQUARES
from ..ground import gsd_of
from ..words import tr
from .model_choice import ModelChoice
from .widgets import WARNING_STYLE, Words, metres_spin

WHOLE, VISIBLE, INSIDE = "whole", "visible", "inside"
ENDINGS = {"OUTPUT": ".tif", "OUTPUT_POLYGONS": ".gpkg"}


class RunForm(QWidget):
    """The fields of the panel, and the warning below them.

    Args:
        canvas: the map: what 'visible' means.
    """

    def __init__(self, canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._make_fields()
        self.warning = Words(WARNING_STYLE)
        self._lay_out(
            (tr("Image"), self.layer),
            ("", self.layer_facts),
            (tr("Model"), self.model),
            (None, self.model.label),
            (tr("Extent"), self.extent),
            ("", self.aoi),
            ("", self.selected_only),
            (tr("Results"), self.want_raster),
            ("", self.want_polygons),
            (tr("Smallest region"), self.min_area),
            (tr("Straighten within"), self.simplify),
            ("", self.square),
            (tr("Folder"), self.folder),
            (None, self.warning),
        )
        self._refresh_extent()
        self._refresh_layer()

    def _lay_out(self, *rows: tuple[str | None, QWidget]) -> None:
        """A grid of words and fields; where the words are None the field has the whole row."""
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for index, (words, field) in enumerate(rows):
            if words:
                grid.addWidget(QLabel(words), index, 0)
            first = 0 if words is None else 1
            grid.addWidget(field, index, first, 1, 2 - first)

    def _make_fields(self) -> None:
        self.layer, self.layer_facts = _layer_box(QgsMapLayerProxyModel.Filter.RasterLayer), Words()
        self.layer.layerChanged.connect(self._refresh_layer)
        self.model = ModelChoice()
        self.model.changed.connect(self._refresh_layer)
        self.extent = QComboBox()
        for words, key in ((tr("Whole layer"), WHOLE), (tr("Visible part of the map"), VISIBLE),
                           (tr("Inside polygons of"), INSIDE)):  # fmt: skip
            self.extent.addItem(words, key)
        self.extent.currentIndexChanged.connect(self._refresh_extent)
        self.aoi = _layer_box(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.selected_only = QCheckBox(tr("Selected features only"))
        self.want_raster, self.want_polygons = QCheckBox(tr("Class raster")), QCheckBox(tr("Polygons"))
        self.want_raster.setChecked(True)
        self.want_polygons.setChecked(True)
        self.min_area = metres_spin(" m²", 1e6)
        self.min_area.setToolTip(tr("Smaller regions go to the neighbour with which they share the longest border."))
        self.simplify = metres_spin(" m", 1e3)
        self.simplify.setToolTip(tr("Borders may move this far to become straight. One to two pixels look good."))
        self.square = QCheckBox(tr("Right angles for buildings"))
        self.square.setChecked(True)
        self.square.setToolTip(tr("Buildings that touch share their walls. Others keep their simplified outline."))
        self.folder = QgsFileWidget()
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.lineEdit().setPlaceholderText(tr("temporary"))

    def _refresh_layer(self) -> None:
        layer, card = self.layer.currentLayer(), self.model.card()
        gsd_m = None if layer is None else gsd_of(layer)
        self.square.setVisible(card is not None and any(each.objects for each in card.classes))
        self.layer_facts.setText("" if layer is None else layer_words(layer, gsd_m))
        warning = "" if card is None else gsd_warning(card, gsd_m)
        if layer is not None and not layer.crs().isValid():
            warning = tr("The layer has no CRS: areas are counted in pixels. Set it by a right click > Layer CRS.")
        self.warning.setText(warning)

    def _refresh_extent(self) -> None:
        inside = self.extent.currentData() == INSIDE
        self.aoi.setVisible(inside)
        self.selected_only.setVisible(inside)

    def trouble(self) -> str:
        """What must be chosen before a run; empty: nothing."""
        if self.layer.currentLayer() is None:
            return tr("Choose an image first: add a raster layer to the project.")
        if self.extent.currentData() == INSIDE and self.aoi.currentLayer() is None:
            return tr("There is no polygon layer to stay inside: add one to the project, or choose another extent.")
        return ""

    def parameters(self) -> dict[str, Any]:
        """What the run is given; the toolbox shows the same names."""
        layer = self.layer.currentLayer()
        wanted = {"OUTPUT": self.want_raster.isChecked(), "OUTPUT_POLYGONS": self.want_polygons.isChecked()}
        places = self._places(layer)
        given: dict[str, Any] = {
            "INPUT": layer.id() if layer else None,
            "MODEL": self.model.key,
            "MIN_AREA": self.min_area.value(),
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

    def visible(self) -> QgsReferencedRectangle:
        """The visible part of the map."""
        return QgsReferencedRectangle(self._canvas.extent(), self._canvas.mapSettings().destinationCrs())

    def _places(self, layer: QgsRasterLayer | None) -> dict[str, str]:
        """Where the results go: nothing that lies in the folder already is written over."""
        folder = self.folder.filePath().strip()
        if not folder or layer is None:
            return dict.fromkeys(ENDINGS, QgsProcessing.TEMPORARY_OUTPUT)
        stem = f"{safe_name(layer.name())}-{Path(self.model.key).stem}"
        return {name: free_stem(Path(folder), stem) + ending for name, ending in ENDINGS.items()}


def free_stem(folder: Path, stem: str) -> str:
    """The path of a name without ending that no result in the folder has: 'town', 'town-2', 'town-3', ..."""
    count, name = 1, stem
    while any((folder / (name + ending)).exists() for ending in ENDINGS.values()):
        count += 1
        name = f"{stem}-{count}"
    return str(folder / name)


def destination(path: str) -> QgsProcessingOutputLayerDefinition:
    """A result that is loaded into the project."""
    return QgsProcessingOutputLayerDefinition(path, QgsProject.instance())


def layer_words(layer: QgsRasterLayer, gsd_m: float | None) -> str:
    """'1,200 x 1,200 pixels of 0.3 m, EPSG:32633'."""
    crs = layer.crs().authid() or tr("no CRS")
    if layer.dataProvider() is not None and layer.dataProvider().name() != "gdal":
        return tr("online layer, {}: a copy of the extent is fetched").format(crs)
    size = f"{layer.width():,} x {layer.height():,}"
    if gsd_m is None:
        return tr("{} pixels, {}").format(size, crs)
    return tr("{} pixels of {:.3g} m, {}").format(size, gsd_m, crs)


def safe_name(name: str) -> str:
    """A layer's name without what file systems refuse."""
    return "".join("_" if letter in '\\/:*?"<>|' else letter for letter in name).strip() or "scene"


def _layer_box(kind) -> QgsMapLayerComboBox:
    box = QgsMapLayerComboBox()
    box.setFilters(kind)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box
