"""Background tasks that use the engine."""

from __future__ import annotations

from qgis.core import QgsFeedback, QgsTask

from ..errors import PluginError


class EngineTask(QgsTask):
    """A task for the task manager of QGIS: `work` runs in another thread, then `report` in the main thread."""

    def __init__(self, description: str) -> None:
        super().__init__(description, QgsTask.Flag.CanCancel)
        self.feedback = QgsFeedback()
        self.error = ""
        """Error message with a hint; empty: success."""

    def work(self) -> None:
        """Do the work.

        Raises:
            PluginError: it failed.
        """
        raise NotImplementedError

    def report(self) -> None:
        """Emit the signal with the result."""
        raise NotImplementedError

    def run(self) -> bool:
        try:
            self.work()
        except PluginError as error:
            self.error = str(error)
        return not self.error

    def cancel(self) -> None:
        self.feedback.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        self.report()
