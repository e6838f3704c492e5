"""`fctl-geo train`: trains a model file from labeled imagery."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.settings import EngineSettings
from fctl_geo.training.method import PRESETS
from fctl_geo.training.settings import TrainingSettings

from .console import Console, console_options
from .options import FILE, BandList, choices_of, combine, option_of, overwrite_option
from .progress import open_progress

if TYPE_CHECKING:
    from fctl_geo.progress import Progress
    from fctl_geo.training.recipe import Recipe
    from fctl_geo.training.train_model import ModelReport


class ClassMap(click.ParamType):  # type: ignore[type-arg]
    """'1=building,2=road' as a dict; a single class ('building') applies to every polygon: {'*': 'building'}."""

    name = "classes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        if isinstance(value, dict):
            return value
        if value.strip() and not set(value) & set("=,"):
            return {"*": value.strip()}
        parts = [part.partition("=") for part in str(value).split(",")]
        if not all(key.strip() and name.strip() for key, _, name in parts):
            self.fail(f"{value!r} is not a list of classes; write, for example, 1=building,2=road", param, ctx)
        return {key.strip(): name.strip() for key, _, name in parts}


label_options = combine(
    click.option("--image", "images", type=FILE, multiple=True, help="Labeled image. May be given more than once."),
    click.option("--labels", type=FILE, multiple=True,
                 help="Labels, once for each --image: a class raster, an RGB mask, or polygons in any CRS."),
    click.option("--field", metavar="NAME", help="Column that holds the classes of polygons."),
    click.option("--classes", type=ClassMap(), metavar="V=NAME,...",
                 help="Classes of the label values; other values are unlabeled. A single class, e.g. building, applies "
                 "to all polygons. [default: each value is a class]"),
    click.option("--background", metavar="NAME", default="",
                 help="Class of pixels outside all polygons. [default: they are unlabeled and ignored]"),
    click.option("--aoi", type=FILE, help="Polygons of the labeled area. [default: the whole image]"),
    click.option("--gsd", "gsd_m", type=float, metavar="M",
                 help="Pixel size in meters on the ground, for images that do not give it."),
)  # fmt: skip


@click.command("train")
@click.argument("recipe", required=False)
@click.option("--data", type=FILE, help="Folder that contains the images and masks.")
@click.option("--preset", default=PRESETS[0], show_default=True, metavar="|".join(PRESETS), help="Training method.")
@label_options
@click.option("--bands", type=BandList(), help="Names of the bands to train on. [default: red,green,blue]")
@click.option("--out", type=FILE, required=True, help="Model file (.safetensors); card and pictures go next to it.")
@option_of(
    TrainingSettings,
    "init",
    "--init",
    type=FILE,
    metavar="MODEL",
    help="Fine-tune this model (a file or a shipped name).",
)
@click.option(
    "--head-only",
    is_flag=True,
    help="Train all but the encoder of the --init model, on a few hundred samples: minutes instead of hours. Trains no "
    "refinement network.",
)
@option_of(
    TrainingSettings,
    "imagenet",
    "--imagenet",
    type=FILE,
    help="torchvision's vgg16 .pth: initial weights of the paper's network.",
)
@click.option("--run", type=FILE, help="Folder for checkpoints and logs. [default: OUT.run]")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Optimizer steps. [default: as in the recipe]")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), metavar="N", help="Epochs, instead of --steps.")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Samples per step. [default: as in the recipe]")
@click.option(
    "--patience",
    type=click.IntRange(1),
    metavar="N",
    help="Stop early after N validations without an improvement in mIoU.",
)
@click.option(
    "--refinement/--no-refinement", default=True, show_default=True, help="Also train the refinement network."
)
@option_of(TrainingSettings, "seed", "--seed", type=int, metavar="N")
@option_of(TrainingSettings, "device", "--device", help="auto, cpu, cuda, or cuda:N.")
@option_of(TrainingSettings, "devices", "--devices", type=click.IntRange(1), metavar="N", help="Number of GPUs to use.")
@click.option(
    "--precision", type=click.Choice(choices_of(EngineSettings, "precision")), help="[default: as in the recipe]"
)
@click.option("--threads", type=click.IntRange(1), metavar="N", help="CPU threads. [default: all cores]")
@option_of(TrainingSettings, "checkpoint_every", "--checkpoint-every", type=click.IntRange(1), metavar="STEPS")
@option_of(TrainingSettings, "validate_every", "--validate-every", type=click.IntRange(1), metavar="STEPS")
@option_of(
    TrainingSettings,
    "tensorboard",
    "--tensorboard",
    is_flag=True,
    help="Also write a TensorBoard log (requires the extra 'tensorboard').",
)
@option_of(
    TrainingSettings,
    "plan_only",
    "--plan-only",
    is_flag=True,
    help="Write plan.json to the --run folder, with an estimate of the time, and stop. Edit it, then give the same "
    "command without --plan-only.",
)
@option_of(
    TrainingSettings,
    "resume",
    "--resume",
    is_flag=True,
    help="Continue a stopped training from its last checkpoint.",
)
@overwrite_option
@console_options
@click.pass_context
def command(ctx: click.Context, /, recipe: str | None, *, out: Path, threads: int | None, **values: Any) -> None:
    """Train a model of your own on labeled images.

    Takes a recipe (a .toml file, or a shipped one: buildings, landcover) with the folder of its --data; or --data in
    the layout of DeepGlobe or Inria; or --image with --labels. Writes a model file for --model and a card with its
    measured accuracy. Takes hours, or minutes with --head-only; --resume continues after a stop.

    \b
    fctl-geo train --image town.tif --labels houses.gpkg --field kind --background land --out mine.safetensors
    fctl-geo train --image town.tif --labels houses.gpkg --init buildings --head-only --out mine.safetensors
    fctl-geo train --preset paper --data AerialImageDataset --out inria.safetensors --device cuda
    fctl-geo train buildings --data imagery --out mine.safetensors --resume
    """
    from fctl_geo.errors import SettingsError
    from fctl_geo.storage.outputs import check_outputs
    from fctl_geo.training.machine import use_threads
    from fctl_geo.training.plan import PLAN
    from fctl_geo.training.train_model import train_model

    console: Console = ctx.obj
    check_outputs([out], values["overwrite"], endings=(".safetensors",))
    if values["resume"] and values["overwrite"]:
        raise SettingsError("--resume continues a training, --overwrite starts over", hint="give only one of them")
    run = values["run"] or out.with_suffix(".run")
    init = _model(values["init"])
    use_threads(threads)
    with open_progress(console) as progress:
        chosen = _changed(_recipe(recipe, out, run, init, values, progress), values)
        settings = TrainingSettings(
            data=values["data"] or Path(),
            run=run,
            init=init,
            imagenet=values["imagenet"],
            **{k: values[k] for k in ("seed", "device", "devices", "plan_only", "resume", "overwrite")},
            **{k: values[k] for k in ("checkpoint_every", "validate_every", "tensorboard")},
        )
        report = train_model(chosen, settings, out, command=_command_line(ctx), progress=progress)
        if report is not None:
            result = {"model": str(report.path), "card": str(report.card), "iou": report.refined or report.crude}
            result |= {"iou_before": report.before, "gain": report.gain}
            progress.done({**result, "steps": report.steps, "reused": report.reused})
        elif settings.plan_only:
            progress.done({"plan": str(run / PLAN)})
    if report is not None:
        _print(report)
    elif settings.plan_only:
        click.echo(f"plan     {run / PLAN}")


def _command_line(ctx: click.Context) -> str:
    """The command that trains the model again: the options given that affect it, without paths of this machine."""
    words = ["fctl-geo", "train"]
    for parameter in ctx.command.params:
        typed = ctx.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        unimportant = ("run", "plan_only", "resume", "overwrite", "threads", "tensorboard")
        if not typed or parameter.name in unimportant or parameter.name not in ctx.params:
            continue
        value = ctx.params[parameter.name or ""]
        flag = isinstance(parameter, click.Option)
        for one in value if parameter.multiple else [value]:
            text = one.name if isinstance(one, Path) else one
            text = ",".join(f"{k}={v}" for k, v in text.items()) if isinstance(text, dict) else text
            text = ",".join(text) if isinstance(text, tuple) else text
            if flag and isinstance(one, bool):
                words.append((parameter.opts if one else parameter.secondary_opts)[0])
            else:
                words += [parameter.opts[0], str(text)] if flag else [str(text)]
    return shlex.join(words)


def _recipe(
    name: str | None, out: Path, run: Path, init: Path | None, values: dict[str, Any], progress: Progress
) -> Recipe:
    """The recipe that was named, or one created for the given folder or images."""
    from fctl_geo.errors import TrainingError
    from fctl_geo.training.datasets import ImageLabels, recipe_of_folder, recipe_of_labels
    from fctl_geo.training.method import read_preset
    from fctl_geo.training.recipe import find_recipe, read_recipe

    data, images = values["data"], values["images"]
    if name is not None and name not in PRESETS:
        if data is None:
            raise TrainingError("a recipe needs the folder that contains its data", hint="give it with --data FOLDER")
        return read_recipe(find_recipe(name))
    method = read_preset(name or values["preset"])
    if images:
        bands = values["bands"] or ("red", "green", "blue")
        keys = ("labels", "field", "classes", "background", "aoi", "gsd_m")
        labels = {k: values[k] for k in keys}
        if init and not any(labels[k] for k in ("field", "classes", "background")):
            labels |= _classes_of(init, labels["labels"], progress)
        given = ImageLabels(images, bands=bands, **labels)
        return recipe_of_labels(given, method, out.stem, run / "labels", progress)
    if data is None:
        raise TrainingError("no training data is given", hint="give --image with --labels, or --data FOLDER")
    return recipe_of_folder(data, method, out.stem, run / "labels", progress)


def _classes_of(model: Path, labels: tuple[Path, ...], progress: Progress) -> dict[str, Any]:
    """What polygons without classes are: those of a model with a single class and a background."""
    from fctl_geo.model.modelfile import read_model_info
    from fctl_geo.training.labels import RASTER_ENDINGS

    legend = read_model_info(model).legend
    names, backgrounds = ([c.name for c in legend if c.background == wanted] for wanted in (False, True))
    if len(names) != 1 or len(backgrounds) != 1 or any(p.suffix.lower() in RASTER_ENDINGS for p in labels):
        return {}
    progress.say(f"the classes are the model's: polygons are {names[0]}, everything else is {backgrounds[0]}")
    return {"classes": {"*": names[0]}, "background": backgrounds[0]}


def _changed(recipe: Recipe, values: dict[str, Any]) -> Recipe:
    """The recipe with the changes made by the options."""
    from fctl_geo.training.method import of_the_head

    method = of_the_head(recipe.method) if values["head_only"] else recipe.method
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

    table = make_table("validation", "class", "before", "IoU", "refined", right=("before", "IoU", "refined"))
    for place, scores in report.crude.items():
        for name in scores:
            scores_of = (m.get(place, {}).get(name) for m in (report.before, report.crude, report.refined))
            table.add_row(place, name, *("" if each is None else f"{each:.3f}" for each in scores_of))
    console = make_console()
    console.print(table)
    for file in (report.path, report.card, *report.pictures):
        console.print(f"file     {file}", markup=False, soft_wrap=True)
    console.print(report.gain, markup=False, highlight=False, soft_wrap=True)
