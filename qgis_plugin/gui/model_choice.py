"""Which model: a list, a button for a file of one's own, and the chosen one's card."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QFrame, QHBoxLayout, QToolButton, QWidget

from .. import settings
from ..catalog import CATALOG, ModelCard
from ..errors import PluginError
from ..words import tr
from .model_card import card_html
from .widgets import Words


class ModelBox(QComboBox):
    """Shipped models, then the user's files; those that were trained meanwhile are there when it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)

    def showPopup(self) -> None:
        self.offer_files()
        super().showPopup()

    def offer_files(self) -> None:
        """Put the user's files that are not in the list yet at its end."""
        for path in settings.model_files():
            if self.findData(path) < 0:
                self.addItem(Path(path).stem, path)


class ModelChoice(QWidget):
    """The list and its button; `changed` tells of another choice; `label`, which is put elsewhere, shows the card."""

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
        self.label = Words()
        self.label.setFrameShape(QFrame.Shape.StyledPanel)
        self.label.setMargin(6)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.button)

    @property
    def key(self) -> str:
        """What the algorithm's MODEL is given; empty: there is none."""
        return str(self.box.currentData() or "")

    @property
    def has_cards(self) -> bool:
        """The engine has told its models."""
        return bool(self._cards)

    def offer(self, cards: list[ModelCard]) -> None:
        """The engine's models, and the user's files where there is an engine; keeps the chosen one if it is there."""
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
        """Offer a model file and choose it."""
        settings.remember_model_file(path)
        self.box.offer_files()
        self.box.setCurrentIndex(self.box.findData(path))

    def card(self) -> ModelCard | None:
        """The card of the chosen model; None: not known."""
        return self._cards.get(self.key)

    def _refresh(self) -> None:
        trouble = self._ask() if self.key and self.key not in self._cards else ""
        card = self.card()
        self.label.setText(trouble if card is None else card_html(card))
        self.changed.emit()

    def _ask(self) -> str:
        """Have the engine read the chosen file's card; gives a sentence where it cannot."""
        try:
            self._cards[self.key] = CATALOG.card(self.key)
        except PluginError as error:
            return str(error)
        return ""

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Model file"), "", tr("Model files") + " (*.safetensors)")
        if path:
            self.add_file(path)
