"""Turns a band's class indices into what is written: ids of the legend, nodata, confidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.run.open import Run
from fctl_geo.spec import NODATA, Legend
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.stitch.sweep import Band
from fctl_geo.windows.window import Window

Finish = Callable[[Band], Band]


class ClassWindows(Protocol):
    """A class raster that can be read by window."""

    def read(self, window: Window) -> NDArray[np.uint8]: ...


def final_classes(run: Run) -> Finish:
    """Nodata where the scene has no data or outside the area of interest, a class everywhere else (law 3)."""
    crop = run.scene.frame_window

    def finish(band: Band) -> Band:
        return masked(band, run.info.legend, run.scene.wanted(_moved(band.window, crop.row, crop.col)))

    return finish


def crude_classes(run: Run) -> Finish:
    """The same on the model's grid, as input to the refinement; not masked by the area of interest."""
    how = run.crude.sweep.how

    def finish(band: Band) -> Band:
        valid = run.scene.read(_moved(band.window, how.row_offset, how.col_offset), 1).valid
        return masked(band, run.info.legend, valid & (band.classes != NODATA))

    return finish


def refined_classes(run: Run, crude: ClassWindows, crude_confidence: ClassWindows) -> Finish:
    """Final classes; where refinement changed nothing, the segmentation's confidence is kept."""
    final, how, origin = final_classes(run), run.final.sweep.how, run.crude.sweep.how

    def finish(band: Band) -> Band:
        done = final(band)
        rows = _nearest(
            band.window.row, band.window.height, how.row_offset, how, origin.row_offset, run.crude.frame.height
        )
        cols = _nearest(
            band.window.col, band.window.width, how.col_offset, how, origin.col_offset, run.crude.frame.width
        )
        window = Window(rows[0], cols[0], rows[-1] - rows[0] + 1, cols[-1] - cols[0] + 1)
        at = np.ix_(rows - rows[0], cols - cols[0])
        before, sure = crude.read(window)[at], crude_confidence.read(window)[at]
        kept = (before == done.classes) & (sure != NODATA)
        return replace(done, confidence=np.where(kept, sure, done.confidence))

    return finish


def masked(band: Band, legend: Legend, wanted: NDArray[np.bool_]) -> Band:
    """Map class indices to ids; nodata wherever `wanted` is False."""
    assert not (wanted & (band.classes == NODATA)).any(), f"pixels without a patch in {band.window}"
    ids = np.full(256, NODATA, np.uint8)
    ids[: len(legend)] = [c.id for c in legend]
    classes = np.where(wanted, ids[band.classes], NODATA).astype(np.uint8)
    confidence = np.where(wanted, band.confidence, NODATA).astype(np.uint8)
    return replace(band, classes=classes, confidence=confidence)


def _moved(window: Window, rows: int, cols: int) -> Window:
    return Window(window.row + rows, window.col + cols, window.height, window.width)


def _nearest(start: int, count: int, offset: int, how: Resampling, origin: int, size: int) -> NDArray[np.int64]:
    """Rows (or columns) of the crude raster under the centers of output pixels."""
    centers = (np.arange(start, start + count) + offset + 0.5) / how.scale
    cells: NDArray[np.int64] = np.clip(np.floor(centers).astype(np.int64) - origin, 0, size - 1)
    return cells
