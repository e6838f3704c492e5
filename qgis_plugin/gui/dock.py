"""The panel: parameters of a run, run and preview buttons, state of the engine, and recent runs."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..words import tr
from .engine_check import EngineCheck, EngineState
from .options_page import PAGE
from .preview import Preview, preview_parameters, too_large
from .run_form import RunForm
from .runner import Runner
from .runs_box import RunsBox
from .setup_dialog import SetupDialog
from .widgets import ERROR_STYLE, WARNING_STYLE, WrappedLabel

ALGORITHM = "fctl:segmentraster"
WIDTH_PX = 350
"""Minimum width of the panel; texts wrap."""


class FctlDock(QgsDockWidget):
    """The panel.

    Args:
        iface: the interface of QGIS; its map canvas defines what is visible.
    """

    def __init__(self, iface, parent=None) -> None:
        super().__init__(tr("FCtL Geo"), parent)
        self.setObjectName("FctlGeoDock")
        self._iface = iface
        self._check: EngineCheck | None = None
        self._preview = Preview()
        self._previewing = False
        self.runner = Runner(self)
        self.runner.progressed.connect(lambda percent: self.bar.setValue(round(percent)))
        self.runner.said.connect(self._say)
        self.runner.ended.connect(self._on_ended)
        self._build()
        self.runs.refresh()
        self._set_busy(False)
        self.visibilityChanged.connect(self._on_visible)

    # building

    def _build(self) -> None:
        self.form = RunForm(self._iface.mapCanvas())
        self.bar, self.status = QProgressBar(), WrappedLabel()
        self.runs = RunsBox()
        self.runs.said.connect(self._say)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scrolling(), 1)
        layout.addLayout(self._always_visible())
        self.setMinimumWidth(WIDTH_PX)
        self.setWidget(whole)

    def _scrolling(self) -> QScrollArea:
        body = QWidget()
        body.setMinimumWidth(WIDTH_PX - 20)
        layout = QVBoxLayout(body)
        layout.addLayout(self._warning_box())
        layout.addWidget(self.form)
        layout.addWidget(self.runs, 1)
        layout.addLayout(self._engine_box())
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setWidget(body)
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return self.scroll

    def _always_visible(self) -> QVBoxLayout:
        """Buttons, progress bar and status, below the part that scrolls."""
        box = QVBoxLayout()
        box.setContentsMargins(9, 4, 9, 9)
        box.addLayout(self._buttons())
        box.addWidget(self.bar)
        box.addWidget(self.status)
        return box

    def _warning_box(self) -> QVBoxLayout:
        """Shown at the top if there is no working engine: the reason, and a setup button."""
        self.trouble = WrappedLabel(WARNING_STYLE)
        self.setup_button = QPushButton(tr("Set Up Engine..."))
        self.setup_button.clicked.connect(self.set_up)
        self.setup_button.hide()
        box = QVBoxLayout()
        box.addWidget(self.trouble)
        box.addWidget(self.setup_button)
        return box

    def _buttons(self) -> QHBoxLayout:
        self.run_button = QPushButton(tr("Run"))
        self.run_button.setDefault(True)
        self.run_button.setStyleSheet("font-weight:bold")
        self.preview_button = QPushButton(tr("Preview"))
        self.preview_button.setToolTip(tr("Segments only the visible part of the map, within seconds"))
        self.stop_button = QPushButton(tr("Cancel"))
        self.run_button.clicked.connect(self.run)
        self.preview_button.clicked.connect(self.preview)
        self.stop_button.clicked.connect(self.stop)
        box = QHBoxLayout()
        box.addWidget(self.run_button, 2)
        box.addWidget(self.preview_button, 1)
        box.addWidget(self.stop_button, 1)
        return box

    def _engine_box(self) -> QVBoxLayout:
        self.engine = WrappedLabel()
        self.more_button, self.options_button = QToolButton(), QToolButton()
        self.more_button.setText(tr("All Parameters..."))
        self.more_button.clicked.connect(self._open_dialog)
        self.options_button.setText(tr("Options..."))
        self.options_button.clicked.connect(self.open_options)
        row = QHBoxLayout()
        row.addWidget(self.more_button)
        row.addWidget(self.options_button)
        row.addStretch(1)
        box = QVBoxLayout()
        box.addWidget(self.engine)
        box.addLayout(row)
        return box

    # the engine

    def _on_visible(self, visible: bool) -> None:
        if visible and not self.form.model.has_cards and self._check is None:
            self.check_engine()

    def engine_changed(self) -> None:
        """Check the engine again, immediately or when the panel is opened."""
        if self.isVisible():
            self.check_engine()
        else:
            self.form.model.offer([])

    def check_engine(self) -> None:
        """Query the engine's models and device in the background."""
        self.engine.setText(tr("Checking the engine..."))
        self._check = EngineCheck()
        self._check.checked.connect(partial(self._on_checked, self._check))
        QgsApplication.taskManager().addTask(self._check)

    def _on_checked(self, check: EngineCheck, state: EngineState) -> None:
        if check is not self._check:
            return  # the engine has been changed: another check is running
        self._check = None
        self.trouble.setText(state.error or state.update)
        self.setup_button.setVisible(bool(state.error or state.update))
        self.setup_button.setText(tr("Set Up Engine...") if state.error else tr("Update Engine..."))
        self.engine.setText("\n".join(state.lines()))
        self.form.model.offer(state.cards)
        self._set_busy(self.runner.busy)

    def set_up(self) -> None:
        """Show the setup dialog, then check the engine."""
        SetupDialog(self).exec()
        self.check_engine()

    def open_options(self) -> None:
        """Show the options page."""
        self._iface.showOptionsDialog(None, PAGE)

    def close_down(self) -> None:
        """Stop the run, because the plugin is unloaded."""
        self.form.drawer.close_down()
        self.runner.stop()

    # running

    def run(self) -> None:
        """Segment with the chosen parameters."""
        self._start(self.form.parameters(), previewing=False)

    def preview(self) -> None:
        """Segment the visible part into a temporary layer, which replaces the last preview."""
        visible = self.form.visible()
        words = too_large(self.form.model.card(), visible)
        if words:
            self._say(words, WARNING_STYLE)
            return
        self._start(preview_parameters(self.form.parameters(), visible), previewing=True)

    def stop(self) -> None:
        """Cancel the run, which takes some seconds."""
        self.stop_button.setEnabled(False)
        self._say(tr("Canceling: the engine finishes its current step..."))
        self.runner.stop()

    def _start(self, given: dict[str, Any], *, previewing: bool) -> None:
        self._previewing = previewing
        self.bar.setValue(0)
        group = "" if previewing else self.form.result_name()
        words = self.form.trouble() or self.runner.start(ALGORITHM, given, group)
        if not words and not previewing:
            self._preview.remove()
        self._say(words or tr("Starting the engine..."), ERROR_STYLE if words else "")
        self._set_busy(not words)

    def _say(self, words: str, style: str = "") -> None:
        self.status.tell(words, style)

    def _set_busy(self, busy: bool) -> None:
        self._keep_focus(busy)
        ready = not busy and bool(self.form.model.key)
        self.run_button.setEnabled(ready)
        self.preview_button.setEnabled(ready)
        self.more_button.setEnabled(ready)
        self.stop_button.setEnabled(busy)
        self.bar.setVisible(busy)

    def _keep_focus(self, busy: bool) -> None:
        """Qt would pass the focus of a disabled button to a field in the part that scrolls, and scroll to it."""
        buttons = (self.run_button, self.preview_button, self.stop_button)
        if any(button.hasFocus() for button in buttons):
            following = self.stop_button if busy else self.run_button
            following.setEnabled(True)
            following.setFocus()

    def _on_ended(self, fine: bool, error: str, layers: list) -> None:
        self._set_busy(False)
        self.runs.refresh()
        if not fine:
            self._say(error or tr("Canceled. No incomplete files were left behind."), ERROR_STYLE if error else "")
            return
        if self._previewing and layers:
            self._preview.show(layers[0], self.form.model.box.currentText(), self.form.model.card())
        elif len(layers) > 1:
            self._show_the_image(layers)
        self._say(tr("Done: {}").format(", ".join(layer.name() for layer in layers)))

    @staticmethod
    def _show_the_image(layers: list) -> None:
        """Hide the class raster, so that the image is visible below the polygons."""
        for layer in layers:
            if isinstance(layer, QgsRasterLayer):
                QgsProject.instance().layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(False)

    def _open_dialog(self) -> None:
        from processing import createAlgorithmDialog

        given = {name: value for name, value in self.form.parameters().items() if value is not None}
        createAlgorithmDialog(ALGORITHM, given).show()
