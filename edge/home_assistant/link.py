"""The connection to Home Assistant's broker: paho's own thread, spoken to from the event loop.

What is said is the newest state of things: a message that is lost is made good by the next one, so
nothing is queued here beyond what paho holds for one connection.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge.home_assistant.words import OFFLINE

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from paho.mqtt.client import MQTTMessage

    from edge.config import HomeAssistantSettings
    from edge.home_assistant.words import Place

KEEPALIVE_S = 30
RETRY_S = (1, 120)
"""Seconds between two tries to connect: the shortest and the longest."""
KNOCK_S = 5.0
"""In which a broker that is there lets somebody in."""

log = logging.getLogger(__name__)


class Link(Protocol):
    """A broker that takes what is published and tells what is asked."""

    def start(self, heard: Callable[[str, bytes], None], up: Callable[[], None]) -> None:
        """Connect, again and again; `heard` and `up` are called in the event loop."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Say something; lost where there is no connection."""
        ...

    def stop(self) -> None:
        """Say that the device is gone, and part."""
        ...


class PahoLink:
    """Speaks MQTT 5."""

    def __init__(
        self, settings: HomeAssistantSettings, password: str, place: Place, loop: AbstractEventLoop
    ) -> None:
        """Make the client; nothing is connected."""
        self._settings = settings
        self._place = place
        self._loop = loop
        self._reason = ""
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id=place.id("link"), protocol=MQTTv5
        )
        if settings.user:
            client.username_pw_set(settings.user, password)
        client.will_set(place.own("available"), OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(*RETRY_S)
        client.max_queued_messages_set(64)

    def start(self, heard: Callable[[str, bytes], None], up: Callable[[], None]) -> None:
        """See `Link.start`."""

        def connected(client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
            if code.is_failure:
                self._away(f"refuses this device: {code}")
                return
            self._reason = ""
            log.info("Home Assistant's broker has let this device in")
            client.subscribe([(self._place.birth, 1), (self._place.own("command"), 1)])
            self._loop.call_soon_threadsafe(up)

        def failed(_client: Client, _data: Any) -> None:
            self._away(f"at {self._settings.host}:{self._settings.port} can't be reached")

        def lost(_client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
            if code.is_failure and not self._reason:
                self._away(f"is gone: {code}")

        def message(_client: Client, _data: Any, said: MQTTMessage) -> None:
            if not said.retain:  # a button that was pressed long ago
                self._loop.call_soon_threadsafe(heard, said.topic, bytes(said.payload))

        self._client.on_connect = connected
        self._client.on_connect_fail = failed
        self._client.on_disconnect = lost
        self._client.on_message = message
        self._client.connect_async(self._settings.host, self._settings.port, KEEPALIVE_S)
        self._client.loop_start()

    def _away(self, reason: str) -> None:
        """Log why there is no connection: once, though it is tried again and again."""
        if reason != self._reason:
            log.warning("Home Assistant's broker %s", reason)
        self._reason = reason

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """See `Link.publish`."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=1, retain=retain)

    def stop(self) -> None:
        """See `Link.stop`."""
        if self._client.is_connected():
            gone = self._client.publish(self._place.own("available"), OFFLINE, qos=1, retain=True)
            gone.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()


def knock(settings: HomeAssistantSettings, password: str, client: str) -> str:
    """Ask the broker to be let in, and leave again: why not, or "".

    Args:
        settings: where it is.
        password: of `settings.user`.
        client: the id to come as; a broker ends the connection of whoever has it already.
    """
    said: list[str] = []
    visitor = Client(CallbackAPIVersion.VERSION2, client_id=client, protocol=MQTTv5)
    visitor.on_connect = lambda _c, _d, _f, code, _p: said.append(
        str(code) if code.is_failure else ""
    )
    visitor.connect_timeout = KNOCK_S
    if settings.user:
        visitor.username_pw_set(settings.user, password)
    end = time.monotonic() + KNOCK_S
    try:
        visitor.connect(settings.host, settings.port)
        while not said and time.monotonic() < end:
            visitor.loop(0.2)
        visitor.disconnect()
    except (OSError, ValueError) as e:  # the latter: a host that is no name
        return getattr(e, "strerror", None) or str(e)
    return said[0] if said else "no answer in time"
