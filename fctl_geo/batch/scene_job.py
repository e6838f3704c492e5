"""One scene of a batch: the main job, with an end that is always told."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fctl_geo.batch.record import Ended
from fctl_geo.errors import Cancelled, FctlError
from fctl_geo.pipeline import segment_scene
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Progress, Silent
from fctl_geo.run.executor import Executor
from fctl_geo.settings import Settings

SCENE_STEPS = 1000
"""Steps of progress that a scene is worth, whatever its size: no header is read before the work begins."""

_LATE = "allow more by --time-limit; the next call goes on from the shards that are finished"


@dataclass(frozen=True, slots=True)
class SceneJob:
    """What is to be done."""

    name: str
    scene: str
    settings: Settings
    large: bool = False
    """Of so many shards that a executor of several shares them out."""
    time_limit_s: float | None = None
    steps: int = SCENE_STEPS

    def lost(self, message: str, hint: str) -> SceneOutcome:
        """The outcome of a scene that nobody came back from."""
        return SceneOutcome(Ended(self.name, "failed", 0.0, error=message, hint=hint), None)


@dataclass(frozen=True, slots=True)
class SceneOutcome:
    """What became of it."""

    ended: Ended
    summary: RunSummary | None
    """None: it failed."""


def process_scene(job: SceneJob, executor: Executor, progress: Progress) -> SceneOutcome:
    """Segment a scene; whatever goes wrong is the outcome, so that the next scene has its turn.

    Raises:
        Cancelled: the user asked to stop; nothing else.
    """
    start = time.monotonic()
    share = _Share(progress, job.name, None if job.time_limit_s is None else start + job.time_limit_s)
    try:
        summary = segment_scene(job.scene, job.settings, executor=executor, progress=share)
        return SceneOutcome(Ended(job.name, "done", time.monotonic() - start, summary.device), summary)
    except Cancelled:
        if job.time_limit_s is None or progress.cancelled:
            raise
        return _failed(job, start, f"stopped after the {job.time_limit_s / 60:g} minutes that a scene may take", _LATE)
    except FctlError as error:
        return _failed(job, start, error.message, error.hint)
    except Exception as error:  # the door of a scene: what nobody foresaw must not stop the others
        hint = "run `fctl-geo segment` on it with -vv and report what that prints"
        return _failed(job, start, f"unexpected {type(error).__name__}: {error}", hint)
    finally:
        share.fill()


def _failed(job: SceneJob, start: float, message: str, hint: str) -> SceneOutcome:
    return SceneOutcome(Ended(job.name, "failed", time.monotonic() - start, error=message, hint=hint), None)


class _Share(Silent):
    """A scene's progress as its share of the batch's: the networks' patches count, the rest comes at the end."""

    def __init__(self, outer: Progress, name: str, until_s: float | None) -> None:
        self.outer, self.name = outer, name
        self._until_s = until_s
        self._told = 0
        self._span, self._total, self._done = (0, 0), 1, 0

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.outer.cancelled or (self._until_s is not None and time.monotonic() > self._until_s)

    def stage(self, name: str, total: int) -> None:
        spans = {"segment": (0, 800), "refine": (800, 950)}
        self._span, self._total, self._done = spans.get(name, (self._told, self._told)), max(1, total), 0

    def advance(self, steps: int = 1) -> None:
        self._done = min(self._total, self._done + steps)
        begin, end = self._span
        self._tell(begin + (end - begin) * self._done // self._total)

    def warn(self, text: str) -> None:
        self.outer.warn(f"{self.name}: {text}")

    def fill(self) -> None:
        """The scene is over."""
        self._tell(SCENE_STEPS)

    def _tell(self, at: int) -> None:
        if at > self._told:
            self.outer.advance(at - self._told)
            self._told = at
