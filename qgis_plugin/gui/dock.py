"""The panel: layer, model with its card, extent, one button; a preview of the visible part; the last runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsMapLayerProxyModel,
    QgsProcessing,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsReferencedRectangle,
)
from qgis.gui import QgsDockWidget, QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .. import settings
from ..catalogue import CATALOGUE, ModelCard, gsd_warning
from ..errors import PluginError
from ..ground import gsd_of, size_m
from ..words import tr
from .look import EngineLook, EngineState
from .model_card import card_html
from .options_page import PAGE
from .runner import Runner
from .runs_box import RunsBox

WHOLE, VISIBLE, INSIDE = "whole", "visible", "inside"
PREVIEW_PIXELS = 3_000_000
"""Of the model's size: what a CPU does in some seconds."""
PREVIEW_OPACITY = 0.6
"""The image shows through: is the border where it should be?"""
ALGORITHM = "fctl:segmentraster"


class FctlDock(QgsDockWidget):
    """The panel.

    Args:
        iface: QGIS's window: its map is what 'visible' means.
    """

    def __init__(self, iface, parent=None) -> None:
        super().__init__(tr("FCtL Geo"), parent)
        self.setObjectName("FctlGeoDock")
        self._iface = iface
        self._look: EngineLook | None = None
        self._cards: dict[str, ModelCard] = {}
        self._preview: str = ""
        self._previewing = False
        self.runner = Runner(self)
        self.runner.progressed.connect(lambda percent: self.bar.setValue(round(percent)))
        self.runner.said.connect(self._say)
        self.runner.ended.connect(self._on_ended)
        self._build()
        self.runs.refresh()
        self._refresh_extent()
        self._set_busy(False)
        self.visibilityChanged.connect(self._on_visible)

    WIDTH_PX = 380

    # building

    def _build(self) -> None:
        self.runs = RunsBox()
        self.runs.said.connect(self._say)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.addLayout(self._form())
        layout.addWidget(self.warning)
        layout.addLayout(self._buttons())
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addLayout(self._engine_row())
        layout.addWidget(self.runs, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body.setMinimumWidth(self.WIDTH_PX - 20)
        self.setMinimumWidth(self.WIDTH_PX)
        self.setWidget(scroll)

    def _form(self) -> QFormLayout:
        self.layer = QgsMapLayerComboBox()
        self.layer.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.layer.layerChanged.connect(self._refresh_layer)
        self.layer_facts = _small_label()
        self.model = QComboBox()
        for box in (self.layer, self.model):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        self.model.currentIndexChanged.connect(self._refresh_model)
        self.model_button = QToolButton()
        self.model_button.setText("...")
        self.model_button.setToolTip(tr("Choose a model file of your own"))
        self.model_button.clicked.connect(self._choose_model_file)
        self.card = _small_label()
        self.card.setFrameShape(QLabel.Shape.StyledPanel)
        self.card.setMargin(6)
        self.extent = QComboBox()
        for words, key in ((tr("Whole layer"), WHOLE), (tr("Visible part of the map"), VISIBLE),
                           (tr("Inside polygons of"), INSIDE)):  # fmt: skip
            self.extent.addItem(words, key)
        self.extent.currentIndexChanged.connect(self._refresh_extent)
        self.aoi = QgsMapLayerComboBox()
        self.aoi.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.selected_only = QCheckBox(tr("Selected features only"))
        self.want_raster, self.want_polygons = QCheckBox(tr("Class raster")), QCheckBox(tr("Polygons"))
        self.want_raster.setChecked(True)
        self.want_polygons.setChecked(True)
        self.min_area = _metres_spin(" m²", 1e6)
        self.simplify = _metres_spin(" m", 1e3)
        self.folder = QgsFileWidget()
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.lineEdit().setPlaceholderText(tr("temporary"))
        self.warning = _small_label()
        self.warning.setStyleSheet("background:#fff3cd; color:#664d03; padding:6px; border-radius:3px")
        self.warning.hide()
        form = QFormLayout()
        form.addRow(tr("Image"), self.layer)
        form.addRow("", self.layer_facts)
        form.addRow(tr("Model"), _row(self.model, self.model_button))
        form.addRow(self.card)
        form.addRow(tr("Extent"), self.extent)
        form.addRow("", self.aoi)
        form.addRow("", self.selected_only)
        form.addRow(tr("Results"), _row(self.want_raster, self.want_polygons))
        form.addRow(tr("Smallest region"), self.min_area)
        form.addRow(tr("Straighten within"), self.simplify)
        form.addRow(tr("Folder"), self.folder)
        return form

    def _buttons(self) -> QHBoxLayout:
        self.run_button = QPushButton(tr("Run"))
        self.run_button.setDefault(True)
        self.run_button.setStyleSheet("font-weight:bold")
        self.preview_button = QPushButton(tr("Preview"))
        self.preview_button.setToolTip(tr("Segment just the visible part of the map, in seconds"))
        self.stop_button = QPushButton(tr("Cancel"))
        self.more_button = QToolButton()
        self.more_button.setText(tr("All parameters..."))
        self.run_button.clicked.connect(self.run)
        self.preview_button.clicked.connect(self.preview)
        self.stop_button.clicked.connect(self.runner.stop)
        self.more_button.clicked.connect(self._open_dialog)
        self.bar = QProgressBar()
        self.status = _small_label()
        row = QHBoxLayout()
        row.addWidget(self.run_button, 2)
        row.addWidget(self.preview_button, 1)
        row.addWidget(self.stop_button, 1)
        return row

    def _engine_row(self) -> QHBoxLayout:
        self.engine = _small_label()
        self.options_button = QToolButton()
        self.options_button.setText(tr("Options..."))
        self.options_button.clicked.connect(lambda: self._iface.showOptionsDialog(None, PAGE))
        row = QHBoxLayout()
        row.addWidget(self.engine, 1)
        row.addWidget(self.more_button)
        row.addWidget(self.options_button)
        return row

    # the engine

    def _on_visible(self, visible: bool) -> None:
        if visible and not self._cards and self._look is None:
            self.look()

    def look(self) -> None:
        """Ask the engine in the background what it has and what it runs on."""
        self.engine.setText(tr("Looking at the engine..."))
        self._look = EngineLook()
        self._look.looked.connect(self._on_looked)
        QgsApplication.taskManager().addTask(self._look)

    def _on_looked(self, state: EngineState) -> None:
        self._look = None
        self._cards = {card.key: card for card in state.cards}
        self.engine.setText(state.error or "\n".join([f"{state.device}; {state.memory}", *state.troubles]))
        chosen = self.model.currentData()
        self.model.blockSignals(True)
        self.model.clear()
        for card in state.cards:
            self.model.addItem(f"{card.name} {card.version}", card.key)
        for path in settings.model_files():
            self.model.addItem(Path(path).stem, path)
        self.model.setCurrentIndex(max(0, self.model.findData(chosen)))
        self.model.blockSignals(False)
        self._refresh_model()
        self._set_busy(self.runner.busy)

    def _choose_model_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Model file"), "", tr("Model files") + " (*.safetensors)")
        if path:
            self.add_model_file(path)

    def add_model_file(self, path: str) -> None:
        """Offer a model file and choose it."""
        settings.remember_model_file(path)
        if self.model.findData(path) < 0:
            self.model.addItem(Path(path).stem, path)
        self.model.setCurrentIndex(self.model.findData(path))

    # what is shown

    def current_card(self) -> ModelCard | None:
        """The card of the chosen model; None: not known."""
        key = self.model.currentData()
        if key and key not in self._cards:
            try:
                self._cards[key] = CATALOGUE.card(key)
            except PluginError as error:
                self.card.setText(str(error))
                return None
        return self._cards.get(key)

    def _refresh_model(self) -> None:
        card = self.current_card()
        if card is not None:
            self.card.setText(card_html(card))
        self._refresh_layer()

    def _refresh_layer(self) -> None:
        layer = self.layer.currentLayer()
        card = self._cards.get(self.model.currentData())
        gsd_m = None if layer is None else gsd_of(layer)
        self.layer_facts.setText("" if layer is None else layer_words(layer, gsd_m))
        warning = "" if card is None else gsd_warning(card, gsd_m)
        if layer is not None and not layer.crs().isValid():
            warning = tr("The layer has no CRS: areas are counted in pixels. Set it by a right click > Layer CRS.")
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))

    def _refresh_extent(self) -> None:
        inside = self.extent.currentData() == INSIDE
        self.aoi.setVisible(inside)
        self.selected_only.setVisible(inside)

    def _say(self, words: str) -> None:
        self.status.setText(words)

    def _set_busy(self, busy: bool) -> None:
        ready = not busy and self.model.count() > 0
        self.run_button.setEnabled(ready)
        self.preview_button.setEnabled(ready)
        self.stop_button.setEnabled(busy)
        self.bar.setVisible(busy)

    # running

    def parameters(self) -> dict[str, Any]:
        """What the panel's run is given; the toolbox shows the same names."""
        layer = self.layer.currentLayer()
        given: dict[str, Any] = {
            "INPUT": layer.id() if layer else None,
            "MODEL": self.model.currentData(),
            "MIN_AREA": self.min_area.value(),
            "SIMPLIFY": self.simplify.value(),
            "OUTPUT": self._destination(".tif") if self.want_raster.isChecked() else None,
            "OUTPUT_POLYGONS": self._destination(".gpkg") if self.want_polygons.isChecked() else None,
        }
        if self.extent.currentData() == VISIBLE:
            given["EXTENT"] = self._visible()
        elif self.extent.currentData() == INSIDE and self.aoi.currentLayer() is not None:
            given["AOI"] = QgsProcessingFeatureSourceDefinition(
                self.aoi.currentLayer().id(), self.selected_only.isChecked()
            )
        return given

    def _destination(self, ending: str) -> QgsProcessingOutputLayerDefinition:
        folder, layer = self.folder.filePath().strip(), self.layer.currentLayer()
        path = QgsProcessing.TEMPORARY_OUTPUT
        if folder and layer is not None:
            model = Path(str(self.model.currentData())).stem
            path = str(Path(folder) / f"{safe_name(layer.name())}-{model}{ending}")
        return QgsProcessingOutputLayerDefinition(path, QgsProject.instance())

    def _visible(self) -> QgsReferencedRectangle:
        canvas = self._iface.mapCanvas()
        return QgsReferencedRectangle(canvas.extent(), canvas.mapSettings().destinationCrs())

    def run(self) -> None:
        """Segment what is asked for."""
        self._start(self.parameters(), previewing=False)

    def preview(self) -> None:
        """Segment the visible part into a temporary layer, which replaces the last preview."""
        words = self._too_large()
        if words:
            self._say(words)
            return
        given = self.parameters()
        given.pop("AOI", None)
        given |= {
            "EXTENT": self._visible(),
            "OUTPUT": QgsProcessingOutputLayerDefinition(QgsProcessing.TEMPORARY_OUTPUT, QgsProject.instance()),
            "OUTPUT_POLYGONS": None,
            "GRID": "model",
        }
        self._start(given, previewing=True)

    def _too_large(self) -> str:
        """A sentence where the visible part takes too long for a preview; empty: it does not."""
        card, visible = self.current_card(), self._visible()
        size = size_m(visible, visible.crs())
        if card is None or card.gsd_m is None or size is None:
            return ""
        pixels = size[0] * size[1] / card.gsd_m**2
        if pixels <= PREVIEW_PIXELS:
            return ""
        side_m = (PREVIEW_PIXELS * card.gsd_m**2) ** 0.5
        return tr(
            "Zoom in: a preview takes up to {0:,.0f} x {0:,.0f} m with this model, {1:,.0f} x {2:,.0f} m are visible."
        ).format(side_m, *size)

    def _start(self, given: dict[str, Any], *, previewing: bool) -> None:
        self._previewing = previewing
        self.bar.setValue(0)
        words = tr("Choose an image first.") if given["INPUT"] is None else self.runner.start(ALGORITHM, given)
        self._say(words or tr("Starting the engine..."))
        self._set_busy(not words)

    def _on_ended(self, fine: bool, error: str, layers: list) -> None:
        self._set_busy(False)
        self.runs.refresh()
        if not fine:
            self._say(error or tr("Stopped: no file under a final name was touched."))
            return
        if self._previewing:
            self._replace_preview(layers)
        elif len(layers) > 1:
            self._show_the_image(layers)
        self._say(tr("Done: {}").format(", ".join(layer.name() for layer in layers)))

    @staticmethod
    def _show_the_image(layers: list) -> None:
        """Polygons lie over the image: the class raster between them waits for its tick."""
        for layer in layers:
            if isinstance(layer, QgsRasterLayer):
                QgsProject.instance().layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(False)

    def _replace_preview(self, layers: list) -> None:
        if self._preview and QgsProject.instance().mapLayer(self._preview) is not None:
            QgsProject.instance().removeMapLayer(self._preview)
        for layer in layers:
            layer.setName(tr("Preview: {}").format(self.model.currentText()))
            layer.setOpacity(PREVIEW_OPACITY)
            self._preview = layer.id()

    def _open_dialog(self) -> None:
        from processing import createAlgorithmDialog

        dialog = createAlgorithmDialog(ALGORITHM, {k: v for k, v in self.parameters().items() if v is not None})
        dialog.show()


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


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _small_label() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _metres_spin(suffix: str, most: float) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(0, most)
    spin.setDecimals(1)
    spin.setSuffix(suffix)
    spin.setSpecialValueText(tr("off"))
    return spin
