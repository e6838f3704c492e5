"""A scene, opened once and read by window, with the bands, scaling, validity and resolution that the model needs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.scene.aoi import Region
from fctl_geo.scene.info import SceneInfo
from fctl_geo.scene.levels import Level, plan_level
from fctl_geo.scene.reader import Reader
from fctl_geo.scene.resample import resample
from fctl_geo.scene.scaling import ValueScale
from fctl_geo.scene.tiles import KeptTile, Tile, TileCache, cut, tile_window
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

_AOI_TILE_HW = (512, 512)


@dataclass(slots=True, eq=False)
class Scene:
    """An open scene (`open_scene`); use it in a with-block. All methods may be called from several threads at once.

    Grids: the *scene* grid, its own pixels; the *model* grid, with pixels of `scale` scene pixels, from the same
    corner; and the *output* grid, which is one of the two (settings.grid). Windows are in pixels of the full grid,
    counted from its corner, and may extend beyond it.

    Law: a pixel that is read depends on the file, the settings, the level and its own position, never on the window in
    which it is read or on what was read before.
    """

    info: SceneInfo
    scale: float
    """Scene pixels per model pixel; exactly 1.0 if the scene is not resampled."""
    model_hw: tuple[int, int]
    """Size on the model's grid."""
    scene_frame: RasterFrame
    model_frame: RasterFrame
    frame: RasterFrame
    """Frame of the output: the output grid, cropped to the window that contains the AOI and the box."""
    frame_window: Window
    """Position of that window on the full output grid."""
    readers: tuple[Reader, ...]
    """For full resolution and for each overview."""
    _values: ValueScale
    _region: Region | None
    _grid_is_model: bool
    _cache: TileCache
    """Pixels of levels, and of the file if level 1 is the file's own grid."""
    _passing: TileCache
    """Pixels of the file from which level 1 is computed: after that they are hardly needed."""
    _levels: dict[int, Level] = field(default_factory=dict)

    def read(self, window: Window, factor: int = 1) -> Tile:
        """Pixels of a level of the model grid's pyramid.

        A level pixel (r, c) is the mean of the valid model pixels in [r * factor, (r + 1) * factor) x [c * factor, ...)
        and is valid if at least half of it (of its part inside the scene) is. It is computed with area weights from the
        coarsest overview that is fine enough, otherwise from the model's pixels, or bilinearly if those are smaller
        than the scene's.

        Args:
            window: in pixels of the level (1 = the model grid); parts outside the level are 0 and invalid.
            factor: model pixels per level pixel, from 1.
        Returns:
            (C, h, w) uint8 pixels and (h, w) validity.
        Raises:
            ReadError: damaged data.
        """
        assert factor >= 1, f"level factor {factor}"
        level = self._level(factor)
        kept = self._cut_level(level, window)
        return Tile(kept.pixels, np.ones(window.size_hw, np.bool_) if kept.valid is None else kept.valid)

    def wanted(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) True where an output pixel gets a class: it is valid, inside the scene, its center inside AOI and box.

        Args:
            window: in pixels of the full output grid (like `frame_window`); may extend beyond it.
        """
        inside = self._region_mask(window)
        if not inside.any():
            return inside
        return inside & self._data_mask(window)

    def may_want(self, window: Window) -> bool:
        """Whether any pixel of this window of the output grid could be wanted, by AOI and box, ignoring the data."""
        part = window.clip(self.frame_window)
        return not part.empty and (self._region is None or self._region.may_touch(part))

    def cache_bytes_for(self, rows_px: int, cols_px: int) -> int:
        """Bytes of cache that hold `rows_px` rows and `cols_px` columns of the model grid at all levels together.

        With this cache, a sweep over that many columns, with windows and contexts that span that many rows, decodes no
        block of the file twice. Tiles extend beyond the window by up to one tile on every side.
        """
        tile_h, tile_w = self.readers[0].source.grid.tile_hw
        pixel_bytes = len(self.info.bands) + (0 if self._always_valid else 1)
        first = self._level(1)
        over_h, over_w = (tile_h, tile_w) if first.direct else first.tile_hw
        levels = (rows_px + 2 * over_h) * (cols_px + 2 * over_w) * 1.5  # levels 2 and 3 add a quarter and a ninth
        if first.direct:
            return int(levels * pixel_bytes)
        rows = rows_px * self.scale if first.upsampled else 0.0  # wider levels may then be computed from the file, too
        passing = (rows + 2 * tile_h) * (cols_px * self.scale + 2 * tile_w)
        return int(2 * max(levels, passing) * pixel_bytes)

    def resize_cache(self, cache_bytes: int) -> None:
        """Change the size of the caches; what is read stays the same."""
        passing = 0 if self._keeps_file else cache_bytes // 2
        self._passing.resize(passing)
        self._cache.resize(cache_bytes - passing)

    @property
    def output_scale(self) -> float:
        """Output pixels per model pixel."""
        return 1.0 if self._grid_is_model else self.scale

    @property
    def files(self) -> tuple[str, ...]:
        """All files that belong to the scene according to GDAL."""
        return self.readers[0].source.header.files

    def close(self) -> None:
        for reader in self.readers:
            reader.source.close()
        self._cache.clear()
        self._passing.clear()

    def __enter__(self) -> Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _always_valid(self) -> bool:
        return self.readers[0].masks.always_valid

    @property
    def _keeps_file(self) -> bool:
        """Whether the model's pixels are the file's: decoded pixels are then what is requested, and are cached."""
        return self._level(1).direct

    def _level(self, factor: int) -> Level:
        if factor not in self._levels:
            grids = tuple(reader.source.grid for reader in self.readers)
            self._levels[factor] = plan_level(grids, self.scale, self.model_hw, factor)
        return self._levels[factor]

    def _cut_level(self, level: Level, window: Window) -> KeptTile:
        if level.direct:
            return self._cut_source(level.source, window)

        def tile_at(row: int, col: int) -> Future[KeptTile]:
            place = tile_window(row, col, level.tile_hw, level.size_hw)
            return self._cache.get(("level", level.factor, row, col), lambda: self._resampled(level, place))

        return self._cut(window, tile_at, level.size_hw, level.tile_hw)

    def _resampled(self, level: Level, window: Window) -> KeptTile:
        rows, cols = level.taps(window)
        place = Window(rows.begin, cols.begin, rows.end - rows.begin, cols.end - cols.begin)
        source = self._cut_level(self._level(1), place) if level.of_model else self._cut_source(level.source, place)
        pixels, valid = resample(source.pixels, source.valid, rows, cols, nearest_validity=level.upsampled)
        return _frozen(pixels, valid)

    def _cut_source(self, index: int, window: Window) -> KeptTile:
        """Scaled pixels of one grid of the file."""
        grid = self.readers[index].source.grid
        size_hw = (grid.height, grid.width)
        cache = self._cache if self._keeps_file else self._passing

        def tile_at(row: int, col: int) -> Future[KeptTile]:
            place = tile_window(row, col, grid.tile_hw, size_hw)
            return cache.get(("source", index, row, col), lambda: self._decoded(index, place))

        return self._cut(window, tile_at, size_hw, grid.tile_hw)

    def _cut_validity(self, window: Window) -> KeptTile:
        """Which of the file's own pixels are valid; still needed after the pixels themselves have been dropped."""
        if self._keeps_file:
            return self._cut_source(0, window)
        grid = self.readers[0].source.grid
        size_hw = (grid.height, grid.width)

        def tile_at(row: int, col: int) -> Future[KeptTile]:
            place = tile_window(row, col, grid.tile_hw, size_hw)
            return self._cache.get(_validity_key(place), lambda: _validity(self._cut_source(0, place)))

        return cut(window, tile_at, size_hw=size_hw, tile_hw=grid.tile_hw, channels=0)

    def _cut(
        self,
        window: Window,
        tile_at: Callable[[int, int], Future[KeptTile]],
        size_hw: tuple[int, int],
        tile_hw: tuple[int, int],
    ) -> KeptTile:
        return cut(window, tile_at, size_hw=size_hw, tile_hw=tile_hw, channels=len(self.info.bands))

    def _decoded(self, index: int, window: Window) -> KeptTile:
        raw, valid = self.readers[index].read(window)
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and huge values are invalid and become 0 below
            pixels = self._values.apply(raw)
        tile = _frozen(pixels if valid.all() else np.where(valid, pixels, np.uint8(0)), valid)
        if index == 0 and not self._keeps_file and not self._always_valid:
            self._cache.get(_validity_key(window), lambda: _validity(tile))
        return tile

    def _data_mask(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) True where the full output grid has valid data."""
        size_hw = self.model_hw if self._grid_is_model else self.scene_frame.size_hw
        if self._always_valid:
            mask = np.zeros(window.size_hw, np.bool_)
            mask[window.clip(Window(0, 0, *size_hw)).slices_in(window)] = True
            return mask
        kept = self._cut_level(self._level(1), window) if self._grid_is_model else self._cut_validity(window)
        return np.ones(window.size_hw, np.bool_) if kept.valid is None else kept.valid

    def _region_mask(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) True inside the scene, AOI and box. Rasterized in aligned tiles, so no pixel depends on the window."""
        inside = window.clip(self.frame_window)
        mask = np.zeros(window.size_hw, np.bool_)
        if inside.empty:
            return mask
        if self._region is None:
            mask[inside.slices_in(window)] = True
            return mask
        size_hw = self.model_hw if self._grid_is_model else self.scene_frame.size_hw

        def tile_at(row: int, col: int) -> Future[KeptTile]:
            return self._region_tile(row, col, size_hw)

        kept = cut(inside, tile_at, size_hw=size_hw, tile_hw=_AOI_TILE_HW, channels=0)
        mask[inside.slices_in(window)] = True if kept.valid is None else kept.valid
        return mask

    def _region_tile(self, row: int, col: int, size_hw: tuple[int, int]) -> Future[KeptTile]:
        region = self._region
        assert region is not None
        place = tile_window(row, col, _AOI_TILE_HW, size_hw)
        nothing = np.empty((0, *place.size_hw), np.uint8)
        return self._cache.get(("aoi", row, col), lambda: _frozen(nothing, region.mask(place)))


def _frozen(pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> KeptTile:
    """A read-only tile for the cache: many readers share its arrays."""
    if valid is not None and valid.all():
        valid = None
    pixels.flags.writeable = False
    return KeptTile(pixels, valid)


def _validity_key(place: Window) -> tuple[str, int, int]:
    return "valid", place.row, place.col


def _validity(tile: KeptTile) -> KeptTile:
    """The tile without its pixels: takes almost no memory if all of it is valid."""
    return KeptTile(np.empty((0, *tile.pixels.shape[1:]), np.uint8), tile.valid)
