"""The summary of a run: area per class, time, files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from fctl_geo.georef.area import pixel_areas
from fctl_geo.polygons.strips import read_strips
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import ClassRaster
from fctl_geo.run.spec import RunInputs
from fctl_geo.spec import NODATA


@dataclass(frozen=True, slots=True)
class ClassArea:
    """Area and share of one class."""

    name: str
    area: float
    """In the summary's unit."""
    share: float
    """Of the classified area, 0..1."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The result of a run."""

    classes: tuple[ClassArea, ...]
    nodata_share: float
    """Of all pixels of the output, 0..1."""
    unit: str
    """Of areas: 'm2', or 'px' if the pixel size is unknown."""
    device: str
    seconds: float
    megapixels: float
    """Millions of output pixels."""
    files: tuple[Path | str, ...]
    """Remote files are given by their address."""
    warnings: tuple[str, ...] = ()
    cut_regions: int = 0
    """Number of regions that were too large for one polygon and were cut (see `PolygonSettings.max_vertices`)."""
    parts: int = 0
    """Number of polygons that are parts of those regions."""
    inputs: RunInputs | None = field(default=None, repr=False)
    """What the products depend on; None for a refinement."""

    @property
    def megapixels_per_s(self) -> float:
        """Millions of output pixels per second, including reading and writing."""
        return self.megapixels / self.seconds

    def to_json(self) -> str:
        """Everything except `inputs`, as one line of JSON."""
        values = asdict(replace(self, inputs=None)) | {"megapixels_per_s": self.megapixels_per_s}
        del values["inputs"]
        return json.dumps({**values, "files": [str(f) for f in self.files]}, ensure_ascii=False)


def measure_classes(raster: ClassRaster, progress: Progress) -> tuple[tuple[ClassArea, ...], float, str]:
    """Area per class, share of nodata and unit of area of a class raster, read once from top to bottom."""
    areas = pixel_areas(raster.frame)
    totals, counts = np.zeros(256), np.zeros(256, np.int64)
    progress.stage("measure", raster.frame.height)
    for strip in read_strips(raster, None, areas, progress):
        for block in range(0, strip.classes.shape[1], 64):
            part = strip.classes[:, block : block + 64]
            keys = part.astype(np.int64) + 256 * np.arange(part.shape[0])[:, None]
            count = np.bincount(keys.ravel(), minlength=256 * part.shape[0]).reshape(-1, 256)
            counts += count.sum(0)
            totals += count.sum(0) if strip.area is None else np.nan_to_num(strip.area[:, block // 64]) @ count
    whole = totals.sum() - totals[NODATA]
    classes = tuple(
        ClassArea(c.name, float(totals[c.id]), float(totals[c.id] / whole) if whole else 0.0) for c in raster.legend
    )
    return classes, float(counts[NODATA] / counts.sum()), areas.unit
