"""`fctl-geo train`: a model file from labelled images."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from .options import FILE
from .talk import Talk, talk_options


@click.command("train")
@click.argument("recipe")
@click.option("--data", type=FILE, required=True, help="The folder below which the recipe's images lie.")
@click.option("--out", type=FILE, required=True, help="The model file (.safetensors); its card (.md) goes beside it.")
@click.option("--run", type=FILE, help="Folder for checkpoints and the log. [default: runs/NAME]")
@click.option("--steps", type=click.IntRange(1), help="Other than the recipe's number.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same samples.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads. [default: all]")
@talk_options
@click.pass_obj
def command(talk: Talk, recipe: str, data: Path, out: Path, threads: int | None, **values: Any) -> None:
    """Train a model on labelled images.

    Takes a recipe, a shipped one's name (buildings, landcover) or a TOML file, and the folder of its images. Gives a
    model file and its card with the measured quality. The same command goes on where a stopped one was.

    \b
    fctl-geo train buildings --data ../shared/data --out buildings.safetensors
    """
    from fctl_geo.training.loop import TrainingSettings, use_threads
    from fctl_geo.training.recipe import find_recipe, read_recipe
    from fctl_geo.training.train_model import train_model

    read = read_recipe(find_recipe(recipe))
    run = values["run"] or Path("runs") / read.name
    use_threads(threads)
    settings = TrainingSettings(data, run, values["seed"], values["device"], values["steps"])
    told = shlex.join(["fctl-geo", "train", recipe, "--data", str(data), "--out", str(out)])
    with talk.progress() as progress:
        report = train_model(read, settings, out, command=told, progress=progress)
    click.echo(report.path)
    click.echo(report.card)
