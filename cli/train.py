"""`fctl-geo train`: from labelled imagery to a model file."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import Console, console_options
from .options import FILE, BandList, combine, overwrite_option
from .progress import open_progress

if TYPE_CHECKING:
    from fctl_geo.progress import Progress
    from fctl_geo.training.recipe import Recipe
    from fctl_geo.training.train_model import ModelReport


class ClassMap(click.ParamType):  # type: ignore[type-arg]
    """'1=building,2=road' as a dict."""

    name = "classes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        if isinstance(value, dict):
            return value
        parts = [part.partition("=") for part in str(value).split(",")]
        if not all(key.strip() and name.strip() for key, _, name in parts):
            self.fail(f"{value!r} is no list of classes; write for example 1=building,2=road", param, ctx)
        return {key.strip(): name.strip() for key, _, name in parts}


label_options = combine(
    click.option("--image", "images", type=FILE, multiple=True, help="A labelled image. May be given more than once."),
    click.option("--labels", type=FILE, multiple=True,
                 help="Its labels, once for each --image: a class raster, an RGB mask, or polygons in any CRS."),
    click.option("--field", metavar="NAME", help="The column of classes, for polygons."),
    click.option("--classes", type=ClassMap(), metavar="V=NAME,...",
                 help="What the labels' values mean; others are unlabelled. [default: each value is a class]"),
    click.option("--background", metavar="NAME", default="",
                 help="The class of what lies in no polygon. [default: it is unlabelled, and ignored]"),
    click.option("--aoi", type=FILE, help="Polygons of the area that is labelled. [default: all of the image]"),
    click.option("--gsd", "gsd_m", type=float, metavar="M", help="Ground metres a pixel, where images do not say it."),
)  # fmt: skip


@click.command("train")
@click.argument("recipe", required=False)
@click.option("--data", type=FILE, help="The folder below which the images and masks lie.")
@click.option("--preset", default="modern", show_default=True, metavar="modern|paper", help="How to train.")
@label_options
@click.option("--bands", type=BandList(), help="Bands to learn from, by name. [default: red,green,blue]")
@click.option("--out", type=FILE, required=True, help="The model file (.safetensors); card and pictures go beside it.")
@click.option("--init", type=FILE, metavar="MODEL", help="Fine-tune this model (a file or a shipped name).")
@click.option("--imagenet", type=FILE, help="torchvision's vgg16 .pth: the paper's network begins with it.")
@click.option("--run", type=FILE, help="A folder for checkpoints and the log. [default: OUT.run]")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Optimiser steps. [default: as the recipe says]")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), metavar="N", help="Instead of --steps.")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Samples a step. [default: as the recipe says]")
@click.option(
    "--patience", type=click.IntRange(1), metavar="N", help="Stop early after N validations without a better mIoU."
)
@click.option("--refinement/--no-refinement", default=True, show_default=True, help="Train the second network too.")
@click.option("--seed", type=int, default=1, show_default=True, metavar="N")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="GPUs to use.")
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), help="[default: as the recipe says]")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="CPU threads. [default: all cores]")
@click.option("--checkpoint-every", type=click.IntRange(1), default=100, show_default=True, metavar="STEPS")
@click.option("--validate-every", type=click.IntRange(1), default=500, show_default=True, metavar="STEPS")
@click.option("--tensorboard", is_flag=True, help="Also write a TensorBoard log (needs the extra 'tensorboard').")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of a training that was stopped.")
@overwrite_option
@console_options
@click.pass_context
def command(ctx: click.Context, /, recipe: str | None, *, out: Path, threads: int | None, **values: Any) -> None:
    """Train a model of your own from labelled images.

    Takes a recipe (a .toml file, or one that comes with it: buildings, landcover) and a folder of --data; or a folder
    in the layout of DeepGlobe or Inria; or --image with --labels. Gives a model file for --model and a card with its
    measured quality. Takes hours; with --resume it goes on from the last checkpoint after a stop.

    \b
    fctl-geo train --image town.tif --labels houses.gpkg --field kind --background land --out mine.safetensors
    fctl-geo train --preset paper --data AerialImageDataset --out inria.safetensors --device cuda
    fctl-geo train buildings --data imagery --out mine.safetensors --resume
    """
    from fctl_geo.errors import SettingsError
    from fctl_geo.storage.outputs import check_outputs
    from fctl_geo.training.loop import TrainingSettings
    from fctl_geo.training.machine import use_threads
    from fctl_geo.training.train_model import train_model

    console: Console = ctx.obj
    check_outputs([out], values["overwrite"], endings=(".safetensors",))
    if values["resume"] and values["overwrite"]:
        raise SettingsError("--resume goes on with a training, --overwrite begins anew", hint="give one of them")
    run = values["run"] or out.with_suffix(".run")
    init = _model(values["init"])
    use_threads(threads)
    with open_progress(console) as progress:
        made = _changed(_recipe(recipe, out, run, values, progress), values)
        settings = TrainingSettings(
            data=values["data"] or Path(),
            run=run,
            init=init,
            imagenet=values["imagenet"],
            **{k: values[k] for k in ("seed", "device", "devices", "resume", "overwrite", "tensorboard")},
            **{k: values[k] for k in ("checkpoint_every", "validate_every")},
        )
        report = train_model(made, settings, out, command=_words(ctx), progress=progress)
        if report is None:
            return
        told = {"model": str(report.path), "card": str(report.card), "iou": report.refined or report.crude}
        progress.done({**told, "steps": report.steps, "reused": report.reused})
    _print(report)


def _words(ctx: click.Context) -> str:
    """The command that trains the model again: what was typed and matters, without the folders of this machine."""
    words = ["fctl-geo", "train"]
    for parameter in ctx.command.params:
        typed = ctx.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        unimportant = ("run", "resume", "overwrite", "threads", "tensorboard")
        if not typed or parameter.name in unimportant or parameter.name not in ctx.params:
            continue
        value = ctx.params[parameter.name or ""]
        flag = isinstance(parameter, click.Option)
        for one in value if parameter.multiple else [value]:
            told = one.name if isinstance(one, Path) else one
            told = ",".join(f"{k}={v}" for k, v in told.items()) if isinstance(told, dict) else told
            told = ",".join(told) if isinstance(told, tuple) else told
            if flag and isinstance(one, bool):
                words.append((parameter.opts if one else parameter.secondary_opts)[0])
            else:
                words += [parameter.opts[0], str(told)] if flag else [str(told)]
    return shlex.join(words)


def _recipe(name: str | None, out: Path, run: Path, values: dict[str, Any], progress: Progress) -> Recipe:
    """The recipe that was named, or one made for the folder or the images that were given."""
    from fctl_geo.errors import TrainingError
    from fctl_geo.training.datasets import ImageLabels, recipe_of_folder, recipe_of_labels
    from fctl_geo.training.method import PRESETS, read_preset
    from fctl_geo.training.recipe import find_recipe, read_recipe

    data, images = values["data"], values["images"]
    if name is not None and name not in PRESETS:
        if data is None:
            raise TrainingError("a recipe needs the folder of its data", hint="give it with --data FOLDER")
        return read_recipe(find_recipe(name))
    method = read_preset(name or values["preset"])
    if images:
        bands = values["bands"] or ("red", "green", "blue")
        keys = ("labels", "field", "classes", "background", "aoi", "gsd_m")
        given = ImageLabels(images, bands=bands, **{k: values[k] for k in keys})
        return recipe_of_labels(given, method, out.stem, run / "labels", progress)
    if data is None:
        raise TrainingError("nothing to learn from is named", hint="give --image with --labels, or --data FOLDER")
    return recipe_of_folder(data, method, out.stem, run / "labels", progress)


def _changed(recipe: Recipe, values: dict[str, Any]) -> Recipe:
    """The recipe with what the options say otherwise."""
    method = recipe.method
    if values["steps"]:
        method = replace(method, steps=values["steps"], epochs=0)
    if values["epochs"]:
        method = replace(method, epochs=values["epochs"])
    named = {k: values[k] for k in ("batch", "patience", "precision") if values[k] is not None}
    if not values["refinement"]:
        named["refinement"] = replace(method.refinement, montages=0)
    return replace(recipe, method=replace(method, **named))


def _model(name: Path | None) -> Path | None:
    from fctl_geo.model.modelfile import resolve_model

    return resolve_model(name) if name else None


def _print(report: ModelReport) -> None:
    from .summary import make_console, make_table

    table = make_table("validation", "class", "IoU", "refined", right=("IoU", "refined"))
    for place, scores in report.crude.items():
        for name, score in scores.items():
            after = report.refined.get(place, {}).get(name)
            table.add_row(place, name, f"{score:.3f}", "" if after is None else f"{after:.3f}")
    console = make_console()
    console.print(table)
    for file in (report.path, report.card, *report.pictures):
        console.print(f"file     {file}", markup=False, soft_wrap=True)
