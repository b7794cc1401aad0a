"""`edgecase-tower devices`: who belongs to the fleet."""

from __future__ import annotations

import dataclasses
import json as json_text
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tower_sync_server.cli.options import Config, Json, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from sync.bundle import Bundle
    from tower_sync_server.config import Settings
    from tower_sync_server.fleet.fleet import Address, Before
    from tower_sync_server.fleet.words import Pass

CUT_S = 10.0
"""How long a broker may take to shut a device out before that is said to have failed."""

app = typer.Typer(help="Let devices into the fleet, list them, shut them out.")

Name = Annotated[str, typer.Argument(help="The device's name: letters, digits, dots, hyphens.")]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where to write the bundle. [default: NAME.bundle]"),
]
Request = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A request made on the device by `edgecase sync request`."),
]
Host = Annotated[str, typer.Option(help="Name or address that the device finds the broker by.")]
Port = Annotated[int, typer.Option(help="Its port there. [default: broker.port]", min=0, max=65535)]
Days = Annotated[int, typer.Option(help="How long the certificate lasts.", min=1, max=7300)]


@app.command("enroll")
def enroll(
    name: Name,
    out: Out = None,
    request: Request = None,
    host: Host = "",
    port: Port = 0,
    days: Days = 730,
    replace: Annotated[
        bool, typer.Option("--replace", help="The old device was lost: shut it out.")
    ] = False,
    config: Config = None,
) -> None:
    """Let a device in: write the one file that it needs."""
    from tower_sync_server.fleet.fleet import Before

    settings, before = settings_of(config), Before.GOES if replace else Before.NONE
    _give(settings, name, out, request, _address(settings, host, port), days, before)
    if replace:
        _cut_off(settings)


@app.command("renew")
def renew(
    name: Name,
    out: Out = None,
    request: Request = None,
    host: Host = "",
    port: Port = 0,
    days: Days = 730,
    config: Config = None,
) -> None:
    """Give a device a new certificate; the old one stays good until its end."""
    from tower_sync_server.fleet.fleet import Before

    settings = settings_of(config)
    _give(settings, name, out, request, _address(settings, host, port), days, Before.STAYS)


@app.command("revoke")
def revoke(name: Name, config: Config = None) -> None:
    """Shut a device out, at once and for good."""
    from tower_sync_server.broker.places import fleet_folder
    from tower_sync_server.fleet.fleet import Fleet

    settings = settings_of(config)
    gone = Fleet(fleet_folder(settings)).revoke(name)
    typer.echo(f"{name}: {len(gone)} certificate{'s' * (len(gone) != 1)} revoked.")
    _cut_off(settings)


@app.command("list")
def list_devices(json: Json = False, config: Config = None) -> None:
    """List every certificate that was issued."""
    from tower_sync_server.broker.places import fleet_folder
    from tower_sync_server.fleet.fleet import Fleet, now_utc

    now = now_utc()
    found = [_row(one, now) for one in Fleet(fleet_folder(settings_of(config))).passes()]
    if json:
        typer.echo(json_text.dumps(found, indent=2))
        return
    if not found:
        typer.echo("No device is enrolled.", err=True)
    for row in found:
        typer.echo(f"{row['name']:<24} {row['standing']:<8} until {row['until'][:10]}")


@app.command("compare")
def compare(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Devices. [default: all]")
    ] = None,
    config: Config = None,
) -> None:
    """Have devices compare what they hold with the tower, as after restoring a backup."""
    settings = settings_of(config)
    wanted = names or _known(settings)
    wish(settings, wanted)
    typer.echo(f"{len(wanted)} devices compare within a minute, or when they come.")


def wish(settings: Settings, devices: list[str]) -> None:
    """Have devices compare what they hold with the tower.

    Raises:
        UnavailableError: the broker doesn't take that.
    """
    import secrets
    import time

    from sync.mqtt import MqttTransport
    from tower_sync_server.broker.link import broker_of
    from tower_sync_server.broker.wishing import Wisher

    broker = broker_of(settings, f"edgecase-tower-wish-{secrets.token_hex(4)}")
    Wisher(MqttTransport(broker), devices, int(time.time())).run()


def _known(settings: Settings) -> list[str]:
    """Every device that ever sent something, and every one that is enrolled."""
    from tower_sync_server.archive.listing import Listing
    from tower_sync_server.broker.places import fleet_folder
    from tower_sync_server.fleet.fleet import Fleet
    from tower_sync_server.parts import open_keep

    keep = open_keep(settings.store)
    try:
        heard = [row.device for row in Listing(keep.engine).devices()]
    finally:
        keep.close()
    return sorted({*heard, *(one.name for one in Fleet(fleet_folder(settings)).passes())})


