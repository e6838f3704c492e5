"""What the network sees and how it weighs it: contexts, correlation, fusion. The numbers are those of a real pass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scenes import Place, photograph
from sheet import open_sheet, save, show
from torch.nn import functional as F

from fctl_geo.model.modelfile import load_networks, read_model_info, resolve_model

MODEL = "buildings"
PLACE = Place("mediterranean", 7, (1536, 1536))
PATCH_PX = 512
FACTOR = 3
"""The wide context of the shipped models: three times the patch."""
ASKED = ((10, 8), (20, 21), (5, 27))
"""Cells of the patch (row, column) whose attention is shown."""
COLORS = ("#ffd400", "#00c8ff", "#ff4fd8")


@dataclass(frozen=True, slots=True)
class Pass:
    """One patch on its way through the network."""

    patch: NDArray[np.uint8]
    """(3, 512, 512)."""
    context: NDArray[np.uint8]
    """(3, 512, 512) the surroundings, three times as wide, at a third of the resolution."""
    attention: NDArray[np.float32]
    """(h * w, H, W) for each cell of the patch: how much it takes from each cell of the context."""
    fusion: NDArray[np.float32]
    """(streams, h, w) weights, which sum to 1 in each cell."""


@cache
def run_pass() -> Pass:
    """Run the middle patch of the scene through the shipped network and keep the weights on the way."""
    scene = photograph(PLACE)
    begin = (scene.shape[1] - PATCH_PX) // 2
    patch = scene[:, begin : begin + PATCH_PX, begin : begin + PATCH_PX]
    context = scene.reshape(3, PATCH_PX, FACTOR, PATCH_PX, FACTOR).mean((2, 4)).astype(np.uint8)
    network: Any = load_networks(resolve_model(MODEL), read_model_info(MODEL))["segmentation"]
    with torch.inference_mode():
        pixels, wide = (network.prepare(torch.from_numpy(image[None] / np.float32(255))) for image in (patch, context))
        deep, around = network.encoder(pixels)[-1], network.encode_context(wide)
        correlate = network.correlations[1]
        pooled = F.avg_pool2d(around, correlate.pooled_cells)
        query, key = (t.flatten(2)[0] for t in (correlate.query(deep), correlate.key(pooled)))
        scores = torch.softmax(query.T @ key / key.shape[0] ** 0.5, dim=1)
        streams = [
            correlation(deep, seen) for correlation, seen in zip(network.correlations, (deep, around), strict=True)
        ]
        fusion = network.fusion
        weights = torch.softmax(fusion.split(F.relu(fusion.squeeze(torch.cat(streams, 1)))), 1)[0]
    return Pass(patch, context, scores.reshape(-1, *pooled.shape[-2:]).numpy(), weights.numpy())


def draw_contexts(path: Path) -> None:
    """The scene with both windows, and the two images that enter the network."""
    seen, begin = run_pass(), (PLACE.size_hw[0] - PATCH_PX) // 2
    figure, grid = open_sheet(["on the map", "the patch, x1", "its context, x3"])
    show(grid[0, 0], photograph(PLACE))
    whole = PLACE.size_hw[0]
    for corner, side, color in ((6, whole - 12, COLORS[1]), (begin, PATCH_PX, COLORS[0])):
        grid[0, 0].add_patch(Rectangle((corner, corner), side, side, fill=False, edgecolor=color, linewidth=2.5))
    for axis, image, color in ((grid[0, 1], seen.patch, COLORS[0]), (grid[0, 2], seen.context, COLORS[1])):
        show(axis, image)
        for spine in axis.spines.values():
            spine.set(color=color, linewidth=3)
    save(figure, path)


def draw_correlation(path: Path) -> None:
    """Three cells of the patch, and where in the context each of them looks."""
    seen = run_pass()
    cell_px, across = 16, PATCH_PX // 16
    figure, grid = open_sheet(["three cells of the patch", *("where it looks in the context",) * 3])
    show(grid[0, 0], seen.patch)
    for (row, column), color, axis in zip(ASKED, COLORS, grid[0, 1:], strict=True):
        corner = (column * cell_px, row * cell_px)
        grid[0, 0].add_patch(Rectangle(corner, cell_px, cell_px, fill=False, edgecolor=color, linewidth=2.5))
        weights = seen.attention[row * across + column]
        show(axis, seen.context.mean(0) * 0.55, cmap="gray", vmin=0, vmax=255)
        bright = np.clip(weights / np.quantile(weights, 0.995), 0, 1)
        layer = np.zeros((*weights.shape, 4), np.float32)
        layer[..., :3] = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        layer[..., 3] = 0.85 * bright
        show(axis, layer, extent=(0, PATCH_PX, PATCH_PX, 0), interpolation="bilinear")
        for spine in axis.spines.values():
            spine.set(color=color, linewidth=3)
    save(figure, path)


def draw_fusion(path: Path) -> None:
    """The weight of each stream in each cell."""
    seen = run_pass()
    figure, grid = open_sheet(["the patch", "weight of the local context", "weight of the wide context"])
    show(grid[0, 0], seen.patch)
    for axis, weights in zip(grid[0, 1:], seen.fusion, strict=True):
        extent = (0, PATCH_PX, PATCH_PX, 0)
        show(axis, weights, extent=extent, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    drawn = grid[0, 2].images[0]
    figure.colorbar(drawn, ax=grid[0, 2], fraction=0.046, pad=0.02)
    save(figure, path)
