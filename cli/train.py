"""`fctl-geo train`: from labelled imagery to a model file."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from .options import FILE, overwrite_option
from .talk import Talk, talk_options


@click.command("train")
@click.argument("recipe")
@click.option("--data", type=FILE, required=True, help="The folder below which the recipe's images and masks lie.")
@click.option("--out", type=FILE, required=True, help="The model file (.safetensors); its card (.md) goes beside it.")
@click.option("--run", type=FILE, help="A folder for checkpoints and the log. [default: OUT.run]")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Other than the recipe's number of steps.")
@click.option("--seed", type=int, default=1, show_default=True, metavar="N")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="CPU threads. [default: all cores]")
@overwrite_option
@talk_options
@click.pass_obj
def command(
    talk: Talk,
    /,
    recipe: str,
    *,
    data: Path,
    out: Path,
    run: Path | None,
    steps: int | None,
    seed: int,
    device: str,
    threads: int | None,
    overwrite: bool,
) -> None:
    """Train a model of your own from labelled images.

    Takes a recipe (a .toml file, or the name of a shipped model's: buildings, landcover) and a folder of data. Gives a
    model file for --model and a card with its measured quality. Takes hours; the same command goes on from the last
    checkpoint after a stop.

    \b
    fctl-geo train buildings --data imagery --out mine.safetensors --device cuda
    """
    from fctl_geo.polygons.outputs import check_outputs
    from fctl_geo.training.loop import TrainingSettings, use_threads
    from fctl_geo.training.recipe import find_recipe, read_recipe
    from fctl_geo.training.train_model import train_model

    from .summary import make_console, make_table

    check_outputs([out], overwrite, endings=(".safetensors",))
    folder = run or out.with_suffix(".run")
    settings = TrainingSettings(data=data, run=folder, seed=seed, device=device, steps=steps)
    use_threads(threads)
    words = ["fctl-geo", "train", recipe, "--data", data.name, "--out", out.name, "--seed", str(seed)]
    words += ["--steps", str(steps)] if steps else []
    with talk.progress() as progress:
        report = train_model(
            read_recipe(find_recipe(recipe)), settings, out, command=shlex.join(words), progress=progress
        )
        progress.done({"model": str(report.path), "card": str(report.card), "iou": report.refined})
    table = make_table("validation", "class", "IoU", "refined", right=("IoU", "refined"))
    for place, scores in report.crude.items():
        for name, score in scores.items():
            table.add_row(place, name, f"{score:.3f}", f"{report.refined[place][name]:.3f}")
    console = make_console()
    console.print(table)
    console.print(f"file     {report.path}\nfile     {report.card}", markup=False, soft_wrap=True)
