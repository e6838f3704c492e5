"""`fctl-geo refine`: applies the refinement network alone to any class raster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from fctl_geo.settings import REFINING_MODEL

from .console import Console, console_options
from .options import FILE, engine_options, engine_settings, model_option, overwrite_option
from .progress import open_progress


@click.command("refine")
@click.argument("classes", type=FILE)
@click.option("--out", type=FILE, required=True, help="Class raster (.tif) to write.")
@model_option(REFINING_MODEL)
@engine_options
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, classes: Path, out: Path, model: str, overwrite: bool, **values: Any) -> None:
    """Clean up borders and small errors in a class raster.

    Takes any single-band raster of class numbers, and a model that has a refinement network. Writes a class raster with
    the same legend on the same grid; nodata stays nodata. Takes less time than `segment`.

    \b
    fctl-geo refine classes.tif --out refined.tif
    """
    from fctl_geo.pipeline import refine_raster

    from .summary import print_run

    engine = engine_settings(values)
    with open_progress(console) as progress:
        summary = refine_raster(classes, out, model=model, engine=engine, overwrite=overwrite, progress=progress)
        progress.done(json.loads(summary.to_json()))
    print_run(summary)
