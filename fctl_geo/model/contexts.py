"""Where the features of contexts come from: shared by the patches of a level, cropped per patch, or one per scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.model.backend import Floats, Segmentation
from fctl_geo.model.device import Device, shortest_s
from fctl_geo.model.orientation import Orientation
from fctl_geo.model.pil_resize import resize_bilinear
from fctl_geo.spec import Context
from fctl_geo.windows.grid import ContextGrid, PatchGrid
from fctl_geo.windows.window import Window

PatchIndex = tuple[int, int]
GLOBAL_PX = 4096
"""The whole scene is read at the finest level whose longer side has at most this many pixels."""


class Pixels(Protocol):
    """What a reader returns for a window."""

    @property
    def pixels(self) -> NDArray[np.generic]: ...  # (bands, h, w)

    @property
    def valid(self) -> NDArray[np.bool_]: ...  # (h, w)


Read = Callable[[Window, int], Pixels]


class ContextSource(Protocol):
    """The features of one context of any patch. `features` may be called from several threads at once."""

    def prepare(self, patches: Sequence[PatchIndex]) -> None:
        """Compute what these patches share; called row by row, from top to bottom."""

    def features(self, orientation: Orientation, grid: PatchGrid, patches: Sequence[PatchIndex]) -> Floats:
        """(B, C, h, w) features of the contexts of patches, in the orientation in which the network sees the scene."""

    def forget(self) -> None:
        """Drop what is tied to a location: the next patches lie elsewhere."""

    def shared_s(self) -> float:
        """Measured time in seconds that each patch adds to the shared work, for one orientation."""


def context_source(
    context: Context, index: int, network: Segmentation, device: Device, grid: PatchGrid,
    orientations: Sequence[Orientation], read: Read,
) -> ContextSource:  # fmt: skip
    """The source of a network's context, the `index`-th of its wider ones."""
    if isinstance(context, str):
        return WholeScene(index, network, device, grid, orientations, read)
    if network.shares_levels and grid.layout == "strided" and isinstance(context, int):
        return SharedLevel(context, index, network, device, grid, orientations, read)
    return OwnCrops(context, index, network, device, read)


class SharedLevel:
    """A pyramid level of the scene, encoded tile by tile, each tile once.

    Features are kept only as long as later patches may need them: a band of tiles as wide as the shard.
    """

    def __init__(
        self, factor: int, index: int, network: Segmentation, device: Device, grid: PatchGrid,
        orientations: Sequence[Orientation], read: Read,
    ) -> None:  # fmt: skip
        self.factor, self.index, self.network, self.device, self.read = factor, index, network, device, read
        self.orientations = tuple(orientations)
        self.level = ContextGrid(grid, factor)
        self._tiles: dict[tuple[Orientation, int, int], Floats] = {}
        self._void: dict[Orientation, Floats] = {}

    def prepare(self, patches: Sequence[PatchIndex]) -> None:
        self._forget_above(min((i for i, _ in patches), default=0))
        keys = {
            (orientation, a, b): None
            for i, j in patches
            for a, b in self.level.tiles_under(self.level.context(i, j))
            for orientation in self.orientations
        }
        missing = [key for key in keys if key not in self._tiles]
        for key, features in zip(missing, self.device.run(self._encode, missing), strict=True):
            self._tiles[key] = features

    def features(self, orientation: Orientation, grid: PatchGrid, patches: Sequence[PatchIndex]) -> Floats:
        return np.stack([orientation.apply(self._gather(orientation, i, j)) for i, j in patches])

    def forget(self) -> None:
        self._tiles.clear()

    def shared_s(self) -> float:
        key = (self.orientations[0], 0, 0)
        return shortest_s(lambda: list(self.device.run(self._encode, [key]))) / self.factor**2

    def _forget_above(self, i: int) -> None:
        first_row = self.level.context(i, 0).row
        for key in [k for k in self._tiles if self.level.core_of(k[1], 0).row_end <= first_row]:
            del self._tiles[key]

    def _encode(self, keys: Sequence[tuple[Orientation, int, int]]) -> list[Floats]:
        """Features (C, cells, cells) of the cores of tiles, in the scene's orientation."""
        tiles = [self.read(self.level.tile(a, b), self.factor) for _, a, b in keys]
        if not any(tile.valid.any() for tile in tiles):
            return [self._void_features(key[0]) for key in keys]
        views = [key[0].apply(to_unit(tile)) for key, tile in zip(keys, tiles, strict=True)]
        features = self.network.encode(np.stack(views), self.index)
        return [self._core(key[0], feature) for key, feature in zip(keys, features, strict=True)]

    def _core(self, orientation: Orientation, feature: Floats) -> Floats:
        margin = self.level.margin_cells
        return orientation.undo(feature)[:, margin:-margin, margin:-margin].copy()

    def _void_features(self, orientation: Orientation) -> Floats:
        """Features of a tile without imagery: the surroundings of a scene cost one encoding, not thousands."""
        if orientation not in self._void:
            size = self.level.tile_px
            image = np.full((1, self.network.bands, size, size), np.nan, np.float32)
            self._void[orientation] = self._core(orientation, self.network.encode(image, self.index)[0])
        return self._void[orientation]

    def _gather(self, orientation: Orientation, i: int, j: int) -> Floats:
        """The context features of a patch, assembled from the tiles that cover it."""
        cells = self.level.context(i, j)
        out: Floats | None = None
        for a, b in self.level.tiles_under(cells):
            tile, core = self._tiles[orientation, a, b], self.level.core_of(a, b)
            if out is None:
                out = np.empty((tile.shape[0], *cells.size_hw), np.float32)
            part = core.clip(cells)
            rows, cols = part.slices_in(cells)
            tile_rows, tile_cols = part.slices_in(core)
            out[:, rows, cols] = tile[:, tile_rows, tile_cols]
        assert out is not None
        return out


