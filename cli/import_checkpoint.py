"""`fctl-geo import-checkpoint`: converts the weights released with the paper to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Console, console_options
from .options import FILE, NameList, overwrite_option


class ContextSizes(NameList):
    """'2,3' or '3,global' as the sizes of the medium and the large context."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = super().convert(value, param, ctx)
        try:
            sizes = tuple("global" if p == "global" else float(p) if "." in str(p) else int(p) for p in parts)
        except ValueError:
            self.fail(f"{value!r} is not a pair of sizes; write, for example, 2,3 or 3,global", param, ctx)
        if len(sizes) != 2 or any(s != "global" and s < 1 for s in sizes):  # type: ignore[operator]
            self.fail(f"{value!r} is not a pair of sizes >= 1; write, for example, 2,3 or 3,global", param, ctx)
        return sizes


@click.command("import-checkpoint")
@click.argument("whole", type=FILE)
@click.option("--medium", type=FILE, required=True, help="Checkpoint of the medium context (B10.epoch.pth).")
@click.option("--large", type=FILE, required=True, help="Checkpoint of the large context (B15.epoch.pth).")
@click.option("--out", type=FILE, required=True, help="Model file (.safetensors) to write.")
@click.option(
    "--dataset",
    type=click.Choice(["inria", "deepglobe"]),
    help="Training data of the weights: sets classes, GSD, and contexts. [default: scenes are read at their own GSD]",
)
@click.option(
    "--classes", type=NameList(), help="Class names in order of their numbers, background first, e.g. other,road."
)
@click.option(
    "--contexts", type=ContextSizes(), help="Sizes of the medium and large context, in patches. [default: 2,3]"
)
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, whole: Path, *, out: Path, overwrite: bool, **values: Any) -> None:
    """Convert the checkpoints released by the paper's authors to a model file.

    Takes their three .pth files (all, B10, B15), checks every tensor, and drops duplicates; a file that tries to run
    code is refused. Writes one model file for --model; segmenting with it gives the same result as the authors'
    evaluator.

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
