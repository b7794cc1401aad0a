"""`edgecase-tower run`, and the workers that it starts."""

from typing import Annotated

import typer

from tower_sync_server.cli.options import Config, settings_of


def run(config: Config = None) -> None:
    """Run the tower: workers that take cases in, and HTTP, until it is stopped."""
    from tower_sync_server import server
    from tower_sync_server.logs import set_up_logs

    set_up_logs()
    settings = settings_of(config)
    command = ["worker", "--attached"]
    server.run(settings, command if config is None else [*command, "--config", str(config)])


def worker(
    config: Config = None,
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input does.")
    ] = False,
) -> None:
    """Take cases in, as one worker of many; `run` starts its own."""
    from tower_sync_server.logs import set_up_logs
    from tower_sync_server.worker_process import run_worker

    set_up_logs()
    run_worker(settings_of(config), attached=attached)
