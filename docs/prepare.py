"""Writes the pages that are not kept in the repository into docs/generated: the help of all commands, the model cards.

`make docs` calls it before it builds the site.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from fctl_geo_cli.main import COMMANDS, cli

DOCS = Path(__file__).parent
GENERATED = DOCS / "generated"
CARDS = DOCS.parent / "fctl_geo" / "weights"


def help_page() -> str:
    """What `--help` of every command says, as one page."""
    context = click.Context(cli, info_name="fctl-geo")
    parts = ["# All options", "What `fctl-geo COMMAND --help` prints."]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        text = command.get_help(click.Context(command, info_name=name, parent=context, max_content_width=88))
        parts.append(f"## {name}\n\n```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    GENERATED.mkdir(exist_ok=True)
    (GENERATED / "options.md").write_text(help_page(), "utf-8")
    for path in (*CARDS.glob("*.md"), *CARDS.glob("*.jpg")):
        shutil.copyfile(path, GENERATED / path.name)


if __name__ == "__main__":
    main()
