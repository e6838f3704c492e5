"""The recent runs: load their results again, or repeat them with the same parameters."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QFileSystemWatcher, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QHeaderView, QToolButton, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from .. import runs
from ..stored_parameters import restored
from ..styling import style_layer
from ..words import tr
from .widgets import WrappedLabel


class RunsBox(QgsCollapsibleGroupBox):
    """A table of runs, from panel, toolbox, and qgis_process, and the summary of the selected one.

    Signals: `said` (a message for the panel).
    """

    said = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__(tr("Recent Runs"))
        self.table = _table()
        self.table.currentItemChanged.connect(self._show)
        self.table.itemDoubleClicked.connect(self.load)
        self.summary = WrappedLabel()
        self.load_button, self.again_button = QToolButton(), QToolButton()
        self.load_button.setText(tr("Load Results"))
        self.again_button.setText(tr("Run Again..."))
        self.again_button.setToolTip(tr("Opens the algorithm with the parameters of this run"))
        self.load_button.clicked.connect(lambda: self.load(self.table.currentItem()))
        self.again_button.clicked.connect(self.run_again)
        buttons = QHBoxLayout()
        buttons.addWidget(self.load_button)
        buttons.addWidget(self.again_button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.summary)
        runs.runs_file().parent.mkdir(parents=True, exist_ok=True)
        self._watcher = QFileSystemWatcher([str(runs.runs_file().parent)], self)
        self._watcher.directoryChanged.connect(self.refresh)
        self._shown: list[runs.Run] | None = None

    def refresh(self) -> None:
        """Show the list of runs if it has changed."""
        found = runs.last_runs()
        if found == self._shown:
            return
        self._shown = found
        self.table.clear()
        for run in found:
            self.table.addTopLevelItem(_item(run))
        self.table.setCurrentItem(self.table.topLevelItem(0))
        self._show(self.table.topLevelItem(0))

    def _show(self, item: QTreeWidgetItem | None) -> None:
        run = _run_of(item)
        self.load_button.setEnabled(run is not None and bool(run.files))
        self.again_button.setEnabled(run is not None and bool(run.parameters))
        lines = [] if run is None else [*runs.summary_lines(run.summary), *run.files]
        self.summary.setText("\n".join(lines) if run is None or not run.message else run.message)

    def load(self, item: QTreeWidgetItem) -> None:
        """Add the results of a run to the project."""
        run = _run_of(item)
        for path in run.files:
            if not Path(path).exists():
                self.said.emit(tr("{} no longer exists.").format(path))
                continue
            kind = QgsRasterLayer if path.endswith(".tif") else QgsVectorLayer
            layer = kind(path, Path(path).stem)
            if layer.isValid():
                QgsProject.instance().addMapLayer(layer)
                style_layer(layer)

    def run_again(self) -> None:
        """Open the dialog of the algorithm with the parameters of the selected run."""
        from processing import createAlgorithmDialog

        run = _run_of(self.table.currentItem())
        self._again = createAlgorithmDialog(f"fctl:{run.algorithm}", restored(run.parameters))  # kept, or it may vanish
        self._again.show()


def _table() -> QTreeWidget:
    table = QTreeWidget()
    table.setHeaderLabels([tr("Input"), tr("Model"), tr("When"), tr("Result")])
    table.setRootIsDecorated(False)
    table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.header().setStretchLastSection(False)
    table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.header().setMinimumSectionSize(40)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setMinimumHeight(90)
    table.setMaximumHeight(150)
    table.setToolTip(tr("Double-click a run to load its results again"))
    return table


def _item(run: runs.Run) -> QTreeWidgetItem:
    states = {
        runs.DONE: runs.format_seconds(run.seconds),
        runs.STOPPED: tr("canceled"),
        runs.FAILED: tr("failed"),
    }
    day, _, clock = run.started.partition("T")
    today = datetime.now().isoformat()[:10]
    name = Path(run.input).name or run.input
    item = QTreeWidgetItem([name, run.model, clock[:5] if day == today else day[5:], states[run.state]])
    for column in range(4):
        item.setToolTip(column, f"{run.input}\n{run.algorithm}\n{day} {clock}")
    item.setData(0, Qt.ItemDataRole.UserRole, run)
    return item


def _run_of(item: QTreeWidgetItem | None) -> runs.Run | None:
    return None if item is None else item.data(0, Qt.ItemDataRole.UserRole)
