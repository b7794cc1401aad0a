"""Which Home Assistant the settings name; "none" is one too."""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

from edge.home_assistant.home import HomeAssistant, Seen
from edge.home_assistant.words import CAPTURE, INSTALL, RELOAD, Place, node_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edge.config import HomeAssistantSettings
    from edge.events import Events


class Runs(Protocol):
    """What the daemon keeps running."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


class NoHomeAssistant:
    """Tells nobody."""

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


def make_home_assistant(
    settings: HomeAssistantSettings,
    password: str,
    device: str,
    seen: Seen,
    events: Events,
    capture: Callable[[], Awaitable[Any]],
    reload: Callable[[], Awaitable[Any]],
    install: Callable[[], Awaitable[Any]],
) -> Runs:
    """What tells Home Assistant of this device.

    Args:
        settings: `home_assistant.host` says whether there is one.
        password: of `home_assistant.user`.
        device: its name.
        seen: reads how it is.
        events: what happens.
        capture: takes a photo.
        reload: starts the models that are active.
        install: has what waits for a person's word serve.
    """
    if not settings.host:
        return NoHomeAssistant()
    from edge.home_assistant.link import PahoLink  # paho, only where it is wanted

    place = place_of(settings, device)

    return HomeAssistant(
        lambda: PahoLink(settings, password, place, asyncio.get_running_loop()),
        place,
        (device, _version()),
        seen,
        events,
        {CAPTURE: capture, RELOAD: reload, INSTALL: install},
    )


def place_of(settings: HomeAssistantSettings, device: str) -> Place:
    """Where this device speaks."""
    return Place(settings.prefix, node_of(device))


def _version() -> str:
    try:
        return version("edgecase")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return "0"
