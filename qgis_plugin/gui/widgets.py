"""Small widgets that the panel, the options page and the set-up dialog are made of."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QResizeEvent
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QLabel, QVBoxLayout, QWidget

from ..words import tr

WARNING_STYLE = "background:#fff3cd; color:#664d03; border-radius:3px"


class Words(QLabel):
    """Sentences that wrap, can be copied, and take no room while there are none."""

    def __init__(self, style: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setStyleSheet(style)
        self.setMargin(6 if style else 0)  # padding of a style would be forgotten when the height is found
        self.hide()

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setVisible(bool(text))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Layouts inside layouts and scroll areas give wrapped texts a line too little."""
        self.setMinimumHeight(0)  # else the text before counts, too
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))  # -1: no text


def column(*widgets: QWidget) -> QVBoxLayout:
    """Widgets below each other; hidden ones take no room."""
    made = QVBoxLayout()
    for widget in widgets:
        made.addWidget(widget)
    return made


def meters_spin(suffix: str, most: float) -> QDoubleSpinBox:
    """A measure on the ground that may be off."""
    spin = QDoubleSpinBox()
    spin.setRange(0, most)
    spin.setDecimals(1)
    spin.setSuffix(suffix)
    spin.setSpecialValueText(tr("Off"))
    return spin
