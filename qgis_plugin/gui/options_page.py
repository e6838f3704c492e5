"""The plugin's page in Settings > Options: the engine, and defaults for new runs."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget, QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QApplication,
    QComboBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
)
from qgis.utils import OverrideCursor

from .. import install, settings
from ..algorithms.base import ICON
from ..catalog import CATALOG
from ..diagnostics import diagnostics
from ..engine import engines_folder, override_words
from ..words import tr
from .engine_check import EngineCheck, EngineState
from .setup_dialog import SetupDialog
from .widgets import ERROR_STYLE, WARNING_STYLE, WrappedLabel

PAGE = "FCtL Geo"


class OptionsPage(QgsOptionsPageWidget):
    """Shows the settings; `apply` saves them.

    Args:
        changed: called when another engine is used from now on.
    """

    def __init__(self, parent, changed: Callable[[], None]) -> None:
        super().__init__(parent)
        self._changed = changed
        self._check: EngineCheck | None = None
        self.python = QgsFileWidget()
        self.python.setFilePath(settings.engine_python())
        self.python.lineEdit().setPlaceholderText(tr("Empty: the engine set up here"))
        self.check_button = QPushButton(tr("Check"))
        self.setup_button = QPushButton(tr("Set Up Engine..."))
        self.override = WrappedLabel(WARNING_STYLE)
        self.override.setText(override_words())
        self.state = WrappedLabel()
        self.check_button.clicked.connect(self.check_engine)
        self.setup_button.clicked.connect(self._set_up)
        self.remove_button = QPushButton(tr("Remove Engine..."))
        self.remove_button.setToolTip(tr("Deletes the engine that was set up here, which needs about 2 GB or more"))
        self.remove_button.clicked.connect(self._remove)
        self.copy_button = QPushButton(tr("Copy Diagnostics"))
        self.copy_button.setToolTip(tr("Versions, engine, and recent errors, to paste into a report of a problem"))
        self.copy_button.clicked.connect(self._copy_diagnostics)
        self.device = QComboBox()
        self.device.setEditable(True)
        self.device.addItems(["auto", "cpu", "cuda", "cuda:1"])
        self.device.setCurrentText(settings.device())
        self.threads = _spin(settings.threads(), 256, tr("All cores"), "")
        self.memory = _spin(settings.max_memory_mb(), 10_000_000, tr("As needed"), " MB")
        layout = QVBoxLayout(self)
        layout.addWidget(self._engine_box())
        layout.addWidget(self._defaults_box())
        layout.addStretch(1)

    def _engine_box(self) -> QGroupBox:
        box = QGroupBox(tr("Engine"))
        words = QLabel(
            tr("The networks run in a separate process with its own Python, so they cannot slow down or crash QGIS.")
        )
        words.setWordWrap(True)
        self.remove_button.setEnabled(engines_folder().exists())
        buttons = QHBoxLayout()
        for button in (self.check_button, self.setup_button, self.remove_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        form = QFormLayout(box)
        form.addRow(words)
        form.addRow(tr("Python with fctl-geo"), self.python)
        form.addRow(self.override)
        form.addRow(buttons)
        form.addRow(self.state)
        return box

    def _defaults_box(self) -> QGroupBox:
        box = QGroupBox(tr("Defaults for New Runs"))
        form = QFormLayout(box)
        form.addRow(tr("Device"), self.device)
        form.addRow(tr("CPU threads"), self.threads)
        form.addRow(tr("Memory limit"), self.memory)
        return box

    def apply(self) -> None:
        """Save the settings; called by QGIS on OK."""
        another = self.python.filePath().strip() != settings.engine_python()
        settings.set_engine_python(self.python.filePath())
        settings.set_device(self.device.currentText())
        settings.set_threads(self.threads.value())
        settings.set_max_memory_mb(self.memory.value())
        if another:
            self._changed()

    def check_engine(self) -> None:
        """Check the engine shown here; nothing is saved before OK."""
        if self._check is not None:
            return
        self.state.setText(tr("Checking..."))
        self._check = EngineCheck(self.python.filePath().strip())
        self._check.checked.connect(self._on_checked)
        QgsApplication.taskManager().addTask(self._check)

    def _on_checked(self, state: EngineState) -> None:
        self._check = None
        if state.error:
            self.state.tell(state.error, ERROR_STYLE)
            return
        lines = [tr("The engine works: {}").format(state.python), *state.lines(), state.update]
        self.state.tell("\n".join(line for line in lines if line), "")

    def _set_up(self) -> None:
        SetupDialog(self).exec()
        self.python.setFilePath(settings.engine_python())
        self.remove_button.setEnabled(engines_folder().exists())
        self._changed()
        self.check_engine()

    def _remove(self) -> None:
        words = tr("Delete the engine that was set up here ({})? Runs in progress would fail.").format(engines_folder())
        if QMessageBox.question(self, PAGE, words) != QMessageBox.StandardButton.Yes:
            return
        left = install.remove()
        CATALOG.forget()
        self.remove_button.setEnabled(engines_folder().exists())
        self._changed()
        if left:
            self.state.tell(tr("Files in use could not be deleted: {}").format(left), ERROR_STYLE)
        else:
            self.state.tell(tr("The engine was removed."), "")

    def _copy_diagnostics(self) -> None:
        with OverrideCursor(Qt.CursorShape.WaitCursor):  # the engine is asked, which takes some seconds
            QApplication.clipboard().setText(diagnostics())
        self.state.tell(tr("Copied. It contains paths of your computer: read it before you share it."), "")


def _spin(value: int, most: int, least_words: str, suffix: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(0, most)
    spin.setSpecialValueText(least_words)
    spin.setSuffix(suffix)
    spin.setValue(value)
    return spin


class OptionsFactory(QgsOptionsWidgetFactory):
    """Creates the page when the options open; `changed` is called when another engine is used from now on."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed
        self.setTitle(PAGE)

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def createWidget(self, parent) -> OptionsPage:
        return OptionsPage(parent, self._changed)
