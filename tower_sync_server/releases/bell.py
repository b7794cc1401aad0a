"""Tells devices over the broker that there is something to look at. What is there is signed; this
is not, and says nothing else.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from sync import topics
from sync.codec import encode_hint
from sync.messages import Hint
from sync.transport import Connected, Delivered, Event

if TYPE_CHECKING:
    from models.offer import Ring
    from sync.transport import Transport

log = logging.getLogger(__name__)


class Bell(Protocol):
    """Tells a ring of devices."""

    def ring(self, ring: Ring, version: int) -> None:
        """Tell those that listen and those that come later; `version` is the snapshot's."""
        ...

    def check(self) -> None:
        """See that it still works; called now and then."""
        ...

    def close(self) -> None:
        """Tell nobody any more."""
        ...


class NoBell:
    """Where there is no broker: devices look by themselves, only later."""

    def ring(self, ring: Ring, version: int) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Nothing to see."""

    def close(self) -> None:
        """Nothing to end."""


class MqttBell:
    """Retained hints. Connects when there is something to say first, and says it anew after every
    loss of the link, which costs three small messages and spares all book-keeping.
    """

    def __init__(self, transport: Transport) -> None:
        """Nothing is connected; `transport` subscribes to nothing."""
        self._transport = transport
        self._lock = threading.Lock()
        self._said: dict[Ring, int] = {}
        self._started = False

    def ring(self, ring: Ring, version: int) -> None:
        """Tell those that listen and those that come later."""
        with self._lock:
            self._said[ring] = version
        if not self._started:
            self._started = True
            self._transport.start(self._hear)
        self._say(ring, version)

    def check(self) -> None:
        """Replace what died of the transport."""
        if self._started:
            self._transport.check()

    def close(self) -> None:
        """Say goodbye."""
        if self._started:
            self._transport.stop()

    def _hear(self, event: Event) -> None:
        """In the transport's thread."""
        if isinstance(event, Connected):
            with self._lock:
                said = dict(self._said)
            for ring, version in said.items():
                self._say(ring, version)
        if isinstance(event, Delivered) and not event.accepted:
            # Also where nobody listens now: the broker keeps it for those who come.
            log.info("the broker on a hint: %s", event.reason)

    def _say(self, ring: Ring, version: int) -> None:
        hint = Hint({"snapshot": version})
        self._transport.publish(topics.hint(ring.value), encode_hint(hint), retain=True)
