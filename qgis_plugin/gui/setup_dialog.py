"""The dialog that sets up the engine, with progress, log, and retry."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from .. import install, settings
from ..catalog import CATALOG
from ..engine import override_words
from ..errors import PluginError
from ..words import tr
from .background import EngineTask
from .widgets import ERROR_STYLE, WARNING_STYLE, WrappedLabel, column


class SetupTask(EngineTask):
    """The setup in the background; `ended` is emitted with the error message, or nothing."""

    said = pyqtSignal(str)
    progressed = pyqtSignal(float)
    ended = pyqtSignal(str)

    def __init__(self, plan: install.Plan) -> None:
        super().__init__(tr("Setting up the FCtL Geo engine"))
        self._plan = plan
        self.feedback.progressChanged.connect(self._on_progress)

    def _on_progress(self, percent: float) -> None:
        self.setProgress(percent)
        self.progressed.emit(percent)

    def work(self) -> None:
        install.set_up(self._plan, self.feedback, self.said.emit)

    def report(self) -> None:
        self.ended.emit(self.error)


class SetupDialog(QDialog):
    """Asks for the options and shows the progress."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Set Up FCtL Geo Engine"))
        self.resize(640, 520)
        self._task: SetupTask | None = None
        self._canceled = False
        words = QLabel(
            tr(
                "The engine is installed in a virtual environment in your QGIS profile; the Python of QGIS is not "
                "changed. This requires Python 3.11 or newer and about 2 GB of disk space (8 GB with CUDA), and takes "
                "a few minutes."
            )
        )
        words.setWordWrap(True)
        self.device = QComboBox()
        self.device.addItem(tr("CPU: works on every computer"), False)
        self.device.addItem(tr("NVIDIA GPU (CUDA)"), True)
        self.device.setCurrentIndex(1 if install.has_nvidia() else 0)
        self.advice = WrappedLabel(WARNING_STYLE)
        self.python = QgsFileWidget()
        self.python.lineEdit().setPlaceholderText(tr("Detected automatically"))
        self.wheels = QgsFileWidget()
        self.wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.wheels.setFilePath(settings.wheels_folder())
        self.wheels.lineEdit().setPlaceholderText(tr("Empty: from the internet, using the proxy of QGIS"))
        self.bar = QProgressBar()
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.state = WrappedLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.start_button = QPushButton(tr("Set Up"))
        self.buttons.addButton(self.start_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.start_button.clicked.connect(self._start_or_stop)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow(tr("Runs on"), column(self.device, self.advice))
        form.addRow(tr("Wheels folder (offline)"), self.wheels)
        form.addRow(tr("Python to use"), self.python)
        layout = QVBoxLayout(self)
        layout.addWidget(words)
        layout.addLayout(form)
        layout.addWidget(self.bar)
        layout.addWidget(self.log, 1)
        layout.addWidget(self.state)
        layout.addWidget(self.buttons)
        self.device.currentIndexChanged.connect(self._advise)
        self.wheels.fileChanged.connect(self._advise)
        self._advise()

    def _advise(self) -> None:
        self.advice.setText(install.device_advice(bool(self.device.currentData()), self.wheels.filePath().strip()))

    @property
    def busy(self) -> bool:
        return self._task is not None

    def _start_or_stop(self) -> None:
        if self._task is not None:
            self._canceled = True
            self.state.tell(tr("Canceling..."), "")
            self._task.cancel()
            return
        settings.set_wheels_folder(self.wheels.filePath())
        self.log.clear()
        try:
            plan = install.plan_of_settings(
                cuda=bool(self.device.currentData()), base_python=self.python.filePath().strip()
            )
        except PluginError as error:
            self.state.tell(str(error), ERROR_STYLE)
            return
        self.log.appendPlainText(tr("Using {}").format(plan.base_python))
        self._task = SetupTask(plan)
        self._task.said.connect(self.log.appendPlainText)
        self._task.progressed.connect(lambda percent: self.bar.setValue(round(percent)))
        self._task.ended.connect(self._on_ended)
        self.start_button.setText(tr("Cancel"))
        self.state.tell(tr("Setting up..."), "")
        self._canceled = False
        QgsApplication.taskManager().addTask(self._task)

    def _on_ended(self, error: str) -> None:
        self._task = None
        CATALOG.forget()
        if error:
            self.bar.setValue(0)
            self.start_button.setText(tr("Try Again"))
            self.state.tell(error, "" if self._canceled else ERROR_STYLE)
        else:
            settings.set_engine_python("")  # the new engine is found without a setting
            self.bar.setValue(100)
            self.start_button.setText(tr("Set Up Again"))
            self.state.tell("\n".join([tr("The engine is ready."), override_words()]).strip(), "")

    def reject(self) -> None:
        """Closing the dialog cancels a running setup."""
        if self._task is not None:
            self._task.cancel()
        super().reject()
