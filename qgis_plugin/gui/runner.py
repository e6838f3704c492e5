"""Runs an algorithm in the background, reports its progress, and adds its results to the project."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsApplication,
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..words import tr
from .background import QuietTask


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


class AlgorithmTask(QuietTask):
    """Runs an algorithm in the background; `executed` is emitted with whether it succeeded.

    Args:
        algorithm: an instance of its own, whose parameters have been checked.
    """

    executed = pyqtSignal(bool)

    def __init__(self, algorithm, parameters: dict[str, Any], context, feedback: QgsProcessingFeedback) -> None:
        super().__init__(algorithm.displayName(), feedback)
        self._algorithm, self._parameters, self._context = algorithm, parameters, context
        self._prepared = algorithm.prepare(parameters, context, feedback)
        self._succeeded = False
        feedback.progressChanged.connect(self.setProgress)

    def fine(self) -> bool:
        if self._prepared:
            try:
                self._algorithm.runPrepared(self._parameters, self._context, self.feedback)
                self._succeeded = True
            except QgsProcessingException as error:
                self.feedback.reportError(str(error), True)
        return self._succeeded

    def report(self) -> None:
        if self._succeeded:
            self._algorithm.postProcess(self._context, self.feedback)
        self.executed.emit(self._succeeded and not self.feedback.isCanceled())


class Runner(QObject):
    """Runs one algorithm at a time.

    Signals: `progressed` (percent), `said` (message), `ended` (success, error message, new layers).
    """

    progressed = pyqtSignal(float)
    said = pyqtSignal(str)
    ended = pyqtSignal(bool, str, list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: AlgorithmTask | None = None
        self._context: QgsProcessingContext | None = None
        self._feedback: SignalFeedback | None = None
        self._error = self._group = ""

    @property
    def busy(self) -> bool:
        return self._task is not None

    def start(self, algorithm_id: str, parameters: dict[str, Any], group: str = "") -> str:
        """Start a run; returns an error message if the parameters are wrong, or nothing.

        Args:
            group: name of the group of layers for the results, which gets a number if it exists; empty: no group.
        """
        self._group = group
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
        self._task = AlgorithmTask(algorithm, parameters, self._context, self._feedback)
        self._task.executed.connect(self._on_executed)
        QgsApplication.taskManager().addTask(self._task)
        return ""

    def stop(self) -> None:
        """Cancel the run; `ended` is emitted when it has stopped."""
        if self._task is not None:
            self._task.cancel()

    def _on_failed(self, error: str) -> None:
        self._error = error
        self.said.emit(error)

    def _on_executed(self, fine: bool) -> None:
        layers = self._load() if fine else []
        self._task = None
        self.ended.emit(fine, "" if self._feedback.isCanceled() else self._error, layers)

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
        group = new_group(self._group) if self._group and found else None
        for _, layer, details in sorted(found, key=lambda each: not each[0]):
            QgsProject.instance().addMapLayer(layer, group is None)
            if group is not None:
                group.insertLayer(0, layer)
            if details.postProcessor() is not None:
                details.postProcessor().postProcessLayer(layer, self._context, self._feedback)
            layers.append(layer)
        return layers


def new_group(name: str) -> QgsLayerTreeGroup:
    """A group on top of all layers: 'town - buildings', then 'town - buildings 2', and so on."""
    root, count, free = QgsProject.instance().layerTreeRoot(), 1, name
    while root.findGroup(free) is not None:
        count += 1
        free = f"{name} {count}"
    return root.insertGroup(0, free)
