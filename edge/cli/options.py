"""The options that commands share, and the settings they lead to."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edge.config import Settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file. [default: /etc/edgecase/edge.toml, if there is one]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def settings_of(config: Path | None) -> "Settings":
    """Read the settings that a command runs with.

    Raises:
        ConfigError: something in them is wrong.
    """
    from edge.settings.file import load

    return load(config, os.environ)
