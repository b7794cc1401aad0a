"""The `edgecase-tower` command: every subcommand by name. What is heavy, the one that runs imports.

Exit codes: 0 fine, 1 something failed, 2 wrong usage or wrong settings, 3 trained but not better,
130 interrupted.
"""

import sys

import typer

from tower_sync_server.cli import (
    backup,
    broker,
    dataset,
    devices,
    ingest,
    release,
    run,
    scrub,
    train,
    usb,
    users,
)
from tower_sync_server.errors import ConfigError, TowerError

FAILED, USAGE = 1, 2

app = typer.Typer(
    name="edgecase-tower",
    help="Takes in the cases of a fleet and shows them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("backup")(backup.backup)
app.command("broker")(broker.broker)
app.add_typer(dataset.app, name="dataset")
app.add_typer(devices.app, name="devices")
app.add_typer(release.app, name="release")
app.add_typer(usb.app, name="usb")
app.add_typer(users.app, name="users")
app.command("ingest")(ingest.ingest)
app.command("train")(train.train)
app.command("scrub")(scrub.scrub)
app.command("worker", hidden=True)(run.worker)


@app.callback()
def edgecase_tower() -> None:
    """Take in the cases of a fleet and show them."""


def main() -> None:
    """Run the command line; the exit status says how it went."""
    try:
        app()
    except TowerError as e:
        typer.echo(f"edgecase-tower: {e.message}", err=True)
        for line in e.hint.splitlines():
            typer.echo(f"  hint: {line}", err=True)
        sys.exit(USAGE if isinstance(e, ConfigError) else FAILED)
