"""A sieved copy of a class raster, so that rasters and polygons delivered together agree."""

from __future__ import annotations

from pathlib import Path

from fctl_geo.georef.area import pixel_areas
from fctl_geo.polygons.sieve import sieve_strips
from fctl_geo.polygons.strips import read_strips
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import ClassRaster
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.windows.shards import BLOCK_PX
from fctl_geo.windows.window import Window


def write_sieved(raster: ClassRaster, target: Path, min_area: float, progress: Progress) -> None:
    """Write `raster` without regions smaller than `min_area` (m2; px without a CRS) to the new file `target`."""
    areas, width = pixel_areas(raster.frame), raster.frame.width
    with BlockRasterWriter.create(target, raster.frame) as writer:
        progress.stage("sieve", raster.frame.height)
        strips = read_strips(raster, None, areas, progress)
        row = 0
        for strip in sieve_strips(strips, width=width, min_area=min_area, progress=progress):
            for start in range(0, strip.height, BLOCK_PX):
                part = strip.classes[start : start + BLOCK_PX]
                writer.write(Window(row + start, 0, len(part), width), part)
            row += strip.height
