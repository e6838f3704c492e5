"""`fctl-geo`: loads only the module of the requested command, and reports errors as a message and a hint."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from fctl_geo.errors import Cancelled, FctlError

from .console import Console, lost_results, prepare_streams
from .environment import agree_on_s3, clear_foreign_gis_data

COMMANDS = (
    "segment",
    "batch",
    "refine",
    "polygonise",
    "info",
    "models",
    "import-checkpoint",
    "export",
    "train",
    "evaluate",
    "doctor",
    "demo",
)
"""In the order in which they are used. Each is a module of this package that defines `command`."""

EXIT_ERROR = 1
EXIT_CANCELLED = 130
"""What shells expect from a program stopped by Ctrl-C."""


HOW_TO_RESUME = {
    "segment": "run the same command with --resume to continue",
    "batch": "run the same command again to continue",
    "train": "run the same command with --resume to continue from the last checkpoint",
}
"""How to resume a stopped command; the other commands start over."""


class LazyGroup(click.Group):
    """Imports a command's module on demand; turns errors into a message, a hint, and an exit code."""

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
            hint = HOW_TO_RESUME.get(ctx.invoked_subcommand or "", "no output was changed")
            _report(Cancelled(error.message, hint=hint), console)
            ctx.exit(EXIT_CANCELLED)
        except KeyboardInterrupt:
            click.echo("Stopped immediately: no incomplete file was left under its final name.", err=True)
            ctx.exit(EXIT_CANCELLED)
        except FctlError as error:
            if console.verbosity >= 2:
                raise
            _report(error, console)
            ctx.exit(EXIT_ERROR)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # unforeseen errors get a message and a hint, too
            if console.verbosity >= 2:
                raise
            message = f"unexpected {type(error).__name__}: {error}"
            _report(FctlError(message, hint="run it again with -vv and report what it prints"), console)
            ctx.exit(EXIT_ERROR)


def _report(error: FctlError, console: Console) -> None:
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
    """Run the console script."""
    prepare_streams()
    try:
        cli(prog_name="fctl-geo")
    except SystemExit as end:
        if not end.code and (error := lost_results()) is not None:
            click.echo(f"Error: what was printed could not be written: {error.strerror}", err=True)
            click.echo("Hint: files given with --out are complete; free some space and print again", err=True)
            raise SystemExit(EXIT_ERROR) from error
        raise


if __name__ == "__main__":
    main()
