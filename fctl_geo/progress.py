"""How the core reports progress: the terminal, QGIS and Dask each bring their own `Progress`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from fctl_geo.errors import Cancelled


@runtime_checkable
class Progress(Protocol):
    """What the core expects of a front end."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins ("segment", "refine", "cog", "polygonise", ...)."""

    def advance(self, steps: int = 1) -> None:
        """`steps` more steps of the stage are done."""

    def measure(self, values: Mapping[str, float]) -> None:
        """Numbers that change while a stage runs: loss, learning rate, IoU. Only trainings report these."""

    def say(self, text: str) -> None:
        """A sentence for the user."""

    def warn(self, text: str) -> None:
        """A sentence the user should not miss."""

    @property
    def cancelled(self) -> bool:
        """True once the user has asked to stop."""
        ...


class Silent:
    """A progress that shows nothing and is never cancelled."""

    cancelled = False

    def stage(self, name: str, total: int) -> None: ...

    def advance(self, steps: int = 1) -> None: ...

    def measure(self, values: Mapping[str, float]) -> None: ...

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...


class Heard:
    """Passes everything on to another progress, and remembers the warnings."""

    def __init__(self, outer: Progress) -> None:
        self._outer = outer
        self.warnings: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self._outer.stage(name, total)

    def advance(self, steps: int = 1) -> None:
        self._outer.advance(steps)

    def measure(self, values: Mapping[str, float]) -> None:
        self._outer.measure(values)

    def say(self, text: str) -> None:
        self._outer.say(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self._outer.warn(text)

    @property
    def cancelled(self) -> bool:
        return self._outer.cancelled


def check_cancelled(progress: Progress) -> None:
    """Raise `Cancelled` once the user has asked to stop."""
    if progress.cancelled:
        raise Cancelled("stopped on request", hint="run the same command with --resume to continue")
