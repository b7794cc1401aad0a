"""`edgecase sync`: how this device becomes part of a fleet, and what it has to say to the tower."""

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json

app = typer.Typer(help="Make this device part of a fleet; see and mend how it syncs.")

RESTART = "A daemon that runs takes it over when it is started again."


@app.command("enroll")
def enroll(
    bundle: Annotated[Path, typer.Argument(help="From `edgecase-tower devices enroll`.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Take in the file that the tower made for this device."""
    from edge.uplink import bundle as bundles

    settings = settings_of(config)
    taken = bundles.install(bundle, settings.store.data_dir)
    believed = _believe(settings.store.data_dir, taken.releases)
    if json:
        until = taken.until.isoformat()
        told = {"name": taken.name, "host": taken.host, "port": taken.port, "until": until}
        show_json({**told, "releases": believed})
    else:
        typer.echo(f"{taken.name} sends to {taken.host}:{taken.port}, until {taken.until:%F}.")
        if believed:
            note("It believes the models that this tower releases.")
        note(f"{RESTART} Delete {bundle}: it holds this device's key.")
    if settings.sync.ca is not None:
        note("[sync] names certificates of its own, and these win: remove sync.ca.")


def _believe(data_dir: Path, root: bytes) -> bool:
    """Trust the tower's releases, unless this device trusts some already; whether it is so."""
    from edge.updates.look import trust
    from edge.updates.trusted import ROOT, TrustedMetadata

    seen = TrustedMetadata(data_dir)
    if not root or ROOT in seen.read():
        return False
    trust(seen, root)
    return True


@app.command("request")
def request(
    name: Annotated[str, typer.Argument(help="The device's name in the fleet.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it. [default: NAME.csr]")
    ] = None,
    config: Config = None,
) -> None:
    """Make a key that never leaves this device, and a request for the tower to sign."""
    from edge.uplink import bundle as bundles

    asked = bundles.request(name, settings_of(config).store.data_dir)
    path = out or Path(f"{name}.csr")
    path.write_text(asked, encoding="ascii")
    typer.echo(str(path))
    note(f"On the tower: edgecase-tower devices enroll {name} --request {path.name}")


@app.command("leave")
def leave(config: Config = None) -> None:
    """Forget the tower: nothing is sent any more."""
    from edge.errors import NotFoundError
    from edge.uplink import bundle as bundles

    path = settings_of(config).store.data_dir / bundles.NAME
    if not path.exists():
        raise NotFoundError(f"There is no {path}.", "This device is enrolled nowhere.")
    path.unlink()
    typer.echo(f"{path} is deleted.")
    note("A daemon that runs goes on until it is stopped. On the tower: devices revoke.")


@app.command("status")
def status(json: Json = False, config: Config = None) -> None:
    """Say what is still only on this device, and what the tower refused."""
    from edge.cli.daemon_call import call

    told = call(settings_of(config), "GET", "/sync")
    if json:
        show_json(told)
        return
    typer.echo(f"{told['cases']} cases, {told['parcels']} things to send, {told['dead']} refused")
    link = told["link"] or {"connected": False, "reason": ""}
    typer.echo("linked to the tower" if link["connected"] else f"no link: {link['reason']}")
    typer.echo(f"compared with the tower: {told['compared'] or 'never'}")
    for letter in told["letters"]:
        typer.echo(f"refused: {letter['kind']} of case {letter['case']}: {letter['reason']}")


@app.command("retry")
def retry(json: Json = False, config: Config = None) -> None:
    """Send again, once, what the tower refused."""
    from edge.cli.daemon_call import call

    told = call(settings_of(config), "POST", "/sync/retry")
    if json:
        show_json(told)
    else:
        typer.echo(f"{told['parcels']} things go once more; `edgecase sync status` says how")


@app.command("compare")
def compare(json: Json = False, config: Config = None) -> None:
    """Compare now what is here with what the tower holds, and send what it has lost."""
    from edge.cli.daemon_call import call

    told = call(settings_of(config), "POST", "/sync/compare")
    if json:
        show_json(told)
    else:
        typer.echo("it begins" if told["connected"] else "it begins as soon as there is a link")
