"""`fctl-geo`: finds the command, imports no more than that, and tells errors in words."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from fctl_geo.errors import Cancelled, FctlError

from .console import Console
from .environment import agree_on_s3, clear_foreign_gis_data

COMMANDS = (
    "segment",
    "batch",
    "refine",
    "polygonise",
    "info",
    "models",
    "import-checkpoint",
    "train",
    "evaluate",
    "doctor",
    "demo",
)
"""In the order of the work. Each is a module of this package with a command `command`."""

EXIT_ERROR = 1
EXIT_CANCELLED = 130
"""What a shell expects of a program that was stopped by Ctrl-C."""


GO_ON = {
    "segment": "run the same command with --resume to go on",
    "batch": "run the same command to go on",
    "train": "run the same command with --resume to go on from the last checkpoint",
}
"""How a stopped command is gone on with; the others begin anew."""


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for; turns our errors into two lines and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name.replace('-', '_')}", __package__).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        console = ctx.ensure_object(Console)
        console.cleared = clear_foreign_gis_data()
        agree_on_s3()
        try:
            return super().invoke(ctx)
        except Cancelled as error:
            hint = GO_ON.get(ctx.invoked_subcommand or "", "no file with a final name was touched")
            _tell(Cancelled(error.message, hint=hint), console)
            ctx.exit(EXIT_CANCELLED)
        except KeyboardInterrupt:
            click.echo("Stopped at once: no file with a final name was touched.", err=True)
            ctx.exit(EXIT_CANCELLED)
        except FctlError as error:
            if console.verbosity >= 2:
                raise
            _tell(error, console)
            ctx.exit(EXIT_ERROR)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # the door: what nobody foresaw is told in words, too
            if console.verbosity >= 2:
                raise
            words = f"unexpected {type(error).__name__}: {error}"
            _tell(FctlError(words, hint="run it again with -vv and report what it prints"), console)
            ctx.exit(EXIT_ERROR)


def _tell(error: FctlError, console: Console) -> None:
    if console.progress_kind == "json":
        console.emit(event="error", text=error.message, hint=error.hint, cancelled=isinstance(error, Cancelled))
        return
    click.echo("Stopped." if isinstance(error, Cancelled) else f"Error: {error.message}", err=True)
    if error.hint:
        click.echo(f"Hint: {error.hint}", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="fctl-geo", message="%(prog)s %(version)s")
def cli() -> None:
    """Land cover and building polygons from huge aerial and satellite images.

    \b
    fctl-geo segment scene.tif --out buildings.gpkg
    fctl-geo info scene.tif
    fctl-geo doctor
    """


def main() -> None:
    """The console script."""
    cli(prog_name="fctl-geo")


if __name__ == "__main__":
    main()
