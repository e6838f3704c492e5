"""Samples: a patch and its contexts, cut from labeled ground at any position, scale and rotation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.spec import Context
from fctl_geo.system.kernels import kernel
from fctl_geo.training.sources import IGNORE, LabeledImage, block_mean
from fctl_geo.windows.window import Window

LEVELS = (1, 2, 4, 8)
"""Each image in memory is kept at these reductions, so that a sample never skips pixels."""


FINEST_STEP_PX = 0.7
"""Least image pixels a sample pixel: more would only show blur."""
LEAST_COVER = 0.5
"""Of a sample's side: images that cover less show too little (as far as the zoom allows)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A patch with its contexts."""

    levels: NDArray[np.uint8]
    """(T, P, P, bands): the patch and each wider context, all at P pixels."""
    valid: NDArray[np.bool_]
    """(T, P, P)."""
    label: NDArray[np.uint8]
    """(P, P) row of the allowed table, or IGNORE."""


@dataclass(frozen=True, slots=True)
class View:
    """Where a sample looks: center in image pixels, pixel size, rotation, mirror."""

    row: float
    col: float
    gsd_m: float
    angle_rad: float = 0.0
    mirror: bool = False


class Ground(Protocol):
    """Labeled imagery that samples are cut from: in memory (`PyramidImage`) or in files (`SceneGround`)."""

    name: str
    gsd_m: float
    size_hw: tuple[int, int]
    bands: int
    labeled: NDArray[np.int64]
    """(n, 2) row and column of pixels with a label, evenly spread."""
    label_at: NDArray[np.uint8]
    """(n,) their labels."""
    area_m2: float
    """Of the labeled part."""

    def pixels_in(
        self, window: Window, step_px: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[float, int, int]]:
        """Pixels and validity around a window of the image, reduced so that steps of `step_px` skip none.

        Returns:
            (h, w, bands), (h, w), and the reduction with the array's first row and column, in reduced pixels.
        """
        ...

    def label_in(self, window: Window) -> tuple[NDArray[np.uint8], int, int]:
        """Labels that cover the part of a window that lies in the image; the array's first row and column."""
        ...


def cut_sample(ground: Ground, view: View, size_px: int, scales: Sequence[Context]) -> Sample:
    """The patch of `size_px` at `view`, and its contexts at the same center and size."""
    levels = np.zeros((len(scales), size_px, size_px, ground.bands), np.uint8)
    valid = np.zeros((len(scales), size_px, size_px), np.bool_)
    label = np.full((size_px, size_px), IGNORE, np.uint8)
    for t, scale in enumerate(scales):
        row, col, axes, step = _axes(ground, view, size_px, scale)
        window = _around(row, col, axes, size_px, step)
        pixels, ok, (reduction, row0, col0) = ground.pixels_in(window, step)
        at = row - row0 * reduction, col - col0 * reduction
        _cut_pixels(pixels, ok, *at, axes, reduction, levels[t], valid[t])
        if t == 0:
            labels, row0, col0 = ground.label_in(window)
            _cut_label(labels, row - row0, col - col0, axes, label)
    return Sample(levels, valid, label)


def _axes(ground: Ground, view: View, size_px: int, scale: Context) -> tuple[float, float, NDArray[np.float64], float]:
    """Center, image pixels a step down and right in the sample, and the longest step."""
    cos, sin = math.cos(view.angle_rad), math.sin(view.angle_rad)
    row, col = view.row, view.col
    down = across = view.gsd_m * (1.0 if scale == "global" else scale) / ground.gsd_m
    if scale == "global":
        row, col = ground.size_hw[0] / 2, ground.size_hw[1] / 2
        down, across = ground.size_hw[0] / size_px, ground.size_hw[1] / size_px
    axes = np.array([cos * down, -sin * down, sin * across, cos * across])
    if view.mirror:
        axes[[1, 3]] *= -1
    return row, col, axes, max(down, across)


def _around(row: float, col: float, axes: NDArray[np.float64], size_px: int, step_px: float) -> Window:
    """The window that holds all the pixels a sample may touch."""
    margin = 2 * max(1.0, step_px) + 2
    high = (abs(axes[0]) + abs(axes[1])) * size_px / 2 + margin
    wide = (abs(axes[2]) + abs(axes[3])) * size_px / 2 + margin
    top, left = math.floor(row - high), math.floor(col - wide)
    return Window(top, left, math.ceil(row + high) - top, math.ceil(col + wide) - left)


