"""Where objects of one class touch, computed from masks: the target of a network's edge plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NECK_M = 2.5
"""Regions are split where they are narrower than this."""
GAP_M = 1.5
"""Objects that are closer than this count as touching."""
_LINE_M = 0.75
"""Width of the line between them."""


def touching(mask: NDArray[np.bool_], gsd_m: float) -> NDArray[np.bool_]:
    """(h, w) True on the lines between touching objects of a (h, w) mask: gaps, and necks within a region."""
    from scipy import ndimage

    if not mask.any():
        return np.zeros_like(mask)
    objects = _split_at_necks(mask, max(1.5, NECK_M / 2 / gsd_m))
    if objects.max() < 2:
        return np.zeros_like(mask)
    far, nearest = ndimage.distance_transform_edt(objects == 0, return_indices=True)
    owner = np.where(far <= max(1.0, GAP_M / 2 / gsd_m), objects[tuple(nearest)], 0)
    side_px = 2 * max(1, round(_LINE_M / 2 / gsd_m)) + 1
    most = ndimage.maximum_filter(owner, side_px)
    least = ndimage.minimum_filter(np.where(owner > 0, owner, np.iinfo(owner.dtype).max), side_px)
    lines: NDArray[np.bool_] = (owner > 0) & (least < most)
    return lines


def _split_at_necks(mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.int32]:
    """Numbered regions, each divided among its cores: the parts farther than `radius_px` from its contour."""
    from scipy import ndimage

    regions, _ = ndimage.label(mask)
    cores, count = ndimage.label(ndimage.distance_transform_edt(mask) > radius_px)
    region_of = ndimage.maximum(regions, cores, np.arange(1, count + 1)).astype(int) if count else np.zeros(0, int)
    boxes = ndimage.find_objects(regions)
    for region in np.flatnonzero(np.bincount(region_of) > 1):
        box = boxes[region - 1]
        here = regions[box] == region
        own = np.where(here, cores[box], 0)
        nearest = ndimage.distance_transform_edt(own == 0, return_distances=False, return_indices=True)
        regions[box] = np.where(here, len(boxes) + own[tuple(nearest)], regions[box])
    numbered: NDArray[np.int32] = regions.astype(np.int32)
    return numbered
