"""Processes one scene of a batch; its outcome is always reported, whatever happens."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fctl_geo.batch.record import Ended, Made
from fctl_geo.errors import Cancelled, FctlError
from fctl_geo.pipeline import segment_scene
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Progress, Silent
from fctl_geo.run.executor import Executor
from fctl_geo.settings import Settings

SCENE_STEPS = 1000
"""Progress steps per scene, whatever its size, since no headers are read before the work starts."""

_LATE = "allow more time with --time-limit; the next call resumes from the finished shards"


@dataclass(frozen=True, slots=True)
class SceneJob:
    """A scene to be processed."""

    name: str
    scene: str
    settings: Settings
    large: bool = False
    """Whether it has enough shards to be split among several workers."""
    time_limit_s: float | None = None
    steps: int = SCENE_STEPS

    def lost(self, message: str, hint: str) -> SceneOutcome:
        """The outcome of a scene whose workers all died."""
        return SceneOutcome(Ended(self.name, "failed", 0.0, error=message, hint=hint), None)


@dataclass(frozen=True, slots=True)
class SceneOutcome:
    """The outcome of a scene."""

    ended: Ended
    summary: RunSummary | None
    """None if the scene failed."""

    @property
    def made(self) -> Made | None:
        """What the products were made from; None if the scene failed."""
        inputs = None if self.summary is None else self.summary.inputs
        return None if inputs is None else Made(inputs.product_key, tuple(file.name for file in inputs.scene))


def process_scene(job: SceneJob, executor: Executor, progress: Progress) -> SceneOutcome:
    """Segment a scene; any error becomes part of the outcome, so that the batch continues with the next scene.

    Raises:
        Cancelled: the user asked to stop; nothing else.
    """
    start = time.monotonic()
    share = _Share(progress, job.name, None if job.time_limit_s is None else start + job.time_limit_s)
    try:
        summary = segment_scene(job.scene, job.settings, executor=executor, progress=share).summary
        return SceneOutcome(Ended(job.name, "done", time.monotonic() - start, summary.device), summary)
    except Cancelled:
        if job.time_limit_s is None or progress.cancelled:
            raise
        return _failed(
            job, start, f"stopped after the time limit of {job.time_limit_s / 60:g} minutes per scene", _LATE
        )
    except FctlError as error:
        return _failed(job, start, error.message, error.hint)
    except Exception as error:  # an unforeseen error in one scene must not stop the others
        hint = "run `fctl-geo segment` on this scene with -vv and report the output"
        return _failed(job, start, f"unexpected {type(error).__name__}: {error}", hint)
    finally:
        share.fill()


def _failed(job: SceneJob, start: float, message: str, hint: str) -> SceneOutcome:
    return SceneOutcome(Ended(job.name, "failed", time.monotonic() - start, error=message, hint=hint), None)


class _Share(Silent):
    """A scene's progress as its share of the batch's: patches count as they are computed, the rest at the end."""

    def __init__(self, outer: Progress, name: str, until_s: float | None) -> None:
        self.outer, self.name = outer, name
        self._until_s = until_s
        self._reported = 0
        self._span, self._total, self._done = (0, 0), 1, 0

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.outer.cancelled or (self._until_s is not None and time.monotonic() > self._until_s)

    def stage(self, name: str, total: int) -> None:
        spans = {"segment": (0, 800), "refine": (800, 950)}
        self._span, self._total, self._done = spans.get(name, (self._reported, self._reported)), max(1, total), 0

    def advance(self, steps: int = 1) -> None:
        self._done = min(self._total, self._done + steps)
        begin, end = self._span
        self._report(begin + (end - begin) * self._done // self._total)

    def warn(self, text: str) -> None:
        self.outer.warn(f"{self.name}: {text}")

    def fill(self) -> None:
        """Report the scene as complete."""
        self._report(SCENE_STEPS)

    def _report(self, at: int) -> None:
        if at > self._reported:
            self.outer.advance(at - self._reported)
            self._reported = at
