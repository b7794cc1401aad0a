"""Has devices compare both ends: at once those on the line, the others when they come."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sync import topics
from sync.codec import encode_wish
from sync.messages import Wish
from sync.transport import Connected, Delivered, Event
from tower_sync_server.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync.transport import Transport

PATIENCE_S = 20.0
"""How long the broker may take."""


class Wisher:
    """Leaves a wish for each device with the broker, which keeps it until it restarts."""

    def __init__(self, transport: Transport, devices: Sequence[str], number: int) -> None:
        """Nothing is connected; `number` is higher than that of any wish before."""
        self._transport = transport
        self._left = list(devices)
        self._payload = encode_wish(Wish(number))
        self._out: dict[int, str] = {}
        self._done = threading.Event()

    def run(self, patience_s: float = PATIENCE_S) -> None:
        """Return when the broker has all of them.

        Raises:
            UnavailableError: it doesn't in time.
        """
        self._transport.start(self._hear)
        try:
            if not self._done.wait(patience_s):
                hint = "Look at the broker, and at [mqtt] in the settings."
                raise UnavailableError("The broker did not take the wishes.", hint)
        finally:
            self._transport.stop()

    def _hear(self, event: Event) -> None:
        """In the transport's thread."""
        if isinstance(event, Delivered):
            device = self._out.pop(event.token, None)
            if device is not None and not event.accepted:
                self._left.append(device)
        if isinstance(event, Connected | Delivered):
            self._go_on()

    def _go_on(self) -> None:
        while self._left:
            topic = topics.ack(self._left[-1])
            token = self._transport.publish(topic, self._payload, retain=True)
            if token is None:
                return
            self._out[token] = self._left.pop()
        if not self._out:
            self._done.set()
