"""The recent runs and their results; a double-click loads them again."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHeaderView, QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from .. import runs
from ..styling import style_layer
from ..words import tr


class RunsBox(QgsCollapsibleGroupBox):
    """A table of runs, and the summary of the selected one.

    Signals: `said` (a message for the panel).
    """

    said = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__(tr("Recent Runs"))
        self.table = QTreeWidget()
        self.table.setHeaderLabels([tr("When"), tr("Input"), tr("Model"), tr("Result")])
        self.table.setRootIsDecorated(False)
        self.table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.header().setStretchLastSection(False)
        self.table.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(90)
        self.table.setMaximumHeight(150)
        self.table.setToolTip(tr("Double-click a run to load its results again"))
        self.table.currentItemChanged.connect(self._show)
        self.table.itemDoubleClicked.connect(self.load)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addWidget(self.summary)

    def refresh(self) -> None:
        """Reload the list of runs."""
        self.table.clear()
        for run in runs.last_runs():
            state = {
                runs.DONE: runs.format_seconds(run.seconds),
                runs.STOPPED: tr("canceled"),
                runs.FAILED: tr("failed"),
            }
            item = QTreeWidgetItem([run.started.replace("T", " ")[5:16], run.input, run.model, state[run.state]])
            item.setData(0, Qt.ItemDataRole.UserRole, run)
            self.table.addTopLevelItem(item)
        if self.table.topLevelItemCount():
            self.table.setCurrentItem(self.table.topLevelItem(0))

    def _show(self, item: QTreeWidgetItem | None) -> None:
        run = None if item is None else item.data(0, Qt.ItemDataRole.UserRole)
        lines = [] if run is None else [*runs.summary_lines(run.summary), *run.files]
        self.summary.setText("\n".join(lines) if run is None or not run.message else run.message)

    def load(self, item: QTreeWidgetItem) -> None:
        """Add the results of a run to the project."""
        for path in item.data(0, Qt.ItemDataRole.UserRole).files:
            if not Path(path).exists():
                self.said.emit(tr("{} no longer exists.").format(path))
                continue
            kind = QgsRasterLayer if path.endswith(".tif") else QgsVectorLayer
            layer = kind(path, Path(path).stem)
            if layer.isValid():
                QgsProject.instance().addMapLayer(layer)
                style_layer(layer)
