"""Samples: a patch and its contexts, cut from labelled images at any position, scale and rotation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from fctl_geo.training.sources import IGNORE, LabelledImage, block_mean

LEVELS = (1, 2, 4, 8)
"""Each image is kept at these reductions, so that a sample never skips pixels."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A patch with its contexts."""

    levels: NDArray[np.uint8]
    """(T, P, P, 3): the patch and each wider context, all at P pixels."""
    valid: NDArray[np.bool_]
    """(T, P, P)."""
    label: NDArray[np.uint8]
    """(P, P) row of the allowed table, or IGNORE."""


@dataclass(frozen=True, slots=True)
class View:
    """Where a sample looks: centre in image pixels, pixel size, rotation, mirror."""

    row: float
    col: float
    gsd_m: float
    angle_rad: float = 0.0
    mirror: bool = False


class PyramidImage:
    """A labelled image with its reduced versions and a list of its labelled blocks to draw from."""

    BLOCK_PX = 16

    def __init__(self, image: LabelledImage) -> None:
        self.image = image
        self.pixels = [image.pixels]
        self.valid = [image.valid]
        for _ in LEVELS[1:]:
            if min(self.pixels[-1].shape[:2]) < 2:
                break
            self.pixels.append(block_mean(self.pixels[-1], 2))
            height, width = self.pixels[-1].shape[:2]
            self.valid.append(np.ascontiguousarray(self.valid[-1][::2, ::2][:height, :width]))
        centres = image.label[8 :: self.BLOCK_PX, 8 :: self.BLOCK_PX]
        rows, cols = np.nonzero(centres != IGNORE)
        self.labelled = np.stack([rows, cols], axis=1) * self.BLOCK_PX + 8
        self.label_at = centres[rows, cols]

    def cut(self, view: View, size_px: int, scales: tuple[int, ...]) -> Sample:
        """The patch of `size_px` at `view`, and its contexts at the same centre and size."""
        levels = np.zeros((len(scales), size_px, size_px, 3), np.uint8)
        valid = np.zeros((len(scales), size_px, size_px), np.bool_)
        label = np.full((size_px, size_px), IGNORE, np.uint8)
        cos, sin = math.cos(view.angle_rad), math.sin(view.angle_rad)
        for t, scale in enumerate(scales):
            step = view.gsd_m * scale / self.image.gsd_m  # image pixels a sample pixel
            level = min(max(0, round(math.log2(max(step, 1.0)) - 0.25)), len(self.pixels) - 1)
            reduction = float(2**level)
            axes = np.array([cos * step, -sin * step, sin * step, cos * step])
            if view.mirror:
                axes[[1, 3]] *= -1
            _cut_pixels(self.pixels[level], self.valid[level], view.row, view.col, axes, reduction, levels[t], valid[t])
            if t == 0:
                _cut_label(self.image.label, view.row, view.col, axes, label)
        return Sample(levels, valid, label)


@numba.njit(cache=True, nogil=True)
def _cut_pixels(pixels, valid, row, col, axes, reduction, out, ok):  # type: ignore[no-untyped-def]
    height, width, bands = pixels.shape
    size = out.shape[0]
    half = (size - 1) / 2.0
    for i in range(size):
        for j in range(size):
            r = (row + axes[0] * (i - half) + axes[1] * (j - half)) / reduction - 0.5
            c = (col + axes[2] * (i - half) + axes[3] * (j - half)) / reduction - 0.5
            nearest_r, nearest_c = math.floor(r + 0.5), math.floor(c + 0.5)
            if not (0 <= nearest_r < height and 0 <= nearest_c < width) or not valid[nearest_r, nearest_c]:
                continue
            r0 = min(max(math.floor(r), 0), height - 1)
            c0 = min(max(math.floor(c), 0), width - 1)
            r1, c1 = min(r0 + 1, height - 1), min(c0 + 1, width - 1)
            fr, fc = min(max(r - r0, 0.0), 1.0), min(max(c - c0, 0.0), 1.0)
            ok[i, j] = True
            for b in range(bands):
                top = pixels[r0, c0, b] * (1 - fc) + pixels[r0, c1, b] * fc
                bottom = pixels[r1, c0, b] * (1 - fc) + pixels[r1, c1, b] * fc
                out[i, j, b] = int(top * (1 - fr) + bottom * fr + 0.5)


@numba.njit(cache=True, nogil=True)
def _cut_label(label, row, col, axes, out):  # type: ignore[no-untyped-def]
    height, width = label.shape
    size = out.shape[0]
    half = (size - 1) / 2.0
    for i in range(size):
        for j in range(size):
            r = math.floor(row + axes[0] * (i - half) + axes[1] * (j - half))
            c = math.floor(col + axes[2] * (i - half) + axes[3] * (j - half))
            if 0 <= r < height and 0 <= c < width:
                out[i, j] = label[r, c]


class SampleSource:
    """Draws samples from weighted groups of images, rare labels as often as common ones in part of the draws."""

    def __init__(
        self,
        groups: list[tuple[float, list[LabelledImage]]],
        *,
        gsd_m: float,
        zoom: tuple[float, float],
        size_px: int,
        scales: tuple[int, ...],
        balanced_share: float = 0.5,
    ) -> None:
        weights = np.array([w for w, _ in groups], float)
        self.weights = weights / weights.sum()
        self.groups = [[p for p in map(PyramidImage, images) if len(p.labelled)] for _, images in groups]
        self.areas = [np.array([len(p.labelled) * p.image.gsd_m**2 for p in g]) for g in self.groups]
        self.gsd_m, self.zoom, self.size_px, self.scales = gsd_m, zoom, size_px, scales
        self.balanced_share = balanced_share

    def draw(self, rng: np.random.Generator) -> Sample:
        """One sample at a random place."""
        image, view = self.place(rng)
        return image.cut(view, self.size_px, self.scales)

    def place(self, rng: np.random.Generator) -> tuple[PyramidImage, View]:
        """A random labelled place, scale, rotation and mirror."""
        g = int(rng.choice(len(self.groups), p=self.weights))
        image = self.groups[g][int(rng.choice(len(self.groups[g]), p=self.areas[g] / self.areas[g].sum()))]
        candidates = image.labelled
        if rng.random() < self.balanced_share:
            labels = np.unique(image.label_at)
            candidates = candidates[image.label_at == rng.choice(labels)]
        row, col = candidates[int(rng.integers(len(candidates)))]
        gsd_m = self.gsd_m * math.exp(rng.uniform(math.log(self.zoom[0]), math.log(self.zoom[1])))
        spread = 0.4 * self.size_px * gsd_m / image.image.gsd_m
        quarter = rng.integers(4) * math.pi / 2
        angle = quarter + (rng.uniform(0, math.pi / 2) if rng.random() < 0.5 else 0.0)
        margin = 0.35 * self.size_px * gsd_m / image.image.gsd_m
        height, width = image.image.label.shape
        view = View(
            _inside(row + rng.uniform(-spread, spread), margin, height),
            _inside(col + rng.uniform(-spread, spread), margin, width),
            gsd_m,
            angle,
            bool(rng.random() < 0.5),
        )
        return image, view


def _inside(position: float, margin: float, size: int) -> float:
    """The position moved to leave `margin` to both ends; the middle where there is no room for that."""
    return size / 2 if size < 2 * margin else min(max(position, margin), size - margin)