class OwnCrops:
    """Each patch's own crop of the scene, black outside, resized to the patch's size (as in the released evaluator).

    Crops are first oriented, then resized: the order affects the last bit of rounded pixels.
    """

    def __init__(self, factor: float, index: int, network: Segmentation, device: Device, read: Read) -> None:
        self.factor, self.index, self.network, self.device, self.read = factor, index, network, device, read

    def prepare(self, patches: Sequence[PatchIndex]) -> None:
        """Nothing is shared."""

    def features(self, orientation: Orientation, grid: PatchGrid, patches: Sequence[PatchIndex]) -> Floats:
        crops = [self._crop(orientation, grid.patch(i, j)) for i, j in patches]
        return self.network.encode(np.stack(crops), self.index)

    def forget(self) -> None:
        """Nothing is kept."""

    def shared_s(self) -> float:
        return 0.0

    def _crop(self, orientation: Orientation, patch: Window) -> Floats:
        side = int(patch.height * self.factor)
        margin = (side - patch.height) // 2
        crop = self.read(Window(patch.row - margin, patch.col - margin, side, side), 1)
        return resized(orientation.apply(_stacked(crop)), patch.size_hw)


class WholeScene:
    """The scene itself, resized to the patch's size: read once, encoded once per orientation."""

    def __init__(
        self, index: int, network: Segmentation, device: Device, grid: PatchGrid,
        orientations: Sequence[Orientation], read: Read,
    ) -> None:  # fmt: skip
        self.index, self.network, self.device, self.grid, self.read = index, network, device, grid, read
        self.orientations = tuple(orientations)
        self._features: dict[Orientation, Floats] = {}

    def prepare(self, patches: Sequence[PatchIndex]) -> None:
        if patches and not self._features:
            image = self._image()
            views = [orientation.apply(image) for orientation in self.orientations]
            encoded = self.device.run(lambda some: list(self._encode(some)), views)
            self._features = dict(zip(self.orientations, encoded, strict=True))

    def features(self, orientation: Orientation, grid: PatchGrid, patches: Sequence[PatchIndex]) -> Floats:
        features = self._features[orientation]
        return np.broadcast_to(features, (len(patches), *features.shape))

    def forget(self) -> None:
        """Nothing to drop: the scene belongs to every location."""

    def shared_s(self) -> float:
        return 0.0

    def _image(self) -> Floats:
        height, width, side = self.grid.height, self.grid.width, self.grid.patch_px
        factor = math.ceil(max(height, width) / GLOBAL_PX)
        level = self.read(Window(0, 0, math.ceil(height / factor), math.ceil(width / factor)), factor)
        return resized(_stacked(level), (side, side))

    def _encode(self, views: Sequence[Floats]) -> Floats:
        return self.network.encode(np.stack(views), self.index)


def to_unit(tile: Pixels) -> Floats:
    """(bands, h, w) pixels in 0..1 (8 bits) or as scaled, NaN where there is no imagery."""
    image = np.asarray(tile.pixels).astype(np.float32)
    if tile.pixels.dtype == np.uint8:
        image /= 255
    image[:, ~tile.valid] = np.nan
    return image


def resized(stacked: NDArray[np.generic], size_hw: tuple[int, int]) -> Floats:
    """(bands + 1, h, w) pixels and validity to (bands, *size_hw) in 0..1, NaN where no imagery contributes at all."""
    small = resize_bilinear(stacked, size_hw)
    image = small[:-1].astype(np.float32)
    if stacked.dtype == np.uint8:
        image /= 255
    image[:, small[-1] <= 0] = np.nan
    return image


def _stacked(tile: Pixels) -> NDArray[np.generic]:
    """(bands + 1, h, w): pixels, 0 where there is no imagery, and validity (255 or 0)."""
    pixels = np.asarray(tile.pixels)
    valid = (tile.valid * 255).astype(pixels.dtype)
    return np.concatenate([pixels, valid[None]])
