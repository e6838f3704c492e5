"""Small widgets for the panel, the options page, and the setup dialog."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QResizeEvent
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..words import tr

ERROR_STYLE = "background:#f8d7da; color:#58151c; border-radius:3px"
WARNING_STYLE = "background:#fff3cd; color:#664d03; border-radius:3px"


class WrappedLabel(QLabel):
    """A label that wraps, can be copied, and takes no space while empty."""

    def __init__(self, style: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setStyleSheet(style)
        self.setMargin(6 if style else 0)  # the height for a width does not include the padding of a style
        self.hide()

    def tell(self, text: str, style: str) -> None:
        """Show a text in another style."""
        self.setStyleSheet(style)
        self.setMargin(6 if style else 0)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setVisible(bool(text))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Set the height, because nested layouts in scroll areas cut off the last line of wrapped text."""
        self.setMinimumHeight(0)  # otherwise the previous text counts, too
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))  # -1: no text


def column(*widgets: QWidget) -> QVBoxLayout:
    """Widgets below each other; hidden ones take no space."""
    made = QVBoxLayout()
    for widget in widgets:
        made.addWidget(widget)
    return made


def beside(wide: QWidget, *narrow: QWidget) -> QWidget:
    """A wide widget, and narrow ones at its right."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(wide, 1)
    for widget in narrow:
        row.addWidget(widget)
    return made


def meters_spin(suffix: str, most: float) -> QDoubleSpinBox:
    """A length or area on the ground that can be switched off."""
    spin = QDoubleSpinBox()
    spin.setRange(0, most)
    spin.setDecimals(1)
    spin.setSuffix(suffix)
    spin.setSpecialValueText(tr("Off"))
    return spin
