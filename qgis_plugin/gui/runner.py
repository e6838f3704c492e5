"""Runs an algorithm in the background, reports its progress, and adds its results to the project."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsApplication,
    QgsMapLayer,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..words import tr


class SignalFeedback(QgsProcessingFeedback):
    """Forwards messages to the main thread as signals."""

    said = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__(False)

    def setProgressText(self, text: str) -> None:
        self.said.emit(text)

    def pushInfo(self, info: str) -> None:
        self.said.emit(info)

    def pushWarning(self, warning: str) -> None:
        self.said.emit(warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.failed.emit(error)


class Runner(QObject):
    """Runs one algorithm at a time.

    Signals: `progressed` (percent), `said` (message), `ended` (success, error message, new layers).
    """

    progressed = pyqtSignal(float)
    said = pyqtSignal(str)
    ended = pyqtSignal(bool, str, list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: QgsProcessingAlgRunnerTask | None = None
        self._context: QgsProcessingContext | None = None
        self._feedback: SignalFeedback | None = None
        self._error = ""

    @property
    def busy(self) -> bool:
        return self._task is not None

    def start(self, algorithm_id: str, parameters: dict[str, Any]) -> str:
        """Start a run; returns an error message if the parameters are wrong, or nothing."""
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm_id)
        self._context, self._feedback, self._error = QgsProcessingContext(), SignalFeedback(), ""
        self._context.setProject(QgsProject.instance())
        self._context.setFeedback(self._feedback)
        for fine, words in (algorithm.canExecute(), algorithm.checkParameterValues(parameters, self._context)):
            if not fine:
                return words or tr("The parameters are not valid.")
        self._feedback.said.connect(self.said)
        self._feedback.failed.connect(self._on_failed)
        self._feedback.progressChanged.connect(self.progressed)
        self._task = QgsProcessingAlgRunnerTask(algorithm, parameters, self._context, self._feedback)
        self._task.executed.connect(self._on_executed)
        QgsApplication.taskManager().addTask(self._task)
        return ""

    def stop(self) -> None:
        """Cancel the run; `ended` is emitted when it has stopped."""
        if self._task is not None:
            self._feedback.cancel()

    def _on_failed(self, error: str) -> None:
        self._error = error
        self.said.emit(error)

    def _on_executed(self, fine: bool, results: dict[str, Any]) -> None:
        layers = self._load() if fine else []
        self._task = None
        self.ended.emit(bool(fine), self._error, layers)

    def _load(self) -> list[QgsMapLayer]:
        """Load the results, rasters first, so that polygons are above them."""
        waiting = self._context.layersToLoadOnCompletion()
        found = []
        for path, details in waiting.items():
            layer = QgsProcessingUtils.mapLayerFromString(path, self._context)
            if layer is None:
                self.said.emit(tr("{} could not be loaded.").format(path))
                continue
            layer.setName(details.name)
            self._context.temporaryLayerStore().takeMapLayer(layer)
            found.append((path.endswith(".tif"), layer, details))
        layers = []
        for _, layer, details in sorted(found, key=lambda each: not each[0]):
            QgsProject.instance().addMapLayer(layer)
            if details.postProcessor() is not None:
                details.postProcessor().postProcessLayer(layer, self._context, self._feedback)
            layers.append(layer)
        return layers
