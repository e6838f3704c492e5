"""`fctl-geo polygonise`: converts any class raster to polygons."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .console import Console, console_options
from .options import FILE, outs_option, overwrite_option, polygon_options, polygon_settings, separate_classes_option
from .progress import open_progress


@click.command("polygonise")
@click.argument("classes_raster", metavar="CLASSES", type=FILE)
@outs_option
@polygon_options
@separate_classes_option
@click.option(
    "--confidence", type=FILE, help="Raster of confidence in percent on the same grid; polygons get its mean."
)
@click.option(
    "--gsd", "gsd_m", type=float, metavar="M", help="Pixel size in meters on the ground, if the CRS does not give it."
)
@overwrite_option
@console_options
@click.pass_obj
def command(
    console: Console,
    /,
    classes_raster: Path,
    *,
    outs: tuple[Path, ...],
    confidence: Path | None,
    gsd_m: float | None,
    overwrite: bool,
    **values: Any,
) -> None:
    """Convert the regions of a class raster to polygons.

    Takes any single-band raster of integers from 0 to 254; names and colors come from its palette and its .aux.xml.
    Writes .gpkg, .fgb, .parquet, .geojson, .geojsonl, .geojsons, .shp, .mbtiles, or .pmtiles with the class, name, and
    true area of every region. Memory does not grow with the height of the raster: regions with more than --max-vertices
    are cut into parts that share an object_id.

    \b
    fctl-geo polygonise classes.tif --out regions.gpkg --min-area 10
    fctl-geo polygonise classes.tif --out houses.gpkg --classes building --separate building --neck 2
    """
    from fctl_geo.products.polygonise import polygonise

    from .summary import plain, print_polygons

    settings = polygon_settings(values)
    with open_progress(console) as progress:
        summary = polygonise(
            classes_raster,
            outs,
            settings,
            confidence_path=confidence,
            gsd_m=gsd_m,
            overwrite=overwrite,
            progress=progress,
        )
        progress.done(plain(asdict(summary)))
    print_polygons(summary)
