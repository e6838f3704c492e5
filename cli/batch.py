"""`fctl-geo batch`: segments many scenes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.batch.settings import BatchSettings
from fctl_geo.settings import SEGMENTING_MODEL

from .console import Console, console_options
from .executor import executor_choice, executor_options, open_executor
from .options import (
    FILE,
    combine,
    engine_options,
    merge_options,
    model_option,
    option_of,
    polygon_options,
    separate_option,
)
from .progress import open_progress
from .segment import scene_options

if TYPE_CHECKING:
    from fctl_geo.batch.inputs import SceneInput

EXIT_SOME_FAILED = 3
"""The batch was completed, but some scenes failed."""

batch_options = combine(
    click.option(
        "--out", type=FILE, required=True, metavar="DIR", help="Folder for the products; may be s3://bucket/folder."
    ),
    option_of(
        BatchSettings,
        "record",
        "--record",
        type=FILE,
        metavar="DIR",
        help="Local folder for the record and unfinished work. [default: the folder of --out]",
    ),
    option_of(
        BatchSettings,
        "formats",
        "--format",
        multiple=True,
        help="Format of the products. May be given more than once.",
    ),
    option_of(
        BatchSettings,
        "confidence",
        "--confidence",
        is_flag=True,
        help="Also write NAME-confidence.tif: the confidence of each pixel in percent.",
    ),
    option_of(
        BatchSettings,
        "report",
        "--report",
        is_flag=True,
        help="Also write NAME.html: a page with a map, areas, confidence, sizes, and the facts of the run.",
    ),
    option_of(
        BatchSettings,
        "template",
        "--template",
        help="Names of the products, from the scene's {stem}, its folder {parent}, and its {number:05d}; '/' creates "
        "subfolders.",
    ),
    option_of(
        BatchSettings, "on_error", "--on-error", help="When a scene fails: continue with the next (skip), or stop."
    ),
    option_of(
        BatchSettings,
        "time_limit_s",
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        callback=lambda ctx, option, minutes: None if minutes is None else 60 * minutes,
        metavar="MINUTES",
        help="Stop a scene that takes longer and count it as failed; the batch continues.",
    ),
    click.option("--mosaic", is_flag=True, help="Treat adjacent scenes as one: contexts and polygons cross borders."),
    click.option("--split", is_flag=True, help="With --mosaic: write a file for each scene, cut from the whole."),
    click.option(
        "--stac",
        metavar="FILE|URL",
        help="Read the scenes from a STAC item collection; items for the results are written to items.json.",
    ),
    click.option("--asset", metavar="KEY", help="Asset of the STAC items that holds the scene."),
    option_of(
        BatchSettings,
        "overwrite",
        "--overwrite",
        is_flag=True,
        help="Also replace files that were not written by an earlier call.",
    ),
)


@click.command("batch")
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@batch_options
@model_option(SEGMENTING_MODEL)
@scene_options
@merge_options
@polygon_options
@separate_option
@engine_options
@executor_options
@console_options
@click.pass_context
def command(ctx: click.Context, /, inputs: tuple[str, ...], stac: str | None, asset: str | None, **values: Any) -> None:
    """Segment many scenes; run it again to process only what is missing, has changed, or failed.

    Takes folders, text lists (one scene per line), quoted globs, files, and URLs. Writes the products of each scene
    under its own name, and a record of all scenes (DIR/batch.sqlite). A scene that fails is reported with the reason
    and does not stop the others; the exit code is then 3.

    \b
    fctl-geo batch orthos/ --out buildings --format gpkg --format tif
    fctl-geo batch 'tiles/**/*.tif' --out cover --model landcover --mosaic --workers 4
    """
    from fctl_geo.batch.mosaics import join_neighbors
    from fctl_geo.batch.run_batch import run_batch
    from fctl_geo.batch.stac import write_results
    from fctl_geo.settings import Settings

    from .summary import print_batch

    console: Console = ctx.obj
    mosaic, split = values.pop("mosaic"), values.pop("split")
    _check_usage(inputs, stac, mosaic=mosaic, split=split)
    batch = BatchSettings(**{name: values.pop(name) for name in list(values) if name in BatchSettings.__slots__})
    choice, settings = executor_choice(values), Settings.of(values)
    with open_progress(console) as progress:
        scenes = _scenes(inputs, stac, asset)
        if mosaic:
            scenes = join_neighbors(scenes, batch.home, split=split, allow_external=settings.scene.allow_external)
        with open_executor(choice, settings.engine, progress) as executor:
            summary = run_batch(scenes, batch, settings, executor=executor, progress=progress)
        if stac is not None:
            write_results(scenes, batch, settings.model, summary)
        progress.done(json.loads(summary.to_json()))
    print_batch(summary)
    if summary.failed:
        ctx.exit(EXIT_SOME_FAILED)


def _scenes(inputs: tuple[str, ...], stac: str | None, asset: str | None) -> list[SceneInput]:
    from fctl_geo.batch.inputs import find_scenes
    from fctl_geo.batch.stac import scenes_of_items

    return find_scenes(inputs) if stac is None else scenes_of_items(stac, asset)


def _check_usage(inputs: tuple[str, ...], stac: str | None, *, mosaic: bool, split: bool) -> None:
    if split and not mosaic:
        raise click.UsageError("--split requires --mosaic")
    if stac is not None and mosaic and not split:
        raise click.UsageError("--stac writes one result per item: add --split to --mosaic")
    if bool(inputs) == (stac is not None):
        raise click.UsageError("give either INPUT... or --stac")