def _row(one: Pass, now: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "standing": str(one.standing(now)),
        "serial": f"{one.serial:040x}",
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
        "revoked": one.revoked.isoformat() if one.revoked else None,
    }


def _give(
    settings: Settings,
    name: str,
    out: Path | None,
    request: Path | None,
    at: Address,
    days: int,
    before: Before,
) -> None:
    from datetime import timedelta

    from tower_sync_server.broker.places import fleet_folder
    from tower_sync_server.fleet.fleet import Fleet

    path = out or Path(f"{name}.bundle")
    asked = "" if request is None else _read(request)
    fleet = Fleet(fleet_folder(settings))
    first = not fleet.folder.root.exists()
    with _new_file(path) as file:  # where it can't be written, nobody is let in
        bundle = fleet.enroll(name, at, before, timedelta(days=days), asked)
        bundle = dataclasses.replace(bundle, releases=_first_root(settings))
        file.write(bundle.text())
    typer.echo(str(path))
    _explain(settings, bundle, fleet.folder.root if first else None)


def _first_root(settings: Settings) -> bytes:
    """Whose releases the device is to believe; b"" where there is no repository yet."""
    from tower_sync_server.cli.release_parts import places_of

    path = places_of(settings).metadata / "1.root.json"
    return path.read_bytes() if path.is_file() else b""


def _explain(settings: Settings, bundle: Bundle, made: Path | None) -> None:
    from tower_sync_server.settings import is_loopback

    note = f"{bundle.name} finds the tower at {bundle.host}:{bundle.port}, until {bundle.until:%F}."
    typer.echo(f"{note}\nOn the device: edgecase sync enroll {bundle.name}.bundle", err=True)
    if bundle.key:
        typer.echo("The file holds the device's key: delete it once it is there.", err=True)
    if is_loopback(settings.broker.host) and not is_loopback(bundle.host):
        typer.echo(
            'The broker listens to this machine alone: set broker.host = "0.0.0.0".', err=True
        )
    if made is not None:
        typer.echo(f"The fleet's keys were made in {made}: back that folder up, closed.", err=True)


def _address(settings: Settings, host: str, port: int) -> Address:
    """Where the device will look; only what the broker's certificate says can work."""
    from tower_sync_server.broker.places import names_of_broker
    from tower_sync_server.errors import BadRequestError
    from tower_sync_server.fleet.fleet import Address
    from tower_sync_server.settings import is_loopback

    names = names_of_broker(settings)
    first = "127.0.0.1" if is_loopback(settings.broker.host) else names[0]
    chosen = host or (settings.broker.names or (first,))[0]
    if chosen.lower() not in names:
        hint = f'Set broker.names = ["{chosen}"] (EDGECASE_TOWER_BROKER__NAMES). Now: {names}'
        raise BadRequestError(f"The broker has no certificate for {chosen!r}.", hint)
    return Address(chosen, port or settings.broker.port)


def _cut_off(settings: Settings) -> None:
    """See that the broker that runs here has heard of it."""
    import time

    from tower_sync_server.broker.keeper import is_kept, knows
    from tower_sync_server.broker.places import broker_folder, fleet_folder
    from tower_sync_server.errors import OperatorError
    from tower_sync_server.fleet.folder import FleetFolder

    fleet, folder = FleetFolder(fleet_folder(settings)), broker_folder(settings)
    if not is_kept(folder):
        note = f"No broker runs here now. One that runs elsewhere has to be given {fleet.revoked}."
        typer.echo(note, err=True)
        return
    begun = time.monotonic()
    if not knows(folder, fleet.revocations(), CUT_S):
        hint = "Start it again: `systemctl restart edgecase-broker`."
        raise OperatorError(f"The broker has not read {fleet.revoked}.", hint)
    typer.echo(f"Cut off, {time.monotonic() - begun:.1f} s later.")


def _read(path: Path) -> str:
    from tower_sync_server.errors import BadRequestError

    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as e:
        raise BadRequestError(f"{path} can't be read: {e}", "Give --request a file.") from e


@contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    """A file for who runs this alone, durable when the block ends; gone if it fails."""
    from tower_sync_server.archive.files import translated
    from tower_sync_server.errors import BadRequestError

    with translated():
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as e:
            hint = "Delete it, or give --out."
            raise BadRequestError(f"{path} is there already.", hint) from e
    try:
        with translated(), os.fdopen(handle, "w", encoding="ascii") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise
