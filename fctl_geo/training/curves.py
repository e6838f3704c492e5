"""Figures of a training run: learning curves from its log, and samples with truth and prediction. Needs matplotlib."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fctl_geo.errors import TrainingError
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.report.views import RGB, class_colors
from fctl_geo.spec import NODATA, Legend
from fctl_geo.training.augment import to_tensors
from fctl_geo.training.log import read_log
from fctl_geo.training.metrics import truth_of_rows
from fctl_geo.training.samples import Sample, SampleSource
from fctl_geo.training.sources import AllowedTable

SAMPLES = 4


def draw_curves(log: Path, out: Path) -> Path:
    """Loss and validation IoU over the steps of a log, as PNG."""
    rows = read_log(log)
    figure, (loss, iou) = _figure(1, 2, (11, 4))
    _plot(loss, [(step, value) for step, what, _, value in rows if what == "loss"], "loss")
    lines: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for step, what, name, value in rows:
        if what not in ("loss", "learning rate"):
            lines[f"{what}: {name}"].append((step, value))
    for label, points in lines.items():
        _plot(iou, points, label, thick=label.endswith("mIoU"))
    loss.set_title("loss")
    iou.set_title("IoU on the validation places, patch by patch")
    iou.set_ylim(0, 1)
    for axis in (loss, iou):
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    if lines:
        iou.legend(fontsize=7)
    return _save(figure, out)


def draw_samples(
    network: SegmentationNetwork, samples: SampleSource, legend: Legend, table: AllowedTable, out: Path
) -> Path:
    """Some samples: image, truth, and the network's prediction, as PNG."""
    lookup = truth_of_rows(table)
    rng = np.random.default_rng(3)
    figure, axes = _figure(SAMPLES, 3, (9, 3 * SAMPLES))
    for row in np.reshape(axes, (SAMPLES, 3)):
        sample = samples.draw(rng)
        guess = np.where(sample.valid[0], _guess(network, sample), NODATA).astype(np.uint8)
        pictures = (_rgb(sample), _painted(lookup[sample.label], legend), _painted(guess, legend))
        for axis, picture, title in zip(row, pictures, ("image", "truth", "prediction"), strict=True):
            axis.imshow(picture)
            axis.set_title(title, fontsize=9)
            axis.set_axis_off()
    return _save(figure, out)


@torch.inference_mode()
def _guess(network: SegmentationNetwork, sample: Sample) -> NDArray[np.uint8]:
    levels = to_tensors(sample)[0][None]
    prepared = [network.prepare(levels[:, t]) for t in range(levels.shape[1])]
    return np.asarray(network.of_classes(network(prepared[0], prepared[1:])).argmax(1)[0].numpy(), np.uint8)


def _painted(indices: NDArray[np.uint8], legend: Legend) -> RGB:
    ids = np.full(256, NODATA, np.uint8)
    ids[: len(legend)] = [c.id for c in legend]
    return class_colors(ids[indices], legend)


def _rgb(sample: Sample) -> RGB:
    bands = sample.levels[0]
    return bands[..., :3] if bands.shape[-1] >= 3 else np.repeat(bands[..., :1], 3, axis=-1)


def _figure(rows: int, cols: int, size: tuple[float, float]) -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise TrainingError("the figures need matplotlib", hint="pip install 'fctl-geo[train]'") from None
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, cols)


def _plot(axis: Any, points: Sequence[tuple[int, float]], label: str, *, thick: bool = False) -> None:
    axis.plot(*zip(*points, strict=True), label=label, marker=".", lw=2.5 if thick else 1.2) if points else None


def _save(figure: Any, out: Path) -> Path:
    """Write the PNG atomically."""
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.stem}.partial.png")
    try:
        figure.savefig(aside, dpi=90, metadata={"Software": None})
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return out
