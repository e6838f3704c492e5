"""Run the refinement network on a class raster: each class of a patch is judged along with its neighborhood."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fctl_geo.model.backend import Floats, Refinement
from fctl_geo.model.contexts import PatchIndex
from fctl_geo.model.device import Device
from fctl_geo.spec import Legend
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.patch_logits import PatchLogits
from fctl_geo.windows.window import Window

FARTHEST_LOGIT = 10.0
"""Logits are clamped to plus or minus this; a class that does not occur in a patch has the minimum."""


class Refiner:
    """Logits of patches of a class raster."""

    def __init__(
        self,
        network: Refinement,
        device: Device,
        grid: PatchGrid,
        legend: Legend,
        read: Callable[[Window], NDArray[np.uint8]],
    ) -> None:
        self.network, self.device, self.grid, self.read = network, device, grid, read
        self.ids = [c.id for c in legend]

    def logits(self, patches: Sequence[PatchIndex]) -> Iterator[list[PatchLogits]]:
        """Logits of each patch, in the legend's order of classes."""
        yield from self.device.run(self._refine, patches)

    def forget(self) -> None:
        """Nothing is kept between patches."""

    def _refine(self, patches: Sequence[PatchIndex]) -> list[list[PatchLogits]]:
        return [[PatchLogits(self.grid, self._refine_one(i, j))] for i, j in patches]

    def _refine_one(self, i: int, j: int) -> NDArray[np.float32]:
        window = self.grid.patch(i, j)
        factor = self.network.context
        around = window.grow(round((factor - 1) * window.height / 2))
        wide = self.read(around)
        rows, cols = window.slices_in(around)
        local = wide[rows, cols]
        judged = self.ids[1:] if len(self.ids) == 2 else [c for c in self.ids if (local == c).any()]
        out = np.full((len(self.ids), *window.size_hw), -FARTHEST_LOGIT, np.float32)
        for class_id in judged:
            out[self.ids.index(class_id)] = self._judge(local, wide, class_id)
        if len(self.ids) == 2:  # one mask determines both: the other class is its complement
            out[1] /= 2
            out[0] = -out[1]
        return out

    def _judge(self, local: NDArray[np.uint8], wide: NDArray[np.uint8], class_id: int) -> NDArray[np.float32]:
        logits = self.network.refine(self._planes(local, class_id), self._planes(wide, class_id))
        clipped: NDArray[np.float32] = np.clip(logits[0, 0], -FARTHEST_LOGIT, FARTHEST_LOGIT)
        return clipped

    def _planes(self, classes: NDArray[np.uint8], class_id: int) -> Floats:
        known = np.isin(classes, self.ids)
        return np.stack([classes == class_id, known]).astype(np.float32)[None]
