"""`fctl-geo polygonise`: polygons of anybody's class raster."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .console import Console, console_options
from .options import FILE, outs_option, overwrite_option, polygon_options, polygon_settings
from .progress import open_progress


@click.command("polygonise")
@click.argument("classes_raster", metavar="CLASSES", type=FILE)
@outs_option
@polygon_options
@click.option("--confidence", type=FILE, help="A raster of percentages on the same grid; polygons get its mean.")
@click.option(
    "--gsd", "gsd_m", type=float, metavar="M", help="Ground metres a pixel, for a raster that does not say it."
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
    """Draw the regions of a class raster as polygons.

    Takes any single-band raster of whole numbers from 0 to 254; names and colours come from its palette and its
    .aux.xml. Gives .gpkg, .fgb, .parquet or .geojson with class, name and true area of every region. Takes the same
    memory for any size.

    \b
    fctl-geo polygonise classes.tif --out regions.gpkg --min-area 10
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
