"""`edgecase home-assistant …`."""

from typing import TYPE_CHECKING

import typer

from edge.cli.options import Config, settings_of
from edge.cli.output import note

if TYPE_CHECKING:
    from edge.config import Settings

app = typer.Typer(help="What Home Assistant knows of this device.", no_args_is_help=True)


@app.callback()
def home_assistant() -> None:
    """What Home Assistant knows of this device."""


@app.command("clear")
def clear(config: Config = None) -> None:
    """Have Home Assistant forget this device; for when it is taken out of service."""
    settings = settings_of(config)
    if not settings.home_assistant.host:
        note("home_assistant.host is not set: nobody was told of this device.")
        return
    for topic in _clear(settings):
        typer.echo(f"cleared: {topic}")


def _clear(settings: "Settings") -> list[str]:
    from paho.mqtt import MQTTException, publish

    from edge.errors import UnavailableError
    from edge.home_assistant.make import place_of
    from edge.identity import identify
    from edge.settings.secret_files import home_assistant_password

    wanted = settings.home_assistant
    place = place_of(wanted, identify(settings.device.name).device)
    topics = [place.config, *(place.own(n) for n in ("state", "update", "image", "available"))]
    try:
        publish.multiple(
            [(topic, b"", 1, True) for topic in topics],
            hostname=wanted.host,
            port=wanted.port,
            auth={"username": wanted.user, "password": home_assistant_password(wanted)}
            if wanted.user
            else None,
        )
    except (OSError, ValueError, MQTTException) as e:  # the last: the broker won't let it in
        raise UnavailableError(
            f"Home Assistant's broker at {wanted.host}:{wanted.port} can't be used: {e}",
            "See [home_assistant] in the settings.",
        ) from e
    return topics
