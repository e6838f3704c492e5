"""Background tasks that use the engine."""

from __future__ import annotations

from qgis.core import QgsFeedback, QgsTask

from ..errors import PluginError


class QuietTask(QgsTask):
    """A task that can be canceled without the message 'Task failed', with which QGIS reports it otherwise.

    Args:
        feedback: canceled with the task.
    """

    def __init__(self, description: str, feedback: QgsFeedback) -> None:
        super().__init__(description, QgsTask.Flag.CanCancel)
        self.feedback = feedback

    def fine(self) -> bool:
        """Do the work; returns whether it succeeded."""
        raise NotImplementedError

    def report(self) -> None:
        """Emit the signal with the result, in the main thread."""
        raise NotImplementedError

    def run(self) -> bool:
        return self.fine() or self.feedback.isCanceled()

    def cancel(self) -> None:
        self.feedback.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        self.report()


class EngineTask(QuietTask):
    """A task for the task manager of QGIS: `work` runs in another thread, then `report` in the main thread."""

    def __init__(self, description: str) -> None:
        super().__init__(description, QgsFeedback())
        self.error = ""
        """Error message with a hint; empty: success."""

    def work(self) -> None:
        """Do the work.

        Raises:
            PluginError: it failed.
        """
        raise NotImplementedError

    def fine(self) -> bool:
        try:
            self.work()
        except PluginError as error:
            self.error = str(error)
        return not self.error
