"""Model selection: a list, a button for model files, and the card of the chosen model."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QFrame, QHBoxLayout, QToolButton, QWidget

from .. import settings
from ..catalog import CATALOG, ModelCard
from ..errors import PluginError
from ..words import tr
from .model_card import card_html
from .widgets import WrappedLabel


class ModelBox(QComboBox):
    """Included models, then the user's files; newly trained ones are added when the list opens."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)

    def showPopup(self) -> None:
        self.offer_files()
        super().showPopup()

    def offer_files(self) -> None:
        """Append the user's files that are not in the list yet."""
        for path in settings.model_files():
            if self.findData(path) < 0:
                self.addItem(Path(path).stem, path)


class ModelChoice(QWidget):
    """The list and its button. `changed` is emitted for another choice; `label`, placed elsewhere, shows the card."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._cards: dict[str, ModelCard] = {}
        self.box = ModelBox()
        self.box.currentIndexChanged.connect(self._refresh)
        self.button = QToolButton()
        self.button.setText("...")
        self.button.setToolTip(tr("Choose a model file"))
        self.button.clicked.connect(self._choose_file)
        self.label = WrappedLabel()
        self.label.setFrameShape(QFrame.Shape.StyledPanel)
        self.label.setMargin(6)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.button)

    @property
    def key(self) -> str:
        """The value of the parameter MODEL; empty: none."""
        return str(self.box.currentData() or "")

    @property
    def has_cards(self) -> bool:
        """Whether the models of the engine are known."""
        return bool(self._cards)

    def offer(self, cards: list[ModelCard]) -> None:
        """List the engine's models and, if there is an engine, the user's files; keeps the choice if possible."""
        chosen = self.key
        self._cards = {card.key: card for card in cards}
        self.box.blockSignals(True)
        self.box.clear()
        for card in cards:
            self.box.addItem(f"{card.name} {card.version}", card.key)
        if cards:
            self.box.offer_files()
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)) if self.box.count() else -1)
        self.box.blockSignals(False)
        self._refresh()

    def add_file(self, path: str) -> None:
        """Add a model file and select it."""
        settings.remember_model_file(path)
        self.box.offer_files()
        self.box.setCurrentIndex(self.box.findData(path))

    def card(self) -> ModelCard | None:
        """The card of the chosen model; None: unknown."""
        return self._cards.get(self.key)

    def _refresh(self) -> None:
        trouble = self._ask() if self.key and self.key not in self._cards else ""
        card = self.card()
        self.label.setText(trouble if card is None else card_html(card))
        self.changed.emit()

    def _ask(self) -> str:
        """Let the engine read the card of the chosen file; returns an error message, or nothing."""
        try:
            self._cards[self.key] = CATALOG.card(self.key)
        except PluginError as error:
            return str(error)
        return ""

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Model file"), "", tr("Model files") + " (*.safetensors *.onnx)")
        if path:
            self.add_file(path)
