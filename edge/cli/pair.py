"""`edgecase pair`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json

if TYPE_CHECKING:
    from edge.config import Settings

Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="What it may do: view, capture, admin. Repeat for several."),
]


def pair(
    name: Annotated[str, typer.Option(help="Whose phone it is.")] = "",
    scopes: Scopes = ["view", "capture"],  # noqa: B006  typer copies it
    token: Annotated[
        bool, typer.Option("--token", help="Make a token here and now, and open no window.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Open the pairing window for a phone and show its QR code; or, with --json, make a token."""
    settings = settings_of(config)
    if token or json:
        _token(settings, name or "phone", scopes, json=json)
        return
    from edge.cli.invite import open_window
    from edge.pairing.invitation import as_text

    invitation = open_window(settings, name, scopes)
    typer.echo(as_text(invitation))
    note(f"\nFor {name or 'one phone'}, may {', '.join(scopes)}. Asking again makes another code.")
    _say_how_it_listens(settings)
    if sys.stdout.isatty():
        _wait(settings)


def _wait(settings: "Settings") -> None:
    from edge.cli.pair_wait import wait_for_phone

    note("Waiting for the phone. Ctrl-C ends the waiting, and the window stays open.")
    try:
        note(wait_for_phone(settings.store))
    except KeyboardInterrupt:
        note("")


def _token(settings: "Settings", name: str, scopes: list[str], *, json: bool) -> None:
    from edge.cli.invite import lan_of, new_token
    from edge.pairing.invitation import in_hex

    made = new_token(settings.store, name, scopes)
    lan = lan_of(settings)
    place = lan.place()
    if json:
        told = {"addresses": place.plain(), "token": made, "name": name, "scopes": scopes}
        more = {"secure": place.secure(), "fingerprint": in_hex(lan.fingerprint)}
        show_json({**told, **more})
    else:
        typer.echo("\n".join((*place.plain(), *place.secure())))
        typer.echo(f"token: {made}")
        note(f"\nFor {name}, may {', '.join(scopes)}. It is not shown again.")
    _say_how_it_listens(settings)


def _say_how_it_listens(settings: "Settings") -> None:
    from edge.settings.check import host_is_loopback

    if host_is_loopback(settings.http.host):
        note("This device listens on loopback: only programs on it can reach that address.")
    if settings.http.auth == "open":
        note('http.auth is "open": this device asks nobody for a token yet.')
