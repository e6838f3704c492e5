"""Checks the engine in the background: whether it works, its models, and its device."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qgis.PyQt.QtCore import pyqtSignal

from ..catalog import CATALOG, ModelCard
from ..engine import find_engine, override_words, query
from ..version import is_newer, plugin_version
from ..words import decimal, tr
from .background import EngineTask


@dataclass(frozen=True)
class EngineState:
    """The result of a check."""

    error: str = ""
    """Why there is no working engine, and what to do; empty: it works."""
    python: str = ""
    found: str = ""
    """Where its path comes from."""
    version: str = ""
    cards: list[ModelCard] = field(default_factory=list)
    device: str = ""
    """'GPU: NVIDIA ..., 22.1 of 24.0 GiB free', or the CPU's cores."""
    memory: str = ""
    troubles: list[str] = field(default_factory=list)
    """Warnings of `fctl-geo doctor`."""

    @property
    def update(self) -> str:
        """A message if the plugin is newer than its engine; empty: it is not."""
        if not is_newer(plugin_version(), self.version):
            return ""
        return tr("The plugin has version {}, but its engine still has version {}: update the engine.").format(
            plugin_version(), self.version
        )

    def lines(self) -> list[str]:
        """What works, where it comes from if that overrides the settings, and warnings; none without an engine."""
        if self.error:
            return []
        override = [override_words()] if override_words() else []
        return [f"{self.device}; {self.memory}", *override, *self.troubles]


class EngineCheck(EngineTask):
    """Checks the engine in the background; `checked` is emitted with an `EngineState`.

    Args:
        chosen: path of the interpreter to check; None: from the settings.
    """

    checked = pyqtSignal(object)

    def __init__(self, chosen: str | None = None) -> None:
        super().__init__(tr("Checking the engine"))
        self._chosen = chosen
        self._state = EngineState()

    def work(self) -> None:
        engine = find_engine(self._chosen)
        self._state = EngineState(
            python=engine.python,
            found=engine.found,
            cards=CATALOG.shipped(engine),
            **_examined(query(engine, ["doctor", "--quick"], self.feedback)),
        )

    def report(self) -> None:
        self.checked.emit(EngineState(error=self.error) if self.error else self._state)


def _examined(findings: list[dict[str, str]]) -> dict[str, object]:
    words = {finding["what"]: finding["words"] for finding in findings}
    cards = [f"{what}: {said}" for what, said in words.items() if what.startswith("cuda:")]
    troubles = [
        f"{finding['what']}: {finding['words']}. {finding['mend']}".strip()
        for finding in findings
        if finding["state"] != "ok"
    ]
    return {
        "version": words.get("fctl-geo", "").split(" ")[0],
        "device": "; ".join(cards) or tr("CPU, {} cores").format(words.get("cores", "?").split()[0]),
        "memory": _memory(words.get("memory", "")),
        "troubles": troubles,
    }


def _memory(words: str) -> str:
    """'18.4 of 23.5 GiB free' in the user's language."""
    numbers = re.findall(r"\d+(?:\.\d+)?", words)
    if len(numbers) != 2:
        return words
    return tr("{} of {} GiB memory free").format(*(decimal(float(number), 1) for number in numbers))
