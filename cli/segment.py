"""`fctl-geo segment`: turns a scene into a class raster and polygons."""

from __future__ import annotations

import json
from typing import Any

import click

from fctl_geo.settings import SEGMENTING_MODEL, OutputSettings, SceneSettings

from .console import Console, console_options
from .executor import executor_choice, executor_options, open_executor
from .options import (
    FILE,
    BandList,
    FiniteFloat,
    MaskRule,
    allow_external_option,
    combine,
    engine_options,
    merge_options,
    model_option,
    option_of,
    outs_option,
    overwrite_option,
    polygon_options,
    separate_option,
)
from .progress import open_progress

scene_options = combine(
    option_of(
        SceneSettings,
        "bands",
        "--bands",
        type=BandList(),
        help="Bands in the order the model expects: numbers (4,3,2) or names (nir,red,green).",
    ),
    option_of(
        SceneSettings, "aoi", "--aoi", type=FILE, help="Segment only inside these polygons: any vector file, any CRS."
    ),
    option_of(
        SceneSettings,
        "bbox",
        "--bbox",
        nargs=4,
        type=FiniteFloat(),
        metavar="W S E N",
        help="Segment only inside this box: west south east north in the scene's CRS.",
    ),
    option_of(
        SceneSettings,
        "gsd_m",
        "--gsd",
        type=float,
        metavar="M",
        help="Pixel size in meters at which the model reads the scene; areas use it only if the CRS gives no size.",
    ),
    option_of(
        SceneSettings,
        "grid",
        "--grid",
        help="Pixel grid of the outputs: the scene's own, or one at the model's pixel size.",
    ),
    option_of(
        SceneSettings,
        "mask",
        "--mask",
        type=MaskRule(),
        metavar="RULE",
        help="Which pixels are nodata. auto: as the file declares; none: only NaN; alpha: by the alpha band only; "
        "nodata=VALUE: those with this value in all bands.",
    ),
    allow_external_option,
)


@click.command("segment")
@click.argument("scene")
@outs_option
@model_option(SEGMENTING_MODEL)
@scene_options
@merge_options
@polygon_options
@separate_option
@option_of(
    OutputSettings,
    "confidence",
    "--confidence",
    type=FILE,
    help="Also write a raster (.tif) with the confidence of each pixel's class in percent.",
)
@engine_options
@executor_options
@option_of(OutputSettings, "resume", "--resume", is_flag=True, help="Continue a stopped run from its finished parts.")
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, scene: str, **values: Any) -> None:
    """Turn a scene into polygons or a class raster.

    Takes any raster that GDAL reads: a GeoTIFF, a COG, a VRT, a URL. The extension of each --out selects the product:
    .gpkg, .fgb, .parquet, .geojson, .geojsonl, .geojsons, .shp, .mbtiles, or .pmtiles (polygons), or .tif (class
    raster); if only polygons are written, the raster is temporary. Prints an estimate of the time before it starts;
    --resume continues a run that was stopped.

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
            summary = segment_scene(scene, settings, executor=executor, progress=progress).summary
        progress.done(json.loads(summary.to_json()))
    print_run(summary)
