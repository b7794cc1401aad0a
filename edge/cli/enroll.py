"""`edgecase sync`: how this device becomes part of a fleet."""

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json

app = typer.Typer(help="Make this device part of a fleet.")

RESTART = "A daemon that runs takes it over when it is started again."


@app.command("enroll")
def enroll(
    bundle: Annotated[Path, typer.Argument(help="From `edgecase-tower devices enroll`.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Take in the file that the tower made for this device."""
    from edge import bundles

    settings = settings_of(config)
    taken = bundles.install(bundle, settings.store.data_dir)
    if json:
        until = taken.until.isoformat()
        show_json({"name": taken.name, "host": taken.host, "port": taken.port, "until": until})
    else:
        typer.echo(f"{taken.name} sends to {taken.host}:{taken.port}, until {taken.until:%F}.")
        note(f"{RESTART} Delete {bundle}: it holds this device's key.")
    if settings.sync.ca is not None:
        note("[sync] names certificates of its own, and these win: remove sync.ca.")


@app.command("request")
def request(
    name: Annotated[str, typer.Argument(help="The device's name in the fleet.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it. [default: NAME.csr]")
    ] = None,
    config: Config = None,
) -> None:
    """Make a key that never leaves this device, and a request for the tower to sign."""
    from edge import bundles

    asked = bundles.request(name, settings_of(config).store.data_dir)
    path = out or Path(f"{name}.csr")
    path.write_text(asked, encoding="ascii")
    typer.echo(str(path))
    note(f"On the tower: edgecase-tower devices enroll {name} --request {path.name}")


@app.command("leave")
def leave(config: Config = None) -> None:
    """Forget the tower: nothing is sent any more."""
    from edge import bundles
    from edge.errors import NotFoundError

    path = settings_of(config).store.data_dir / bundles.NAME
    if not path.exists():
        raise NotFoundError(f"There is no {path}.", "This device is enrolled nowhere.")
    path.unlink()
    typer.echo(f"{path} is deleted.")
    note("A daemon that runs goes on until it is stopped. On the tower: devices revoke.")
