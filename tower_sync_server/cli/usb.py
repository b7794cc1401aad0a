"""`edgecase-tower usb …`: releases without a network."""

from pathlib import Path
from typing import Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of
from tower_sync_server.cli.release_parts import open_releases

app = typer.Typer(no_args_is_help=True)


@app.callback()
def usb() -> None:
    """Carry releases to devices on a USB stick."""


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the stick is mounted.")],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="ID[@VERSION]", help="Only this one; may be repeated."),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write the repository and the newest models onto a stick, good for 90 days."""
    import json as json_module

    from tower_sync_server.releases.stick import export as export_to

    done = export_to(open_releases(settings_of(config)).repository, folder, model or ())
    if json:
        value = {
            "folder": str(done.folder),
            "models": [offer.ref for offer in done.offers],
            "wheels": done.wheels,
            "bytes": done.size,
            "copied": done.copied,
            "until": done.until.isoformat(),
        }
        typer.echo(json_module.dumps(value, indent=2))
        return
    for offer in done.offers:
        typer.echo(f"{offer.ref}  {offer.size / 1e6:.1f} MB")
    typer.echo(f"{done.wheels} device packages")
    typer.echo(f"{done.folder}: {done.size / 1e6:.1f} MB, {done.copied / 1e6:.1f} MB of it new")
    typer.echo(f"Devices take it until {done.until.date()}. Unmount the stick before you pull it.")