class PyramidImage:
    """A labeled image in memory with its reduced versions and a list of its labeled blocks to draw from."""

    BLOCK_PX = 16

    def __init__(self, image: LabeledImage) -> None:
        self.image = image
        self.name, self.gsd_m = image.name, image.gsd_m
        self.size_hw = (image.label.shape[0], image.label.shape[1])
        self.bands = image.pixels.shape[2]
        self.pixels = [image.pixels]
        self.valid = [image.valid]
        for _ in LEVELS[1:]:
            if min(self.pixels[-1].shape[:2]) < 2:
                break
            self.pixels.append(block_mean(self.pixels[-1], 2))
            height, width = self.pixels[-1].shape[:2]
            self.valid.append(np.ascontiguousarray(self.valid[-1][::2, ::2][:height, :width]))
        centers = image.label[8 :: self.BLOCK_PX, 8 :: self.BLOCK_PX]
        rows, cols = np.nonzero(centers != IGNORE)
        self.labeled = np.stack([rows, cols], axis=1) * self.BLOCK_PX + 8
        self.label_at = centers[rows, cols]
        self.area_m2 = len(self.labeled) * (self.BLOCK_PX * self.gsd_m) ** 2

    def pixels_in(
        self, window: Window, step_px: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[float, int, int]]:
        level = min(max(0, round(math.log2(max(step_px, 1.0)) - 0.25)), len(self.pixels) - 1)
        return self.pixels[level], self.valid[level], (float(2**level), 0, 0)

    def label_in(self, window: Window) -> tuple[NDArray[np.uint8], int, int]:
        return self.image.label, 0, 0

    def cut(self, view: View, size_px: int, scales: Sequence[Context]) -> Sample:
        """The patch of `size_px` at `view`, and its contexts at the same center and size."""
        return cut_sample(self, view, size_px, scales)


@kernel
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


@kernel
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
    """Draws samples from weighted groups of grounds, rare labels as often as common ones in part of the draws."""

    def __init__(
        self,
        groups: Sequence[tuple[float, Sequence[Ground]]],
        *,
        gsd_m: float,
        zoom: tuple[float, float],
        size_px: int,
        scales: Sequence[Context],
        balanced_share: float = 0.5,
        turns_only: bool = False,
    ) -> None:
        """Prepare the draws.

        Args:
            zoom: samples are taken at `gsd_m` times a factor in this range (log-uniform).
            balanced_share: of the draws that first choose a label, then a place with it.
            turns_only: turn by quarters only, as the released code does; else half of the samples by any angle.
        """
        labeled = [(w, [g for g in grounds if len(g.labeled)]) for w, grounds in groups]
        labeled = [(w, grounds) for w, grounds in labeled if grounds]
        weights = np.array([w for w, _ in labeled], float)
        self.weights = weights / weights.sum()
        self.groups = [grounds for _, grounds in labeled]
        self.areas = [np.array([g.area_m2 for g in grounds]) for grounds in self.groups]
        self.gsd_m, self.zoom, self.size_px, self.scales = gsd_m, zoom, size_px, tuple(scales)
        self.balanced_share, self.turns_only = balanced_share, turns_only

    @property
    def area_m2(self) -> float:
        """All that is labeled."""
        return float(sum(areas.sum() for areas in self.areas))

    def draw(self, rng: np.random.Generator) -> Sample:
        """One sample at a random place."""
        ground, view = self.place(rng)
        return cut_sample(ground, view, self.size_px, self.scales)

    def place(self, rng: np.random.Generator) -> tuple[Ground, View]:
        """A random labeled place, scale, rotation and mirror."""
        g = int(rng.choice(len(self.groups), p=self.weights))
        ground = self.groups[g][int(rng.choice(len(self.groups[g]), p=self.areas[g] / self.areas[g].sum()))]
        candidates = ground.labeled
        if rng.random() < self.balanced_share:
            labels = np.unique(ground.label_at)
            candidates = candidates[ground.label_at == rng.choice(labels)]
        row, col = candidates[int(rng.integers(len(candidates)))]
        gsd_m = math.exp(rng.uniform(*np.log(self._gsd_range(ground))))
        spread = 0.4 * self.size_px * gsd_m / ground.gsd_m
        quarter = rng.integers(4) * math.pi / 2
        free = rng.uniform(0, math.pi / 2) if rng.random() < 0.5 else 0.0
        margin = 0.35 * self.size_px * gsd_m / ground.gsd_m
        height, width = ground.size_hw
        view = View(
            _inside(row + rng.uniform(-spread, spread), margin, height),
            _inside(col + rng.uniform(-spread, spread), margin, width),
            gsd_m,
            quarter + (0.0 if self.turns_only else free),
            bool(rng.random() < 0.5),
        )
        return ground, view

    def _gsd_range(self, ground: Ground) -> tuple[float, float]:
        """Ground sizes to sample at: of the zoom, those at which the image is neither blown up nor lost in the sample.

        Example: zoom 0.4-2 m, 256 px samples; chips of 128 px at 1.5 m give 1.05-1.5 m, of 572 px at 0.2 m 0.4-0.89 m.
        """
        finest, coarsest = (self.gsd_m * factor for factor in self.zoom)
        low = min(max(finest, FINEST_STEP_PX * ground.gsd_m), coarsest)
        high = max(low, min(coarsest, max(ground.size_hw) * ground.gsd_m / (LEAST_COVER * self.size_px)))
        return low, high


def _inside(position: float, margin: float, size: int) -> float:
    """The position moved to leave `margin` to both ends; the middle where there is no room for that."""
    return size / 2 if size < 2 * margin else min(max(position, margin), size - margin)
