"""The segmentation network at work on a scene: contexts encoded once, patches segmented with them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fctl_geo.model.device import Device
from fctl_geo.model.lite import FctlLite
from fctl_geo.model.normalise import normalise
from fctl_geo.model.orientation import Orientation
from fctl_geo.windows.grid import ContextGrid, PatchGrid
from fctl_geo.windows.window import Window

PatchIndex = tuple[int, int]
_TileKey = tuple[Orientation, int, int, int]
"""Orientation, context factor, tile row, tile column."""


class Pixels(Protocol):
    """What a reader gives for a window."""

    @property
    def pixels(self) -> NDArray[np.generic]: ...  # (bands, h, w)

    @property
    def valid(self) -> NDArray[np.bool_]: ...  # (h, w)


class Segmenter:
    """Logits of patches of a scene.

    Context features are kept only while patches to come may need them: a band of tiles, as wide as the shard.
    """

    def __init__(
        self,
        network: FctlLite,
        device: Device,
        grid: PatchGrid,
        orientations: Sequence[Orientation],
        read: Callable[[Window, int], Pixels],
    ) -> None:
        self.network, self.device, self.grid, self.read = network, device, grid, read
        self.orientations = tuple(orientations)
        self.levels = {f: ContextGrid(grid, f) for f in network.config.contexts if f != 1}
        self._tiles: dict[_TileKey, Tensor] = {}
        self._void: dict[Orientation, Tensor] = {}

    def logits(self, patches: Sequence[PatchIndex]) -> Iterator[NDArray[np.float32]]:
        """(classes, patch, patch) logits of each patch, in order; call it row by row, downwards."""
        self._forget_above(min((i for i, _ in patches), default=0))
        missing = [key for key in self._needed(patches) if key not in self._tiles]
        for key, features in zip(missing, self.device.run(self._encode, missing), strict=True):
            self._tiles[key] = features
        yield from self.device.run(self._segment, patches)

    def forget(self) -> None:
        """Drop all context features: the next patches lie elsewhere."""
        self._tiles.clear()

    def time_a_patch(self) -> tuple[float, float]:
        """Seconds for one context tile and for one patch with its contexts at hand, on one worker, warmed up."""
        keys = self._needed([(0, 0)])
        features = list(self.device.run(self._encode, keys[:1]))
        self._tiles = dict.fromkeys(keys, features[0])
        encoding = shortest_s(lambda: list(self.device.run(self._encode, keys[:1])))
        segmenting = shortest_s(lambda: list(self.device.run(self._segment, [(0, 0)])))
        self.forget()
        return len(self.orientations) * encoding, segmenting

    def _needed(self, patches: Sequence[PatchIndex]) -> list[_TileKey]:
        keys = {
            (orientation, factor, a, b): None
            for factor, level in self.levels.items()
            for i, j in patches
            for a, b in level.tiles_under(level.context(i, j))
            for orientation in self.orientations
        }
        return list(keys)

    def _forget_above(self, i: int) -> None:
        for factor, level in self.levels.items():
            first_row = level.context(i, 0).row
            for key in [k for k in self._tiles if k[1] == factor and level.core_of(k[2], 0).row_end <= first_row]:
                del self._tiles[key]

    @torch.inference_mode()
    def _encode(self, keys: Sequence[_TileKey]) -> list[Tensor]:
        """Features (C, cells, cells) of the cores of tiles, in the scene's orientation."""
        tiles = [self.read(self.levels[factor].tile(a, b), factor) for _, factor, a, b in keys]
        if not any(tile.valid.any() for tile in tiles):
            return [self._void_features(key[0]) for key in keys]
        images = self._to_input(tiles)
        views = torch.stack([key[0].apply(image) for key, image in zip(keys, images, strict=True)])
        with self.device.autocast():
            features = self.network.encode_context(views.contiguous(memory_format=torch.channels_last))
        return [self._core(key, feature) for key, feature in zip(keys, features, strict=True)]

    def _core(self, key: _TileKey, feature: Tensor) -> Tensor:
        margin = self.levels[key[1]].margin_cells
        return key[0].undo(feature)[:, margin:-margin, margin:-margin].clone()

    def _void_features(self, orientation: Orientation) -> Tensor:
        """Features of a tile without imagery: a scene's surroundings cost one encoding, not thousands."""
        if orientation not in self._void:
            size = self.grid.patch_px
            image = torch.zeros((1, self.network.config.bands, size, size), device=self.device.torch_device)
            with self.device.autocast():
                feature = self.network.encode_context(image.contiguous(memory_format=torch.channels_last))[0]
            margin = next(iter(self.levels.values())).margin_cells
            self._void[orientation] = orientation.undo(feature)[:, margin:-margin, margin:-margin].clone()
        return self._void[orientation]

    @torch.inference_mode()
    def _segment(self, patches: Sequence[PatchIndex]) -> list[NDArray[np.float32]]:
        images = self._to_input([self.read(self.grid.patch(i, j), 1) for i, j in patches])
        total: Tensor | None = None
        for orientation in self.orientations:
            contexts = [
                torch.stack([orientation.apply(self._context(orientation, factor, i, j)) for i, j in patches])
                for factor in self.levels
            ]
            with self.device.autocast():
                view = orientation.apply(images).contiguous(memory_format=torch.channels_last)
                logits = orientation.undo(self.network.segment(view, contexts).float())
            total = logits if total is None else total + logits
        assert total is not None
        mean = total / len(self.orientations)
        return list(mean.contiguous().cpu().numpy())

    def _context(self, orientation: Orientation, factor: int, i: int, j: int) -> Tensor:
        """Gather the context features of a patch from the tiles that cover them."""
        level = self.levels[factor]
        cells = level.context(i, j)
        out: Tensor | None = None
        for a, b in level.tiles_under(cells):
            tile, core = self._tiles[orientation, factor, a, b].to(self.device.torch_device), level.core_of(a, b)
            if out is None:
                out = tile.new_empty((tile.shape[0], *cells.size_hw))
            part = core.clip(cells)
            rows, cols = part.slices_in(cells)
            tile_rows, tile_cols = part.slices_in(core)
            out[:, rows, cols] = tile[:, tile_rows, tile_cols]
        assert out is not None
        return out

    def _to_input(self, tiles: Sequence[Pixels]) -> Tensor:
        images = [to_unit(tile) for tile in tiles]
        return normalise(torch.stack(images).to(self.device.torch_device))


def shortest_s(work: Callable[[], object], tries: int = 2) -> float:
    """Seconds of the fastest of some tries: the first pays for kernels that are set up once."""
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def to_unit(tile: Pixels) -> Tensor:
    """(bands, h, w) pixels in 0..1 (8 bits) or as scaled, NaN where there is no imagery."""
    image = torch.from_numpy(np.ascontiguousarray(tile.pixels)).float()
    if tile.pixels.dtype == np.uint8:
        image = image / 255
    return image.masked_fill_(torch.from_numpy(~tile.valid), math.nan)
