"""One network swept over a scene: patches row by row, blended, resolved to classes, handed out in bands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import ModelFileError
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.stitch.accumulator import RowAccumulator
from fctl_geo.stitch.resolve import Resampling, resolve
from fctl_geo.system.memory import give_back_freed_memory
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.patch_logits import PatchLogits
from fctl_geo.windows.shards import BLOCK_PX, Shard
from fctl_geo.windows.window import Window


class ComputedBy(Protocol):
    """The device a network runs on."""

    @property
    def fallback(self) -> str:
        """Name of the device it fell back to, if it did; otherwise empty."""


class PatchNetwork(Protocol):
    """Anything that computes the logits of patches: the segmenter, the refiner."""

    @property
    def device(self) -> ComputedBy: ...

    def logits(self, patches: Sequence[tuple[int, int]]) -> Iterator[Sequence[PatchLogits]]: ...

    def forget(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Band:
    """A finished piece of a shard, its full width."""

    shard: Shard
    window: Window
    """Output pixels."""
    classes: NDArray[np.uint8]
    """(h, w) index of the class; 255 outside every patch."""
    confidence: NDArray[np.uint8]
    """(h, w) percent."""
    last: bool
    """Whether it completes the shard."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The patches that a network is swept over, and how their logits are merged."""

    grid: PatchGrid
    merge: str
    classes: int
    how: Resampling
    """The output's pixels on the model's grid."""
    may_want: Callable[[Window], bool]
    """Whether a window of output pixels touches the area of interest; quick, without reading anything."""
    wants: Callable[[Window], bool]
    """Whether any pixel of a window of output pixels gets a class; patches without one are skipped."""
    output_hw: tuple[int, int]

    def patches_of(self, shards: Sequence[Shard]) -> list[list[tuple[int, int]]]:
        """The patches that a downward run of shards depends on, row by row, including those that will be skipped."""
        rows, cols = self._model_span(shards)
        return [[(i, j) for j in self.grid.cols_touching(*cols)] for i in self.grid.rows_touching(*rows)]

    def bands(self, network: PatchNetwork, shards: Sequence[Shard], progress: Progress) -> Iterator[Band]:
        """Classes of a downward run of shards, band by band; the overlap of a shard with the next is computed once.

        Law 1: a pixel's logits are summed over the same patches in the same order, however the scene is sharded.
        """
        _, cols = self._model_span(shards)
        waiting = list(_cut_bands(shards))
        accumulator = self._accumulator(cols)
        accumulator.begin(self._first_row(waiting[0][1]))
        network.forget()
        for row in self.patches_of(shards):
            check_cancelled(progress)
            wanted = [p for p in row if self.wanted(p)]
            progress.advance(len(row) - len(wanted))
            for patch, views in zip(wanted, network.logits(wanted), strict=True):
                for logits in views:
                    _refuse_not_numbers(patch, logits)
                    accumulator.add(patch, logits)
                progress.advance()
                check_cancelled(progress)
            give_back_freed_memory()
            finished = self._finished_rows(row[0][0])
            while waiting and self._last_row(waiting[0][1]) <= finished:
                shard, window = waiting.pop(0)
                yield self._resolved(accumulator, shard, window)
                if waiting:
                    accumulator.drop_above(self._first_row(waiting[0][1]))
        assert not waiting, waiting

    def may_be_wanted(self, patch: tuple[int, int]) -> bool:
        """Whether a patch touches the area of interest, for the plan."""
        output = self._output_of(patch)
        return not output.empty and self.may_want(output)

    def wanted(self, patch: tuple[int, int]) -> bool:
        """Whether a patch has any pixel that gets a class: a property of the patch, not of the shard."""
        output = self._output_of(patch)
        return not output.empty and self.may_want(output) and self.wants(output)

    def _output_of(self, patch: tuple[int, int]) -> Window:
        """Output pixels that depend on a patch."""
        window = self.grid.patch(*patch).clip(Window(0, 0, self.grid.height, self.grid.width))
        return self.how.output_of(window).clip(Window(0, 0, *self.output_hw))

    def _resolved(self, accumulator: RowAccumulator, shard: Shard, window: Window) -> Band:
        origin = (accumulator.row, accumulator.col)
        model_hw = (self.grid.height, self.grid.width)
        classes, confidence = resolve(accumulator.sums, accumulator.weight, origin, model_hw, window, self.how)
        return Band(shard, window, classes, confidence, window.row_end == shard.core.row_end)

    def _model_span(self, shards: Sequence[Shard]) -> tuple[tuple[int, int], tuple[int, int]]:
        top, bottom = shards[0].core, shards[-1].core
        rows = _clip(self.how.model_rows(top.row, bottom.row_end), self.grid.height)
        return rows, _clip(self.how.model_cols(top.col, top.col_end), self.grid.width)

    def _accumulator(self, cols: tuple[int, int]) -> RowAccumulator:
        capacity = self.grid.patch_px + math.ceil(BLOCK_PX / self.how.scale) + 6
        return RowAccumulator(self.classes, cols, capacity, self.merge)

    def _finished_rows(self, i: int) -> int:
        """Model rows above this one are complete after patch row i; mirrored views may start a pixel earlier."""
        rows = self.grid.rows
        if i == rows.count - 1:
            return self.grid.height
        return min(rows.start(i + 1), rows.mirror().start(i + 1))

    def _first_row(self, window: Window) -> int:
        return _clip(self.how.model_rows(window.row, window.row_end), self.grid.height)[0]

    def _last_row(self, window: Window) -> int:
        return _clip(self.how.model_rows(window.row, window.row_end), self.grid.height)[1]


def _refuse_not_numbers(patch: tuple[int, int], logits: PatchLogits) -> None:
    """Check one sum per patch: a single NaN or infinity makes it non-finite, and would silently become some class."""
    if math.isfinite(logits.values.sum(dtype=np.float64)):
        return
    window, (i, j) = logits.grid.patch(*patch), patch
    wrong = int(logits.values.size - np.isfinite(logits.values).sum())
    raise ModelFileError(
        f"the network gave {wrong:,} of {logits.values.size:,} logits that are not finite (NaN or infinite) for the "
        f"patch in row {i}, column {j} of patches (model pixels {window.row} to {window.row_end - 1} down, "
        f"{window.col} to {window.col_end - 1} across)",
        hint="with bf16 or TTA try --precision fp32; if that fails too, the model file is damaged or its training "
        "diverged: use another model or train it again",
    )


def _clip(span: tuple[int, int], size: int) -> tuple[int, int]:
    """A span of indices inside [0, size), at least one long."""
    start = min(max(span[0], 0), size - 1)
    return start, max(start + 1, min(span[1], size))


def _cut_bands(shards: Sequence[Shard]) -> Iterator[tuple[Shard, Window]]:
    for shard in shards:
        core = shard.core
        for row in range(core.row, core.row_end, BLOCK_PX):
            yield shard, Window(row, core.col, min(BLOCK_PX, core.row_end - row), core.width)
