"""The `edgecase-tower` command. What is heavy is imported by the subcommand that runs.

Exit codes: 0 fine, 1 something failed, 2 wrong usage or wrong settings, 130 interrupted.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tower_sync_server.errors import ConfigError, TowerError

FAILED, USAGE = 1, 2

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file. [default: /etc/edgecase/tower.toml, if there is one]",
        show_default=False,
    ),
]

app = typer.Typer(
    name="edgecase-tower",
    help="Takes in the cases of a fleet and shows them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def edgecase_tower() -> None:
    """Take in the cases of a fleet and show them."""


@app.command()
def run(config: Config = None) -> None:
    """Run the tower: workers that take cases in, and HTTP, until it is stopped."""
    from tower_sync_server import server
    from tower_sync_server.logs import set_up_logs
    from tower_sync_server.settings import load

    set_up_logs()
    settings = load(config, os.environ)
    command = ["worker", "--attached"]
    server.run(settings, command if config is None else [*command, "--config", str(config)])


@app.command(hidden=True)
def worker(
    config: Config = None,
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input does.")
    ] = False,
) -> None:
    """Take cases in, as one worker of many; `run` starts its own."""
    from tower_sync_server.logs import set_up_logs
    from tower_sync_server.settings import load
    from tower_sync_server.worker_process import run_worker

    set_up_logs()
    run_worker(load(config, os.environ), attached=attached)


def main() -> None:
    """Run the command line; the exit status says how it went."""
    try:
        app()
    except TowerError as e:
        typer.echo(f"edgecase-tower: {e.message}", err=True)
        for line in e.hint.splitlines():
            typer.echo(f"  hint: {line}", err=True)
        sys.exit(USAGE if isinstance(e, ConfigError) else FAILED)
