"""`fctl-geo models`: lists the models that come with the package."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from .console import console_options


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@console_options
def command(as_json: bool) -> None:
    """List the models that come with fctl-geo.

    Prints name, version, pixel size, classes, and license of each; `fctl-geo info NAME` shows more. Takes no arguments.
    Other commands accept these names, or the path of a model file of your own, as --model.

    \b
    fctl-geo models
    """
    from fctl_geo.model.modelfile import read_model_info
    from fctl_geo.model.shipped import list_models

    from .summary import make_console, make_table, plain

    infos = [read_model_info(name) for name in list_models()]
    if as_json:
        click.echo(json.dumps([plain(asdict(info)) for info in infos], ensure_ascii=False, indent=1))
        return
    table = make_table("model", "version", "m per pixel", "classes", "license", right=("m per pixel",))
    for info in infos:
        gsd = "any" if info.input.gsd_m is None else f"{info.input.gsd_m:g}"
        table.add_row(info.name, info.version, gsd, ", ".join(c.name for c in info.legend), info.licence)
    make_console().print(table)
