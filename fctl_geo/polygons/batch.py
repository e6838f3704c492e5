"""Polygons on their way from the tracer to the products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class PolygonBatch:
    """Some polygons, one per region, in the order in which the raster's rows complete them."""

    wkb: npt.NDArray[np.uint8]
    """The WKB of all polygons, one after the other."""
    offsets: npt.NDArray[np.int64]
    """(N + 1,) polygon i is wkb[offsets[i]:offsets[i + 1]], as in an Arrow LargeBinary array."""
    class_id: npt.NDArray[np.uint8]
    """(N,) class of the region."""
    pixels: npt.NDArray[np.int64]
    """(N,) number of pixels in the region."""
    area_m2: npt.NDArray[np.float64]
    """(N,) total area of the region's pixels (in pixels where strips have no area), multiplied by the factor by which
    simplification changed it; by comparison, the scale hardly varies within one polygon."""
    confidence: npt.NDArray[np.float32]
    """(N,) mean confidence of the region's pixels, in the unit of the strips; NaN where strips have none."""
    object_id: npt.NDArray[np.int64]
    """(N,) row * width + column of the region's first pixel in raster order: a key that no two regions share.
    For parts of a region that was cut it is negative until `CutRegions.resolve` replaces it."""

    outline: npt.NDArray[np.uint8]
    """(N,) what became of the outline where it was to be squared, see `square.outcomes`; 0: it was not."""
    outline_iou: npt.NDArray[np.float32]
    """(N,) intersection over union of that outline with the region's pixels; NaN where it was not to be squared."""

    def __len__(self) -> int:
        return int(self.class_id.shape[0])

    def part(self, begin: int, end: int) -> PolygonBatch:
        """The polygons begin..end - 1."""
        offsets = self.offsets[begin : end + 1]
        arrays = {name: getattr(self, name)[begin:end] for name in _COLUMNS}
        return PolygonBatch(wkb=self.wkb[offsets[0] : offsets[-1]], offsets=offsets - offsets[0], **arrays)


_COLUMNS = ("class_id", "pixels", "area_m2", "confidence", "object_id", "outline", "outline_iou")


def join_batches(batches: Sequence[PolygonBatch]) -> PolygonBatch:
    """All polygons of at least one batch, in order."""
    starts = np.cumsum([0] + [len(batch.wkb) for batch in batches])
    offsets = [batch.offsets[:-1] + start for batch, start in zip(batches, starts[:-1], strict=True)]
    arrays = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in _COLUMNS}
    wkb = np.concatenate([batch.wkb for batch in batches])
    return PolygonBatch(wkb=wkb, offsets=np.concatenate([*offsets, starts[-1:]]), **arrays)
