"""`edgecase pair`."""

from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json

if TYPE_CHECKING:
    from edge.config import HttpSettings

Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="What it may do: view, capture, admin. Repeat for several."),
]


def pair(
    name: Annotated[str, typer.Option(help="Whose phone it is.")] = "phone",
    scopes: Scopes = ["view", "capture"],  # noqa: B006  typer copies it
    json: Json = False,
    config: Config = None,
) -> None:
    """Make a token for a phone, and print it with the device's address; it is shown only once."""
    from edge.cli.new_token import new_token

    settings = settings_of(config)
    token = new_token(settings.store, name, scopes)
    addresses = _addresses(settings.http)
    if json:
        show_json({"addresses": addresses, "token": token, "name": name, "scopes": scopes})
        return
    typer.echo("\n".join(addresses))
    typer.echo(f"token: {token}")
    note(f"\nFor {name}, may {', '.join(scopes)}. It is not shown again.")
    if settings.http.auth == "open":
        note('http.auth is "open": this device asks nobody for a token yet.')


def _addresses(http: "HttpSettings") -> list[str]:
    import socket

    from edge.settings.check import host_is_loopback

    host = http.host
    if host in ("0.0.0.0", "::"):  # noqa: S104  it is compared, not listened on
        host = f"{socket.gethostname()}.local"
    elif ":" in host:
        host = f"[{host}]"
    found = [f"http://{host}:{http.port}/"]
    if host_is_loopback(http.host):
        note("This device listens on loopback: only programs on it can reach that address.")
    return found
