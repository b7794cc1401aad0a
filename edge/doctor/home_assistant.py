"""The doctor's look at Home Assistant's broker: whether it lets this device in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.doctor.findings import Finding, fine, warn
from edge.errors import ConfigError
from edge.home_assistant.link import knock
from edge.home_assistant.make import place_of
from edge.settings.secret_files import home_assistant_password

if TYPE_CHECKING:
    from edge.config import HomeAssistantSettings


def home_assistant(settings: HomeAssistantSettings, device: str) -> list[Finding]:
    """Knock at the broker; nothing is published.

    Args:
        settings: with a host.
        device: its name.
    """
    try:
        password = home_assistant_password(settings)
    except ConfigError:  # the look at the secrets has said why
        return []
    where = f"{settings.host}:{settings.port}"
    why = knock(settings, password, place_of(settings, device).id("doctor"))
    if why:
        mend = f"ping {settings.host}; see [home_assistant] in the settings: host, user, password"
        return [warn("home assistant", f"{where}: {why}; it isn't told of this device", mend)]
    return [fine("home assistant", f"{where} lets this device in")]
