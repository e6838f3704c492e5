"""`fctl-geo batch`: the main job on many scenes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .console import Console, console_options
from .executor import executor_choice, executor_options, open_executor
from .options import FILE, combine, engine_options, merge_options, model_option, polygon_options
from .progress import open_progress
from .segment import scene_options

if TYPE_CHECKING:
    from fctl_geo.batch.inputs import SceneInput

EXIT_SOME_FAILED = 3
"""The batch went through, but not every scene did."""

batch_options = combine(
    click.option(
        "--out",
        type=FILE,
        required=True,
        metavar="DIR",
        help="Folder of the products, here or s3://bucket/folder.",
    ),
    click.option(
        "--record",
        type=FILE,
        metavar="DIR",
        help="Folder here of the record and of unfinished work, if not that of the products.",
    ),
    click.option(
        "--format",
        "formats",
        type=click.Choice(["gpkg", "tif", "fgb", "parquet", "geojson"]),
        multiple=True,
        default=["gpkg"],
        show_default=True,
        help="A product of each scene. May be given more than once.",
    ),
    click.option("--confidence", is_flag=True, help="Also NAME-confidence.tif: each pixel's confidence in percent."),
    click.option(
        "--template",
        default="{stem}",
        show_default=True,
        help="Names of the products: {stem} of the scene, its folder's {parent}, its {number:05d}; '/' makes folders.",
    ),
    click.option(
        "--on-error",
        type=click.Choice(["skip", "stop"]),
        default="skip",
        show_default=True,
        help="When a scene fails: go on with the next, or stop.",
    ),
    click.option(
        "--time-limit",
        "time_limit_s",
        type=click.FloatRange(min=0, min_open=True),
        callback=lambda ctx, option, minutes: None if minutes is None else 60 * minutes,
        metavar="MINUTES",
        help="A scene that takes longer is stopped and has failed; the batch goes on.",
    ),
    click.option("--mosaic", is_flag=True, help="Treat scenes that touch as one: contexts and polygons cross borders."),
    click.option("--split", is_flag=True, help="With --mosaic: a file for each scene, cut from the whole."),
    click.option(
        "--stac",
        metavar="FILE|URL",
        help="Scenes from a STAC item collection; each result gets an item of its own, all of them in items.json.",
    ),
    click.option("--asset", metavar="KEY", help="The asset of the STAC items that holds the scene."),
    click.option("--overwrite", is_flag=True, help="Also replace files that are not of an earlier call."),
)


@click.command("batch")
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@batch_options
@model_option
@scene_options
@merge_options
@polygon_options
@engine_options
@executor_options
@console_options
@click.pass_context
def command(ctx: click.Context, /, inputs: tuple[str, ...], stac: str | None, asset: str | None, **values: Any) -> None:
    """Segment many scenes; call it again to do only what is missing, has changed or failed.

    Takes folders, text lists (a scene a line), globs in quotes, files and URLs. Gives the products of each scene under
    its own name, and a record of all (DIR/batch.sqlite). A scene that fails is named with its reason and does not stop
    the others; the exit code is then 3.

    \b
    fctl-geo batch orthos/ --out buildings --format gpkg --format tif
    fctl-geo batch 'tiles/**/*.tif' --out cover --model landcover --mosaic --workers 4
    """
    from fctl_geo.batch.mosaics import join_neighbours
    from fctl_geo.batch.run_batch import BatchSettings, run_batch
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
            scenes = join_neighbours(scenes, batch.home, split=split, allow_external=settings.scene.allow_external)
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
        raise click.UsageError("--split belongs to --mosaic")
    if stac is not None and mosaic and not split:
        raise click.UsageError("--stac gives each item its result: add --split to --mosaic")
    if bool(inputs) == (stac is not None):
        raise click.UsageError("give either INPUT... or --stac")
