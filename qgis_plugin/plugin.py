"""Registers the Processing provider and, in the desktop application, the panel and the options page."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon

from .algorithms.base import ICON
from .provider import FctlProvider
from .words import install_translator, tr


class FctlGeoPlugin:
    """The plugin.

    Args:
        iface: the interface of QGIS; None in qgis_process.
    """

    def __init__(self, iface) -> None:
        self._iface = iface
        self._provider: FctlProvider | None = None
        self._translator = install_translator()
        self._dock = self._action = self._factory = None

    def initProcessing(self) -> None:
        """Register what qgis_process needs."""
        self._provider = FctlProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Register provider, panel, and options page."""
        from .gui.dock import FctlDock
        from .gui.options_page import OptionsFactory

        self.initProcessing()
        self._dock = FctlDock(self._iface, self._iface.mainWindow())
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._dock)
        self._dock.hide()
        self._action = self._dock.toggleViewAction()
        self._action.setIcon(QIcon(str(ICON)))
        self._action.setToolTip(tr("Land cover and building polygons from images of the map"))
        self._iface.addRasterToolBarIcon(self._action)
        self._iface.addPluginToRasterMenu("FCtL Geo", self._action)
        self._factory = OptionsFactory(self._dock.engine_changed)
        self._iface.registerOptionsWidgetFactory(self._factory)

    def unload(self) -> None:
        """Remove everything from QGIS."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._dock is not None:
            self._dock.runner.stop()
            self._iface.unregisterOptionsWidgetFactory(self._factory)
            self._iface.removePluginRasterMenu("FCtL Geo", self._action)
            self._iface.removeRasterToolBarIcon(self._action)
            self._iface.removeDockWidget(self._dock)
            self._dock.deleteLater()
            self._dock = self._action = self._factory = None
