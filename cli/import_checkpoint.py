"""`fctl-geo import-checkpoint`: the released weights of the paper as a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Console, console_options
from .options import FILE, NameList, overwrite_option


class ContextSizes(NameList):
    """'2,3' or '3,global' as sizes of the medium and the large context."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = super().convert(value, param, ctx)
        try:
            sizes = tuple("global" if p == "global" else float(p) if "." in str(p) else int(p) for p in parts)
        except ValueError:
            self.fail(f"{value!r} is no pair of sizes; write for example 2,3 or 3,global", param, ctx)
        if len(sizes) != 2 or any(s != "global" and s < 1 for s in sizes):  # type: ignore[operator]
            self.fail(f"{value!r} is no pair of sizes from 1; write for example 2,3 or 3,global", param, ctx)
        return sizes


@click.command("import-checkpoint")
@click.argument("whole", type=FILE)
@click.option("--medium", type=FILE, required=True, help="The checkpoint of the medium context (B10.epoch.pth).")
@click.option("--large", type=FILE, required=True, help="The checkpoint of the large context (B15.epoch.pth).")
@click.option("--out", type=FILE, required=True, help="The model file (.safetensors) to write.")
@click.option(
    "--dataset",
    type=click.Choice(["inria", "deepglobe"]),
    help="What it was trained on: sets classes, ground size and contexts. [default: scenes are read as they are]",
)
@click.option("--classes", type=NameList(), help="Names of the classes by number, background first, e.g. other,road.")
@click.option("--contexts", type=ContextSizes(), help="Sizes of medium and large context in patches. [default: 2,3]")
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, whole: Path, *, out: Path, overwrite: bool, **values: Any) -> None:
    """Make a model file of the checkpoints that the paper's authors released.

    Takes their three .pth files (all, B10, B15), checks every tensor and drops what they hold twice; a file that wants
    to run code is refused. Gives one model file for --model; segmenting with it equals the authors' evaluator.

    \b
    fctl-geo import-checkpoint all.epoch.pth --medium B10.epoch.pth --large B15.epoch.pth --out inria.safetensors
    """
    from fctl_geo.model.importing import import_released
    from fctl_geo.spec import context_words
    from fctl_geo.storage.outputs import check_outputs

    from .summary import make_console

    check_outputs([out], overwrite, endings=(".safetensors",))
    info = import_released(whole, values.pop("medium"), values.pop("large"), out, **values)
    contexts = context_words(info.contexts)
    terminal = make_console()
    terminal.print(
        f"model    {info.name}: {', '.join(c.name for c in info.legend)}; contexts {contexts}", soft_wrap=True
    )
    terminal.print(f"file     {out} ({out.stat().st_size / 1e6:.0f} MB)", markup=False, soft_wrap=True)
