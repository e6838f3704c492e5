"""Errors of the plugin: what is wrong, and what to do about it."""

from __future__ import annotations

from qgis.core import QgsProcessingException


class PluginError(Exception):
    """An error that a user can act on.

    Args:
        message: what is wrong.
        hint: what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def for_processing(self) -> QgsProcessingException:
        """The same error as a Processing exception, whose text is logged."""
        return QgsProcessingException(str(self))


class EngineError(PluginError):
    """The engine is missing or broken, or reported an error."""


class EngineStopped(PluginError):
    """The user canceled the run."""


class LayerError(PluginError):
    """A layer that cannot be passed to the engine."""
