"""A small segmentation with a report: `make_report(folder, model)`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scene_factory import make_pixels, make_scene

from fctl_geo import OutputSettings, Settings, segment_scene
from fctl_geo.products.summary import RunSummary
from fctl_geo.settings import EngineSettings

HEIGHT, WIDTH, GSD_M = 420, 610, 0.3
NAME = "<img src=x onerror=alert(1)> & town.tif"
"""A name that must not become HTML."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The products of a run with a report."""

    page: Path
    classes: Path
    confidence: Path
    polygons: Path
    summary: RunSummary


def make_report(folder: Path, model: Path) -> Reported:
    """Segment hills with a hole of nodata in rows 30 to 80, columns 500 to 560."""
    pixels = make_pixels(3, HEIGHT, WIDTH)
    pixels[:, 30:80, 500:560] = 0
    scene = make_scene(folder / NAME, pixels=pixels, gsd=GSD_M, nodata=0)
    page, classes = folder / "report.html", folder / "classes.tif"
    confidence, polygons = folder / "confidence.tif", folder / "polygons.gpkg"
    outs = OutputSettings(outs=(classes, polygons), confidence=confidence, report=page)
    settings = Settings(model=str(model), engine=EngineSettings(device="cpu", threads=1), output=outs)
    return Reported(page, classes, confidence, polygons, segment_scene(scene, settings).summary)
