"""What a run did: area per class, time, files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fctl_geo.georef.area import pixel_areas
from fctl_geo.polygons.strips import read_strips
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.spec import NODATA, Legend


@dataclass(frozen=True, slots=True)
class ClassArea:
    """One class in numbers."""

    name: str
    area: float
    """In the summary's unit."""
    share: float
    """Of the classified area, 0..1."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did."""

    classes: tuple[ClassArea, ...]
    nodata_share: float
    """Of all pixels of the output, 0..1."""
    unit: str
    """Of areas: 'm2', or 'px' where the scene has no CRS."""
    device: str
    seconds: float
    megapixels_per_s: float
    """Millions of output pixels a second, from file to file."""
    files: tuple[Path | str, ...]
    """Those that went elsewhere by their address."""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """All of it, on one line."""
        return json.dumps({**asdict(self), "files": [str(f) for f in self.files]}, ensure_ascii=False)


def measure_classes(
    path: Path, legend: Legend, gsd_m: float | None, progress: Progress
) -> tuple[tuple[ClassArea, ...], float, str]:
    """Area per class, share of nodata and the areas' unit of a class raster, read once from top to bottom."""
    with open_class_raster(path, legend, trusted=True) as raster:
        areas = pixel_areas(raster.frame, gsd_m)
        totals, counts = np.zeros(256), np.zeros(256, np.int64)
        progress.stage("measure", raster.frame.height)
        for strip in read_strips(raster, None, areas, progress):
            for block in range(0, strip.classes.shape[1], 64):
                part = strip.classes[:, block : block + 64]
                keys = part.astype(np.int64) + 256 * np.arange(part.shape[0])[:, None]
                count = np.bincount(keys.ravel(), minlength=256 * part.shape[0]).reshape(-1, 256)
                counts += count.sum(0)
                totals += count.sum(0) if strip.area is None else strip.area[:, block // 64] @ count
    whole = totals.sum() - totals[NODATA]
    classes = tuple(
        ClassArea(c.name, float(totals[c.id]), float(totals[c.id] / whole) if whole else 0.0) for c in legend
    )
    return classes, float(counts[NODATA] / counts.sum()), areas.unit
