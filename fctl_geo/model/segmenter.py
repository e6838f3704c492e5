"""Run the segmentation network on a scene: encode contexts, and segment patches with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fctl_geo.model.backend import Floats, Segmentation
from fctl_geo.model.contexts import PatchIndex, Read, context_source, to_unit
from fctl_geo.model.device import Device, shortest_s
from fctl_geo.model.orientation import Orientation
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.patch_logits import PatchLogits


class Segmenter:
    """Logits of patches of a scene, averaged over all orientations."""

    def __init__(
        self,
        network: Segmentation,
        device: Device,
        grid: PatchGrid,
        orientations: Sequence[Orientation],
        read: Read,
    ) -> None:
        self.network, self.device, self.grid, self.read = network, device, grid, read
        self.orientations = tuple(orientations)
        self.contexts = [
            context_source(context, t, network, device, grid, orientations, read)
            for t, context in enumerate(network.wider)
        ]
        self._views: dict[PatchGrid, list[Orientation]] = {}
        for orientation in self.orientations:
            rows, cols = orientation.mirrored
            self._views.setdefault(grid.mirror(rows=rows, cols=cols), []).append(orientation)

    def logits(self, patches: Sequence[PatchIndex]) -> Iterator[list[PatchLogits]]:
        """Logits of each patch, in order, at its position in each view; call it row by row, from top to bottom."""
        for context in self.contexts:
            context.prepare(patches)
        yield from self.device.run(self._segment, patches)

    def forget(self) -> None:
        """Drop what is tied to a location: the next patches lie elsewhere."""
        for context in self.contexts:
            context.forget()

    def time_a_patch(self) -> float:
        """Seconds for one patch, including its share of the work that patches have in common, on one warm worker."""
        once = Segmenter(self.network, self.device, self.grid, self.orientations[:1], self.read)
        shared = sum(context.shared_s() for context in once.contexts)
        for context in once.contexts:
            context.prepare([(0, 0)])
        return len(self.orientations) * (shared + shortest_s(lambda: list(self.device.run(once._segment, [(0, 0)]))))

    def _segment(self, patches: Sequence[PatchIndex]) -> list[list[PatchLogits]]:
        views = [self._view(grid, orientations, patches) for grid, orientations in self._views.items()]
        return [list(of_patch) for of_patch in zip(*views, strict=True)]

    def _view(
        self, grid: PatchGrid, orientations: Sequence[Orientation], patches: Sequence[PatchIndex]
    ) -> list[PatchLogits]:
        """Mean logits over the orientations that share a patch grid."""
        images = np.stack([to_unit(self.read(grid.patch(i, j), 1)) for i, j in patches])
        total: Floats | None = None
        for orientation in orientations:
            contexts = [context.features(orientation, grid, patches) for context in self.contexts]
            logits: Floats = orientation.undo(self.network.segment(orientation.apply(images), contexts))
            total = logits if total is None else total + logits
        assert total is not None
        means = np.ascontiguousarray(total / np.float32(len(orientations)))
        return [PatchLogits(grid, mean, len(orientations) / len(self.orientations)) for mean in means]
