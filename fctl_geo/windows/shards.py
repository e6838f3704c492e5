"""Shards: rectangles of the output that are processed and stored independently."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fctl_geo.windows.window import Window

BLOCK_PX = 256
"""Shards are aligned to blocks of this size of the output raster."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One rectangle of the output."""

    col_index: int
    """Strip, from the left: the shards of a strip are processed downward and hand their overlap to the next."""
    row_index: int
    core: Window
    """In output pixels, from the output's upper left corner."""

    @property
    def name(self) -> str:
        """Part of the file names; sorts in reading order."""
        return f"r{self.row_index:05d}-c{self.col_index:05d}"


def cut_shards(height: int, width: int, shard_px: int) -> list[Shard]:
    """Nearly equal shards of about `shard_px` a side at most that tile the output; strip by strip, downward.

    Example: 5,000 px, shards of 4,608: two of 2,560 and 2,440, not 4,608 and 392.
    """
    rows, cols = _cuts(height, shard_px), _cuts(width, shard_px)
    return [
        Shard(c, r, Window(row, col, row_end - row, col_end - col))
        for c, (col, col_end) in enumerate(cols)
        for r, (row, row_end) in enumerate(rows)
    ]


def _cuts(size: int, shard_px: int) -> list[tuple[int, int]]:
    count = max(1, math.ceil(size / shard_px))
    step = max(BLOCK_PX, math.ceil(size / count / BLOCK_PX) * BLOCK_PX)
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def runs_downwards(shards: list[Shard]) -> Iterator[list[Shard]]:
    """Groups of shards that follow each other in a strip: within a group, each hands its overlap to the next."""
    run: list[Shard] = []
    for shard in sorted(shards):
        if run and (shard.col_index, shard.row_index) != (run[-1].col_index, run[-1].row_index + 1):
            yield run
            run = []
        run.append(shard)
    if run:
        yield run
