"""`edgecase config …`."""

import os

import typer

from edge.cli.options import Config, Json
from edge.cli.output import USAGE, show_error, show_json

app = typer.Typer(no_args_is_help=True, help="Look at the settings.")


@app.callback()
def config() -> None:
    """Look at the settings."""


@app.command("check")
def check(config: Config = None, json: Json = False) -> None:
    """Read the settings and say what is wrong; exit code 2 if anything is."""
    from edge.settings.file import describe, read

    found = read(config, os.environ)
    error = found.error()
    file = str(found.file) if found.file else "no file: defaults and environment"
    if json:
        show_json(
            {
                "ok": error is None,
                "file": str(found.file) if found.file else None,
                "problems": describe(found.problems),
                "settings": found.settings.model_dump(mode="json"),
            }
        )
    elif error is not None:
        show_error(error)
    else:
        typer.echo(f"{file}: fine")
        for section, values in found.settings.model_dump(mode="json").items():
            typer.echo(f"\n[{section}]")
            for key, value in values.items():
                typer.echo(_toml(key, value))
    if error is not None:
        raise typer.Exit(USAGE)


def _toml(key: str, value: object) -> str:
    import json

    if value is None:
        return f"# {key} is not set"
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
