"""Looks at the engine without making the window wait: is it there, which models has it, what does it run on."""

from __future__ import annotations

from dataclasses import dataclass, field

from qgis.core import QgsFeedback, QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..catalogue import CATALOGUE, ModelCard
from ..engine import find_engine, query
from ..errors import PluginError
from ..words import tr


@dataclass(frozen=True)
class EngineState:
    """What was found."""

    error: str = ""
    """Why there is no working engine, and what to do; empty: all is well."""
    python: str = ""
    cards: list[ModelCard] = field(default_factory=list)
    device: str = ""
    """'GPU: NVIDIA ..., 22.1 of 24.0 GiB free', or the CPU's cores."""
    memory: str = ""
    troubles: list[str] = field(default_factory=list)
    """What the doctor warns of."""


class EngineLook(QgsTask):
    """A background look; `looked` brings an `EngineState`."""

    looked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__(tr("Looking at the engine"), QgsTask.Flag.CanCancel)
        self._feedback = QgsFeedback()
        self.state = EngineState()

    def run(self) -> bool:
        try:
            engine = find_engine()
            self.state = EngineState(
                python=engine.python,
                cards=CATALOGUE.shipped(),
                **_examined(query(engine, ["doctor", "--quick"], self._feedback)),
            )
        except PluginError as error:
            self.state = EngineState(error=str(error))
        return True

    def cancel(self) -> None:
        self._feedback.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        self.looked.emit(self.state)


def _examined(findings: list[dict[str, str]]) -> dict[str, object]:
    words = {finding["what"]: finding["words"] for finding in findings}
    cards = [f"{what}: {said}" for what, said in words.items() if what.startswith("cuda:")]
    troubles = [
        f"{finding['what']}: {finding['words']}. {finding['mend']}".strip()
        for finding in findings
        if finding["state"] != "ok"
    ]
    return {
        "device": "; ".join(cards) or tr("CPU, {} cores").format(words.get("cores", "?").split()[0]),
        "memory": words.get("memory", ""),
        "troubles": troubles,
    }
