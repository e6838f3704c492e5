"""The training log: one CSV file per run, live values for the front end, and TensorBoard on request."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress

ROW_EVERY, SAY_EVERY = 10, 50
"""Steps per row of the log, and per message; each contains the mean loss."""
HEAD = ("step", "what", "class", "value")

Scores = Mapping[str, Mapping[str, float]]
"""Validation set -> class or 'mIoU' -> IoU."""


class TrainingLog:
    """The log of one stage of a training run."""

    def __init__(
        self, folder: Path, progress: Progress, *, tensorboard: bool, first: int, name: str = "",
        recent: list[float] | None = None,
    ) -> None:  # fmt: skip
        """Open the log; rows that a killed run wrote after its last checkpoint (`first`) are removed.

        Args:
            recent: losses of the preceding steps; updated in place, so that it can be stored in checkpoints.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.progress, self.name = folder / "log.csv", progress, name
        self._recent = [] if recent is None else recent
        self._losses: list[float] = []
        self._since_s = time.monotonic()
        rows = [row for row in read_log(self.path) if row[0] <= first]
        aside = self.path.with_name(".log.csv.partial")
        with aside.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
        aside.replace(self.path)
        self._board: Any = _board(folder, first) if tensorboard else None

    def step(self, step: int, loss: float, rate: float) -> None:
        """Log a finished step; `step` counts from 1."""
        self._losses.append(loss)
        self._recent[:] = [*self._recent[1 - ROW_EVERY :], loss]
        self.progress.measure({"step": step, "loss": loss, "learning rate": rate})
        if step % ROW_EVERY == 0:
            self._write(step, "loss", "", float(np.mean(self._recent)))
            self._write(step, "learning rate", "", rate)
        if step % SAY_EVERY == 0:
            seconds = (time.monotonic() - self._since_s) / len(self._losses)
            self.progress.say(f"{self.name}step {step}: loss {np.mean(self._losses):.4f}, {seconds:.2f} s per step")
            self._losses, self._since_s = [], time.monotonic()

    def validation(self, step: int, scores: Scores) -> None:
        """Report a validation after `step` steps."""
        for place, classes in scores.items():
            for name, value in classes.items():
                self._write(step, place, name, value)
            line = ", ".join(f"{k} {v:.3f}" for k, v in classes.items())
            self.progress.say(f"{self.name}step {step}, {place}: {line}")
            self.progress.measure({f"IoU {place}: {k}": v for k, v in classes.items()})
        self._since_s = time.monotonic()

    def close(self) -> None:
        if self._board is not None:
            self._board.close()

    def _write(self, step: int, what: str, name: str, value: float) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([step, what, name, f"{value:.6g}"])
        if self._board is not None:
            self._board.add_scalar(f"{what}/{name}" if name else what, value, step)


def read_log(path: Path) -> list[tuple[int, str, str, float]]:
    """Rows of a log: step, 'loss', 'learning rate' or a validation set, class, value."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(HEAD) and row[0].isdigit()]
    return [(int(step), what, name, float(value)) for step, what, name, value in rows]


def _board(folder: Path, first: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise TrainingError(
            "a TensorBoard log was requested, but tensorboard is not installed",
            hint="pip install 'fctl-geo[tensorboard]'",
        ) from None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=first + 1)
