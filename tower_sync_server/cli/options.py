"""The options that commands share, and the settings they lead to."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tower_sync_server.config import Settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file. [default: /etc/edgecase/tower.toml, if there is one]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def settings_of(config: Path | None) -> "Settings":
    """Read the settings that a command runs with.

    Raises:
        ConfigError: something in them is wrong.
    """
    from tower_sync_server.settings import load

    return load(config, os.environ)


def refuse_other_user(data_dir: Path, command: str) -> None:
    """Refuse to write as root into the tower's folder: what the tower does by itself would fail.

    Raises:
        OperatorError: this is another user than whose folder it is.
    """
    from tower_sync_server.errors import OperatorError

    owner = data_dir.stat().st_uid if data_dir.exists() else os.geteuid()
    if os.geteuid() != owner:
        raise OperatorError(
            f"{data_dir} belongs to user {owner}, and this is user {os.geteuid()}.",
            f"sudo -u '#{owner}' edgecase-tower {command}",
        )
