"""The patch grid: a property of the scene, never of the shard (law 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fctl_geo.errors import SettingsError
from fctl_geo.spec import Layout
from fctl_geo.windows.axis import PatchAxis
from fctl_geo.windows.window import Window

CELL_PX = 16
"""Pixels per feature cell; strided patches and context tiles consist of whole cells."""


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """Patches of one size over a scene's model grid: at a regular stride, or fitted into it (`PatchAxis`).

    The cores of the patches tile the scene: every pixel is in exactly one. Strided patches have a halo of overlap / 2
    px around their core on every side, so those at the edge extend beyond the scene. Example: patch 8, overlap 2:
    stride 6, patch 0 covers [-1, 7), patch 1 [5, 13).
    """

    height: int
    width: int
    patch_px: int
    overlap_px: int
    """For fitted layouts: the minimum overlap."""
    layout: Layout = "strided"
    mirrored: tuple[bool, bool] = (False, False)
    """Whether rows and columns are placed as in the mirrored scene."""

    def __post_init__(self) -> None:
        whole_cells = self.layout == "fitted" or not (self.patch_px % CELL_PX or self.overlap_px % 2)
        if not whole_cells or not 0 <= self.overlap_px < self.patch_px:
            raise SettingsError(
                f"patch {self.patch_px} px with overlap {self.overlap_px} px is not possible",
                hint=f"the patch must be a multiple of {CELL_PX} px and larger than its even overlap",
            )

    @property
    def rows(self) -> PatchAxis:
        return PatchAxis(self.height, self.patch_px, self.overlap_px, self.layout, self.mirrored[0])

    @property
    def cols(self) -> PatchAxis:
        return PatchAxis(self.width, self.patch_px, self.overlap_px, self.layout, self.mirrored[1])

    @property
    def stride_px(self) -> int:
        return self.patch_px - self.overlap_px

    @property
    def halo_px(self) -> int:
        return self.overlap_px // 2

    @property
    def shape(self) -> tuple[int, int]:
        """Patches down and across."""
        return self.rows.count, self.cols.count

    def core(self, i: int, j: int) -> Window:
        """The pixels that belong to patch (i, j) alone, clipped to the scene."""
        (row, row_end), (col, col_end) = self.rows.core(i), self.cols.core(j)
        return Window(row, col, row_end - row, col_end - col)

    def patch(self, i: int, j: int) -> Window:
        """The pixels that patch (i, j) covers; may extend beyond the scene."""
        return Window(self.rows.start(i), self.cols.start(j), self.patch_px, self.patch_px)

    def rows_touching(self, row: int, row_end: int) -> range:
        """Indices of the patch rows that cover any row of [row, row_end)."""
        return self.rows.touching(row, row_end)

    def cols_touching(self, col: int, col_end: int) -> range:
        """Indices of the patch columns that cover any column of [col, col_end)."""
        return self.cols.touching(col, col_end)

    def mirror(self, *, rows: bool, cols: bool) -> PatchGrid:
        """The grid of the mirrored scene, in this scene's pixels; equal to this one where that makes no difference."""
        mirrored = (self.rows.mirror().mirrored if rows else False, self.cols.mirror().mirrored if cols else False)
        return replace(self, mirrored=mirrored)


@dataclass(frozen=True, slots=True)
class ContextGrid:
    """One pyramid level of a scene, cut into tiles, each encoded once and shared by all patches.

    A level of `factor` f has pixels of f x f model pixels and cells of 16 x 16 level pixels. Tile (a, b) has the core
    cells [a * core, (a + 1) * core); it is encoded with a margin around the core that is cropped afterwards.
    """

    grid: PatchGrid
    factor: int

    @property
    def tile_px(self) -> int:
        """Side of a tile with its margins, in level pixels: that of a patch, so that one input size serves all."""
        return self.grid.patch_px

    @property
    def core_cells(self) -> int:
        return (self.tile_px - 2 * self.margin_cells * CELL_PX) // CELL_PX

    @property
    def margin_cells(self) -> int:
        return max(1, self.grid.halo_px // CELL_PX)

    def tile(self, a: int, b: int) -> Window:
        """Level pixels of tile (a, b), margins included."""
        step, margin = self.core_cells * CELL_PX, self.margin_cells * CELL_PX
        return Window(a * step - margin, b * step - margin, self.tile_px, self.tile_px)

    def context(self, i: int, j: int) -> Window:
        """Cells of the context of patch (i, j): as many as the patch has, `factor` times as wide on the ground.

        The center is the patch's to within half a cell. Example: patch 448, stride 384, factor 2: patch 0 is centered
        on model pixel 192 = level pixel 96 = cell 6; its context has cells [-8, 20).
        """
        side = self.grid.patch_px // CELL_PX
        row, col = (self._center_cell(k) - side // 2 for k in (i, j))
        return Window(row, col, side, side)

    def _center_cell(self, index: int) -> int:
        center_px = index * self.grid.stride_px + self.grid.stride_px // 2
        cell_px = self.factor * CELL_PX
        return (2 * center_px + cell_px) // (2 * cell_px)

    def tiles_under(self, cells: Window) -> Iterator[tuple[int, int]]:
        """Indices of the tiles whose cores cover a window of cells."""
        core = self.core_cells
        for a in range(cells.row // core, (cells.row_end - 1) // core + 1):
            for b in range(cells.col // core, (cells.col_end - 1) // core + 1):
                yield a, b

    def core_of(self, a: int, b: int) -> Window:
        """Cells of the core of tile (a, b)."""
        core = self.core_cells
        return Window(a * core, b * core, core, core)
