"""Run the segmentation network on a scene: encode contexts, and segment patches with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from fctl_geo.model.contexts import PatchIndex, Read, context_source, to_unit
from fctl_geo.model.device import Device, shortest_s
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.model.orientation import Orientation
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.patch_logits import PatchLogits


class Segmenter:
    """Logits of patches of a scene, averaged over all orientations."""

    def __init__(
        self,
        network: SegmentationNetwork,
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

    @torch.inference_mode()
    def _segment(self, patches: Sequence[PatchIndex]) -> list[list[PatchLogits]]:
        views = [self._view(grid, orientations, patches) for grid, orientations in self._views.items()]
        return [list(of_patch) for of_patch in zip(*views, strict=True)]

    def _view(
        self, grid: PatchGrid, orientations: Sequence[Orientation], patches: Sequence[PatchIndex]
    ) -> list[PatchLogits]:
        """Mean logits over the orientations that share a patch grid."""
        images = [to_unit(self.read(grid.patch(i, j), 1)) for i, j in patches]
        pixels = self.network.prepare(torch.stack(images).to(self.device.torch_device))
        total: Tensor | None = None
        for orientation in orientations:
            contexts = [context.features(orientation, grid, patches) for context in self.contexts]
            with self.device.autocast():
                view = orientation.apply(pixels).contiguous(memory_format=torch.channels_last)
                logits = orientation.undo(self.network.kept_apart(self.network.segment(view, contexts).float()))
            total = logits if total is None else total + logits
        assert total is not None
        means = (total / len(orientations)).contiguous().cpu().numpy()
        return [PatchLogits(grid, mean, len(orientations) / len(self.orientations)) for mean in means]
