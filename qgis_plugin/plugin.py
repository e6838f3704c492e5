"""Registers what the plugin brings: the Processing provider, and with a window the panel and the options page."""

from __future__ import annotations

from qgis.core import QgsApplication

from .provider import FctlProvider
from .words import install_translator


class FctlGeoPlugin:
    """The plugin as QGIS sees it.

    Args:
        iface: QGIS's window; None in qgis_process.
    """

    def __init__(self, iface) -> None:
        self._iface = iface
        self._provider: FctlProvider | None = None
        self._translator = install_translator()

    def initProcessing(self) -> None:
        """All that qgis_process needs."""
        self._provider = FctlProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """The provider, and what has a window."""
        self.initProcessing()

    def unload(self) -> None:
        """Leave QGIS as it was."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
