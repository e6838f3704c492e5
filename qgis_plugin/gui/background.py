"""Work on the engine that the window does not wait for."""

from __future__ import annotations

from qgis.core import QgsFeedback, QgsTask

from ..errors import PluginError


class EngineTask(QgsTask):
    """A task of QGIS's task manager: `work` runs in another thread, `tell` afterwards in the window's."""

    def __init__(self, description: str) -> None:
        super().__init__(description, QgsTask.Flag.CanCancel)
        self.feedback = QgsFeedback()
        self.error = ""
        """Why it failed, and what to do; empty: it did not."""

    def work(self) -> None:
        """Do it.

        Raises:
            PluginError: it cannot be done.
        """
        raise NotImplementedError

    def tell(self) -> None:
        """Emit the signal that says how it went."""
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
        self.tell()
