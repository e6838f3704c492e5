"""How good a model file is: the whole pipeline on labelled images, compared pixel by pixel at their own resolution."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fctl_geo.progress import Progress, Silent, check_cancelled
from fctl_geo.settings import Settings
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.recipe import SourceSpec
from fctl_geo.training.sources import AllowedTable, LabelledImage, load_source
from fctl_geo.training.write_image import write_image


def evaluate_sources(
    model: Path,
    sources: tuple[SourceSpec, ...],
    table: AllowedTable,
    data: Path,
    settings: Mapping[str, object],
    progress: Progress,
) -> dict[str, dict[str, float]]:
    """IoU per class and their mean ('mIoU') of each set of images.

    Args:
        settings: what else the segmentation is told (merge, tta, refine, ...).
    """
    results = {}
    for source in sources:
        confusion = Confusion(len(table.names))
        for image in load_source(source, table, data, 0.0):
            check_cancelled(progress)
            confusion.add(_segment(model, image, settings), image.label, table)
        results[source.name] = confusion.iou(table.names)
        progress.say(f"{source.name}: " + ", ".join(f"{k} {v:.3f}" for k, v in results[source.name].items()))
    return results


def _segment(model: Path, image: LabelledImage, settings: Mapping[str, object]) -> NDArray[np.uint8]:
    """The classes that a user would get: the picture alone, with unmarked holes and all."""
    from fctl_geo.pipeline import segment_scene
    from fctl_geo.raster.reader import open_class_raster

    with tempfile.TemporaryDirectory() as folder:
        scene, out = Path(folder) / "scene.tif", Path(folder) / "classes.tif"
        write_image(scene, image.pixels)
        told = {"model": str(model), "outs": (out,), "gsd_m": image.gsd_m, **settings}
        segment_scene(scene, Settings.of(told), progress=Silent())
        with open_class_raster(out) as raster:
            return raster.rows(0, raster.frame.height)
