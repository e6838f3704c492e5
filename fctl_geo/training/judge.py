"""Compares classes with the truth, band by band: counts, contours, objects, and the worst patches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.report.views import RGB, picture_rgb
from fctl_geo.spec import NODATA, Legend
from fctl_geo.training.boundary import BoundaryScore
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.objects import ObjectMatcher
from fctl_geo.training.places import Place, Predicted
from fctl_geo.windows.window import Window

BAND_PX = 256
_TILE_PX = 1024
PATCH_PX = 512
"""Side of the patches among which the worst are selected."""
WORST = 12


@dataclass(frozen=True, slots=True)
class WorstPatch:
    """A patch with many errors."""

    place: str
    window: Window
    wrong: int
    """Pixels."""
    judged: int
    image: RGB
    truth: NDArray[np.uint8]
    """Index in the legend, 255 = not scored."""
    guess: NDArray[np.uint8]


@dataclass(slots=True)
class Judgment:
    """All counts over a number of places."""

    legend: Legend
    object_class: int | None = None
    """Index of the class whose regions are objects."""
    tolerance_px: int = 3
    pictures: bool = True
    confusion: Confusion = field(init=False)
    boundary: BoundaryScore = field(init=False)
    objects: ObjectMatcher = field(init=False)
    worst: list[WorstPatch] = field(init=False)
    without_class: int = field(init=False)
    """Labeled pixels to which the raster assigns no class."""

    def __post_init__(self) -> None:
        self.confusion = Confusion(len(self.legend))
        self.boundary = BoundaryScore(len(self.legend), self.tolerance_px)
        self.objects = ObjectMatcher()
        self.worst, self.without_class = [], 0

    def add(self, place: Place, predicted: Predicted, window: Window, progress: Progress) -> None:
        """Score one window of a place; memory grows with its width, not with its height."""
        self.objects.start()
        cells = (-(-window.height // PATCH_PX), -(-window.width // PATCH_PX))
        wrong, judged = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
        for band in _bands(window):
            check_cancelled(progress)
            around = band.grow(self.boundary.halo_px).clip(window)
            guess, truth = predicted.read(around), place.truth(around)
            self.without_class += int(((truth != NODATA) & (guess == NODATA))[band.slices_in(around)].sum())
            inner = band.slices_in(around)
            self.confusion.add_partial(guess[inner], truth[inner], place.partial)
            unknown = (truth >= len(self.legend)) | (guess == NODATA)
            guess, truth = np.where(unknown, NODATA, guess), np.where(unknown, NODATA, truth)
            self._count(guess, truth, band, around)
            if self.object_class is not None:
                self._count_objects(place, predicted, guess[inner], truth[inner], band)
            self._note_errors(guess, truth, band, around, window, wrong, judged)
            progress.advance()
        if self.pictures:
            self._keep_worst(place, predicted, window, wrong, judged)

    def _count(self, guess: NDArray[np.uint8], truth: NDArray[np.uint8], band: Window, around: Window) -> None:
        rows, cols = band.slices_in(around)
        self.confusion.add_classes(guess[rows, cols], truth[rows, cols])
        for left in range(0, band.width, _TILE_PX):  # in tiles: the boundary score needs a lot of memory
            tile = Window(band.row, band.col + left, band.height, min(_TILE_PX, band.width - left))
            halo = tile.grow(self.boundary.halo_px).clip(around)
            part = halo.slices_in(around)
            self.boundary.add(guess[part], truth[part], tile.slices_in(halo))

    def _count_objects(
        self, place: Place, predicted: Predicted, guess: NDArray[np.uint8], truth: NDArray[np.uint8], band: Window
    ) -> None:
        assert self.object_class is not None
        name, judged = self.legend.classes[self.object_class].name, truth != NODATA
        found, true = (
            classes == self.object_class if objects is None else np.where(judged, objects(band, name), 0)
            for classes, objects in ((guess, predicted.objects), (truth, place.objects))
        )
        self.objects.add(found, true)

    def _note_errors(
        self,
        guess: NDArray[np.uint8],
        truth: NDArray[np.uint8],
        band: Window,
        around: Window,
        window: Window,
        wrong: NDArray[np.int64],
        judged: NDArray[np.int64],
    ) -> None:
        rows, cols = band.slices_in(around)
        known, bad = truth[rows, cols] != NODATA, (guess != truth)[rows, cols]
        starts = np.arange(0, band.width, PATCH_PX)
        cell = (band.row - window.row) // PATCH_PX  # bands do not cross cells
        judged[cell] += np.add.reduceat(known.sum(0), starts)
        wrong[cell] += np.add.reduceat(bad.sum(0), starts)

    def _keep_worst(
        self,
        place: Place,
        predicted: Predicted,
        window: Window,
        wrong: NDArray[np.int64],
        judged: NDArray[np.int64],
    ) -> None:
        floor = self.worst[-1].wrong if len(self.worst) == WORST else 0
        for cell in np.argsort(wrong, axis=None)[::-1][:WORST]:
            i, j = divmod(int(cell), wrong.shape[1])
            if wrong[i, j] <= floor:
                break
            spot = Window(window.row + i * PATCH_PX, window.col + j * PATCH_PX, PATCH_PX, PATCH_PX).clip(window)
            truth, guess = place.truth(spot), predicted.read(spot)
            truth = np.where(truth < len(self.legend), truth, NODATA).astype(np.uint8)
            image = picture_rgb(place.opened, spot)
            self.worst.append(WorstPatch(place.name, spot, int(wrong[i, j]), int(judged[i, j]), image, truth, guess))
        self.worst = sorted(self.worst, key=lambda w: -w.wrong)[:WORST]


def _bands(window: Window) -> Iterator[Window]:
    for row in range(window.row, window.row_end, BAND_PX):
        yield Window(row, window.col, min(BAND_PX, window.row_end - row), window.width)


def count_bands(windows: tuple[Window, ...]) -> int:
    """Number of progress steps that `Judgment.add` reports for some windows."""
    return sum(-(-w.height // BAND_PX) for w in windows)
