"""Registers the Processing provider and, in the desktop application, the panel, its menu, and the options page."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QIcon
from qgis.PyQt.QtWidgets import QMenu

from . import settings
from .algorithms.base import HELP_PAGE, ICON
from .provider import FctlProvider
from .words import install_translator, tr

MENU = "FCtL Geo"


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
        self._menu: QMenu | None = None

    def initProcessing(self) -> None:
        """Register what qgis_process needs."""
        self._provider = FctlProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Register provider, panel, menu, and options page; the panel opens by itself the first time."""
        from .gui.dock import FctlDock
        from .gui.options_page import OptionsFactory

        self.initProcessing()
        self._dock = FctlDock(self._iface, self._iface.mainWindow())
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._dock)
        self._action = self._dock.toggleViewAction()
        self._action.setIcon(QIcon(str(ICON)))
        self._action.setToolTip(tr("Land cover and building polygons from images of the map"))
        self._iface.addToolBarIcon(self._action)
        self._fill_menu()
        self._factory = OptionsFactory(self._dock.engine_changed)
        self._iface.registerOptionsWidgetFactory(self._factory)
        self._dock.setUserVisible(not settings.panel_was_shown())
        settings.set_panel_was_shown()

    def _fill_menu(self) -> None:
        self._menu = QMenu(MENU)  # owns the entries, which QGIS shows in a menu of its own
        self._menu.addAction(self._action)
        self._menu.addAction(tr("Set Up Engine..."), self._dock.set_up)
        self._menu.addAction(tr("Options..."), self._dock.open_options)
        self._menu.addAction(tr("Help"), _open_help)
        for entry in self._menu.actions():
            self._iface.addPluginToRasterMenu(MENU, entry)

    def unload(self) -> None:
        """Remove everything from QGIS."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._dock is not None:
            self._dock.close_down()
            self._iface.unregisterOptionsWidgetFactory(self._factory)
            for entry in self._menu.actions():
                self._iface.removePluginRasterMenu(MENU, entry)
            self._iface.removeToolBarIcon(self._action)
            self._iface.removeDockWidget(self._dock)
            self._dock.deleteLater()
            self._dock = self._action = self._factory = None
            self._menu = None


def _open_help() -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(HELP_PAGE)))
