"""The `edgecase` command: every subcommand by name. What is heavy is imported by the one that runs.

Exit codes: 0 fine, 1 a refused photo or a failed check, 2 wrong usage or wrong settings,
130 interrupted.
"""

import os
import sys
from typing import Annotated

import typer

from edge.cli import (
    backup,
    bench,
    cases,
    check,
    config,
    doctor,
    enroll,
    home_assistant,
    models,
    pair,
    phones,
    run,
)
from edge.cli.output import FAILED, show_error
from edge.errors import EdgeError

app = typer.Typer(
    name="edgecase",
    help="Looks at photos, says what is on them, and keeps them as cases.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("bench")(bench.bench)
app.command("pair")(pair.pair)
app.add_typer(phones.app, name="phones")
app.add_typer(config.app, name="config")
app.add_typer(cases.app, name="cases")
app.add_typer(models.app, name="models")
app.add_typer(enroll.app, name="sync")
app.add_typer(home_assistant.app, name="home-assistant")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("edgecase")
        except PackageNotFoundError:
            number = "(from a checkout)"
        typer.echo(f"edgecase {number}")
        raise typer.Exit


@app.callback()
def edgecase(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Look at photos, say what is on them, and keep them as cases."""
    del version


def main() -> None:
    """Run the command line; the exit status says how it went."""
    try:
        app()
    except EdgeError as e:
        sys.exit(show_error(e))
    except BrokenPipeError:  # `edgecase cases list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
