"""A class raster on disk as strips: read ahead by one thread, with areas and confidence alongside the classes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SceneError
from fctl_geo.polygons.strip import Strip
from fctl_geo.progress import Progress, check_cancelled

if TYPE_CHECKING:
    from fctl_geo.georef.area import PixelAreas
    from fctl_geo.raster.reader import ClassRaster

STRIP_ROWS = 256
"""Rows of a strip, rounded up to whole blocks of the file."""
STRIP_BYTES = 64 << 20
"""Larger strips (of a file with a single block) are split, at the cost of reading a block more than once."""
STRIPS_AHEAD = 2


def read_strips(
    raster: ClassRaster, confidence: ClassRaster | None, areas: PixelAreas, progress: Progress
) -> Iterator[Strip]:
    """Yield the raster from top to bottom; with area tables only if pixel areas are in m².

    While this runs, `raster` and `confidence` must not be used by any other thread.

    Raises:
        ReadError: the file is damaged.
        SceneError: a classified pixel whose confidence is not a percentage.
        Cancelled: the user stopped the run.
    """
    starts = range(0, raster.frame.height, _strip_rows(raster))

    def read(row: int) -> Strip:
        height = min(starts.step, raster.frame.height - row)
        classes = raster.rows(row, height)
        percent = None if confidence is None else _percent(confidence.rows(row, height), classes, row)
        return Strip(classes, percent, None if areas.unit == "px" else areas.rows(row, height))

    for strip in _ahead(read, starts):
        check_cancelled(progress)
        yield strip
        progress.advance(strip.height)


def _strip_rows(raster: ClassRaster) -> int:
    """Whole blocks, at least 256 rows. Example: blocks of 100 rows give 300."""
    block_rows = raster.block_hw[0]
    wanted = -(-STRIP_ROWS // block_rows) * block_rows
    return max(1, min(wanted, STRIP_BYTES // raster.frame.width, raster.frame.height))


def _percent(confidence: NDArray[np.uint8], classes: NDArray[np.uint8], row: int) -> NDArray[np.uint8]:
    wrong = (confidence > 100) & (classes != 255)
    if wrong.any():
        where = np.argwhere(wrong)[0]
        raise SceneError(
            f"the confidence at row {row + where[0]}, column {where[1]} is {confidence[tuple(where)]}, "
            "but the pixel has a class, and percentages range from 0 to 100",
            hint="use the confidence raster that was created with these classes",
        )
    return confidence


def _ahead(read: Callable[[int], Strip], starts: range) -> Iterator[Strip]:
    """Yield read(start) for every start, in order, reading some of them ahead; an error is raised in its turn."""
    waiting: deque[Future[Strip]] = deque()
    with ThreadPoolExecutor(1, "read class strips") as reader:
        try:
            for start in starts:
                waiting.append(reader.submit(read, start))
                if len(waiting) > STRIPS_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for strip in waiting:
                strip.cancel()
