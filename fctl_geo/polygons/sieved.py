"""A sieved copy of a class raster, so that rasters and polygons that are handed out together agree."""

from __future__ import annotations

from pathlib import Path

from fctl_geo.georef.area import pixel_areas
from fctl_geo.polygons.sieve import sieve_strips
from fctl_geo.polygons.strips import read_strips
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.raster.writer import BLOCK_PX, BlockRasterWriter
from fctl_geo.spec import Legend
from fctl_geo.windows.window import Window


def write_sieved(
    source: Path, target: Path, min_area: float, legend: Legend, gsd_m: float | None, progress: Progress
) -> None:
    """Write `source` without regions smaller than `min_area` (m2; px without a CRS) to the new file `target`."""
    with (
        open_class_raster(source, legend, trusted=True) as raster,
        BlockRasterWriter.create(target, raster.frame) as writer,
    ):
        areas = pixel_areas(raster.frame, gsd_m)
        progress.stage("sieve", raster.frame.height)
        strips = read_strips(raster, None, areas, progress)
        row, width = 0, raster.frame.width
        for strip in sieve_strips(strips, width=width, min_area=min_area):
            for start in range(0, strip.height, BLOCK_PX):
                part = strip.classes[start : start + BLOCK_PX]
                writer.write(Window(row + start, 0, len(part), width), part)
            row += strip.height
