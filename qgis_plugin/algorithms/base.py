"""Base class of the algorithms: runs the engine with progress and log, cancels it, and records the run."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QIcon

from .. import runs
from ..defaults import FORMATS
from ..engine import find_engine, run_command
from ..errors import EngineError, EngineStopped, LayerError, PluginError
from ..ground import is_located
from ..stored_parameters import storable
from ..words import decimal, tr
from .arguments import in_qgis_words, is_given, output_path
from .parameters import AOI

ROOT = Path(__file__).parents[1]
ICON = ROOT / "icons" / "icon.svg"
HELP = ROOT / "help"
HELP_PAGE = HELP / "qgis.html"
"""Only in the zip."""
PICTURE_PX = 210
"""Width of the pictures; the dialog of an algorithm shows 220 px beside the parameters."""


class Stages:
    """One progress bar from 0 to 100 for a run of several stages.

    Args:
        shares: name and share of each stage, in order; stages can be missing from a run.
        show: called with the percentage.
        start: percentage at the start.
    """

    def __init__(self, shares: Sequence[tuple[str, float]], show: Callable[[float], None], start: float = 0.0) -> None:
        whole = sum(share for _, share in shares)
        self._spans, at = {}, start
        for name, share in shares:
            width = (100.0 - start) * share / whole
            self._spans[name] = (at, width)
            at += width
        self._show = show
        self._span: tuple[float, float] | None = None

    def hear(self, event: dict[str, Any]) -> None:
        """Process a `stage` or `advance` event of the engine."""
        if event["event"] == "stage":
            self._span = self._spans.get(event["name"])
        elif event["event"] == "advance" and self._span is not None and event.get("total"):
            low, width = self._span
            self._show(low + width * min(1.0, event["done"] / event["total"]))


STAGES = {
    "segment": (("segment", 70), ("refine", 15), ("sieve", 2), ("measure", 2), ("cog", 4), ("polygonise", 4),
                ("write polygons", 3)),
    "refine": (("refine", 90), ("measure", 4), ("cog", 6)),
    "train": (("train", 60), ("crude masks", 10), ("train refinement", 30)),
    "polygonise": (("sieve", 10), ("polygonise", 60), ("write polygons", 30)),
}  # fmt: skip
"""Approximate share of each stage in the total time."""


def stage_label(name: str) -> str:
    """The display name of a stage of the engine."""
    return {
        "segment": tr("Segmenting"),
        "refine": tr("Refining"),
        "sieve": tr("Merging small regions"),
        "measure": tr("Measuring areas"),
        "cog": tr("Writing the class raster"),
        "polygonise": tr("Tracing polygons"),
        "write polygons": tr("Writing polygons"),
        "train": tr("Training"),
        "crude masks": tr("Creating training data for the refinement network"),
        "train refinement": tr("Training the refinement network"),
        "evaluate": tr("Evaluating"),
    }.get(name, name)


class EngineAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that is executed by the engine."""

    NAME = ""
    """The id; it must not change, because scripts and models use it."""
    PICTURE = ""
    """A file in help/."""

    def createInstance(self) -> EngineAlgorithm:
        return type(self)()

    def name(self) -> str:
        return self.NAME

    def group(self) -> str:
        return ""

    def groupId(self) -> str:
        return ""

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def svgIconPath(self) -> str:
        return str(ICON)

    def helpUrl(self) -> str:
        return QUrl.fromLocalFile(str(HELP_PAGE)).toString() if HELP_PAGE.exists() else ""

    def help_text(self) -> str:
        """The help next to the parameters, as HTML without the picture."""
        raise NotImplementedError

    def shortHelpString(self) -> str:
        picture = HELP / self.PICTURE
        if not self.PICTURE or not picture.exists():
            return self.help_text()
        return (
            f'<p><img src="{QUrl.fromLocalFile(str(picture)).toString()}" width="{PICTURE_PX}"></p>{self.help_text()}'
        )

    def canExecute(self) -> tuple[bool, str]:
        try:
            find_engine()
        except EngineError as error:
            return False, str(error)
        return True, ""

    def checkParameterValues(self, parameters, context) -> tuple[bool, str]:
        fine, words = super().checkParameterValues(parameters, context)
        if not fine:
            return fine, words
        try:
            self._check_outputs(parameters)
            self._check_input_is_kept(parameters, context)
            self._check_area(parameters, context)
            self.check(parameters, context)
        except PluginError as error:
            return False, str(error)
        return True, ""

    def _check_outputs(self, parameters: dict[str, Any]) -> None:
        """Refuse an extension that the engine does not write now, not after an hour."""
        for definition in self.destinationParameterDefinitions():
            path, known = output_path(parameters, definition.name()), endings_of(definition)
            ending = Path(path).suffix.lower()
            if path and path != QgsProcessing.TEMPORARY_OUTPUT and known and ending not in known:
                raise LayerError(
                    tr("The output {} has the extension '{}'; supported extensions: {}.").format(
                        path, ending, ", ".join(known)
                    ),
                    tr("Choose another file name for '{}'.").format(definition.description()),
                )

    def _check_area(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """An area that cannot be read must not silently become the whole image."""
        if self.parameterDefinition(AOI) is None or not is_given(parameters, AOI):
            return
        source = self.parameterAsSource(parameters, AOI, context)
        words = self.parameterDefinition(AOI).description()
        if source is None:
            raise LayerError(
                tr("{}: the layer or file could not be read.").format(words),
                tr("Check that it still exists and has polygons."),
            )
        image = self.parameterAsRasterLayer(parameters, "INPUT", context)
        if image is not None and is_located(image.crs()) and not is_located(source.sourceCrs()):
            raise LayerError(
                tr("{}: the layer '{}' has no CRS, so it is unknown where its polygons are.").format(
                    words, source.sourceName()
                ),
                tr("Set its CRS: right-click the layer > Layer CRS."),
            )

    def _check_input_is_kept(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """Outputs overwrite existing files, so an output must not be the input file."""
        layer = self.parameterAsRasterLayer(parameters, "INPUT", context)
        if layer is None:
            return
        source = Path(layer.source().split("|")[0])
        for definition in self.destinationParameterDefinitions():
            value = output_path(parameters, definition.name())
            if value and source.exists() and Path(value).exists() and source.samefile(value):
                raise LayerError(
                    tr("The output {} would overwrite the input.").format(value), tr("Choose another file name.")
                )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """Check the parameters before the run.

        Raises:
            PluginError: the run would fail.
        """

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        try:
            self._given = storable(parameters, context)
            self.prepare_layers(parameters, context)
        except PluginError as error:
            raise error.for_processing() from error
        return True

    def prepare_layers(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """Read what the worker thread needs from the layers; runs in the main thread."""

    def processAlgorithm(self, parameters, context, feedback) -> dict[str, Any]:
        try:
            with scratch_folder() as folder:
                return self.work(parameters, context, feedback, folder)
        except PluginError as error:
            raise error.for_processing() from error

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback, folder: Path
    ) -> dict[str, Any]:
        """Execute the algorithm; `folder` is for temporary files."""
        raise NotImplementedError

    def run_engine(
        self, command: Sequence[str], feedback: QgsProcessingFeedback, *, input_name: str, model: str = "",
        fine: Sequence[int] = (0,), start: float = 0.0,
    ) -> dict[str, Any]:  # fmt: skip
        """Run a command of the engine with progress and log in QGIS, and record the run.

        Args:
            command: the name and arguments as typed in a terminal.
            input_name: what the run works on, for the list of recent runs.
            start: percentage of the progress bar at the start.
        Raises:
            EngineError: the engine failed; EngineStopped: the user canceled it.
        """
        engine = find_engine()
        feedback.pushCommandInfo(command_line(command))
        stages = Stages(STAGES.get(command[0], ((command[0], 1),)), feedback.setProgress, start)
        begun, begun_s = datetime.now().isoformat(timespec="seconds"), time.monotonic()

        def on_event(event: dict[str, Any]) -> None:
            stages.hear(event)
            self.on_event(event, feedback)

        def remember(state: str, message: str = "", summary: dict[str, Any] | None = None) -> None:
            seconds = time.monotonic() - begun_s
            given = self._given
            runs.remember(runs.Run(begun, self.NAME, input_name, model, state, seconds, message, summary or {}, given))

        try:
            summary = run_command(engine, command, feedback, on_event, feedback.pushConsoleInfo, fine=fine)
        except EngineStopped:
            remember(runs.STOPPED)
            raise
        except EngineError as error:
            told = EngineError(in_qgis_words(self, error.message), in_qgis_words(self, error.hint))
            remember(runs.FAILED, str(told))
            raise told from error
        remember(runs.DONE, summary=summary)
        for line in runs.summary_lines(summary):
            feedback.pushInfo(line)
        return summary

    def on_event(self, event: dict[str, Any], feedback: QgsProcessingFeedback) -> None:
        """Show an event of the engine."""
        kind = event["event"]
        if kind == "stage":
            feedback.setProgressText(stage_label(event["name"]))
        elif kind == "say":
            feedback.pushInfo(in_qgis_words(self, event["text"]))
        elif kind == "warn":
            feedback.pushWarning(in_qgis_words(self, event["text"]))
        elif kind == "measure":
            feedback.setProgressText(
                ", ".join(f"{name} {decimal(value, 3)}" for name, value in event["values"].items())
            )


class Part(QgsProcessingFeedback):
    """Feedback that fills the first part of another feedback's progress bar, and passes on everything else."""

    def __init__(self, whole: QgsProcessingFeedback, percent: float) -> None:
        super().__init__(False)
        self._whole = whole
        whole.canceled.connect(self.cancel)
        if whole.isCanceled():
            self.cancel()
        self.progressChanged.connect(lambda value: whole.setProgress(value * percent / 100.0))

    def pushInfo(self, info: str) -> None:
        self._whole.pushInfo(info)

    def pushDebugInfo(self, info: str) -> None:
        self._whole.pushDebugInfo(info)


def endings_of(definition: QgsProcessingParameterDefinition) -> tuple[str, ...]:
    """The extensions that the engine writes for an output; empty: any."""
    if isinstance(definition, QgsProcessingParameterRasterDestination):
        return (".tif", ".tiff")
    if isinstance(definition, QgsProcessingParameterVectorDestination):
        return tuple(f".{name}" for name in FORMATS if name != "tif")
    if isinstance(definition, QgsProcessingParameterFileDestination):
        return tuple(re.findall(r"\*(\.\w+)", definition.fileFilter()))
    return ()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is deleted after the run, in the temporary folder of Processing."""
    with tempfile.TemporaryDirectory(prefix="fctl-geo-", dir=QgsProcessingUtils.tempFolder()) as name:
        yield Path(name)


def command_line(command: Sequence[str]) -> str:
    """The command as typed in a terminal."""
    return "fctl-geo " + " ".join(_quoted(word) for word in command)


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word or not word else word
