"""`fctl-geo segment`: the main job."""

from __future__ import annotations

import json
from typing import Any

import click

from .console import Console, console_options
from .executor import executor_choice, executor_options, open_executor
from .options import (
    FILE,
    BandList,
    allow_external_option,
    combine,
    engine_options,
    merge_options,
    model_option,
    outs_option,
    overwrite_option,
    polygon_options,
)
from .progress import open_progress

scene_options = combine(
    click.option(
        "--bands", type=BandList(), help="Bands in the model's order: numbers (4,3,2) or names (nir,red,green)."
    ),
    click.option("--aoi", type=FILE, help="Only inside these polygons: any vector file, any CRS."),
    click.option(
        "--bbox", nargs=4, type=float, metavar="W S E N", help="Only inside: west south east north in the scene's CRS."
    ),
    click.option(
        "--gsd", "gsd_m", type=float, metavar="M", help="Ground metres a pixel, for a scene that does not say it."
    ),
    click.option(
        "--grid",
        type=click.Choice(["scene", "model"]),
        default="scene",
        show_default=True,
        help="The output's pixels: the scene's own, or of the model's size.",
    ),
    allow_external_option,
)


@click.command("segment")
@click.argument("scene")
@outs_option
@model_option
@scene_options
@merge_options
@polygon_options
@click.option("--confidence", type=FILE, help="A second raster (.tif): confidence of each pixel's class in percent.")
@engine_options
@executor_options
@click.option("--resume", is_flag=True, help="Go on from the finished parts of a run that was stopped.")
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, scene: str, **values: Any) -> None:
    """Turn a scene into polygons or a raster of classes.

    Takes any raster that GDAL reads: a GeoTIFF, a COG, a VRT, a URL. Gives what the endings of --out ask for: .gpkg,
    .fgb, .parquet, .geojson (polygons) or .tif (class raster); with polygons alone the raster is temporary. Takes as
    long as it says before it starts; a run that was stopped goes on with --resume.

    \b
    fctl-geo segment town.tif --out town.gpkg
    fctl-geo segment region.tif --model landcover --out cover.tif --out cover.gpkg --min-area 20
    """
    from fctl_geo.pipeline import segment_scene
    from fctl_geo.settings import Settings

    from .summary import print_run

    choice, settings = executor_choice(values), Settings.of(values)
    with open_progress(console) as progress:
        with open_executor(choice, settings.engine, progress) as executor:
            summary = segment_scene(scene, settings, executor=executor, progress=progress)
        progress.done(json.loads(summary.to_json()))
    print_run(summary)
