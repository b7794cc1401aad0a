"""The real transport: MQTT 5 over paho, behind what paho does not see to.

paho's queue is unbounded and in memory only, so nothing is handed to it beyond `SLOTS`, or the
broker's Receive Maximum where that is less. Its reconnects resend what may be settled, so every
connection is a new client, and whoever stands above decides what goes again. Its thread can die or
hang without a word, so the thread is ours, and `check` looks at it from outside.
"""

from __future__ import annotations

import random
import threading
import time
from itertools import count
from typing import TYPE_CHECKING

from sync.handshake import Handshake
from sync.mqtt_client import Done, Flow, Plan, Publish
from sync.mqtt_link import Link
from sync.transport import SLOTS, Connected, Delivered, Event, Listener, Lost, Will

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync.broker import Broker

STOP_S = 3.0
"""Longest that a goodbye may take."""


class MqttTransport:
    """Implements `sync.transport.Transport`."""

    def __init__(
        self,
        broker: Broker,
        filters: Sequence[str] = (),
        will: Will | None = None,
        *,
        keepalive_s: int = 15,
        spread_s: float = 0.0,
        flow: Flow | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Keep the values; `start` connects.

        Args:
            broker: where, and as whom.
            filters: subscribed to on every connection.
            will: what the broker says when it loses us.
            keepalive_s: a link that is dead without a sign is noticed after twice this time.
            spread_s: where the broker hangs up, the next attempt comes at random within this time,
                so that a fleet doesn't come back all at once; 0: within two seconds.
            flow: how much comes at once.
            rng: for the jitter of reconnects.

        Raises:
            BadTransportError: the certificates can't be used.
        """
        tls = None if broker.tls is None else Handshake(broker.tls)
        self._plan = Plan(broker, tls, tuple(filters), will, keepalive_s, spread_s, flow or Flow())
        self._rng = rng or random.Random()  # noqa: S311  jitter, no secret
        self._lock = threading.Lock()
        self._listener: Listener = lambda _event: None
        self._tokens = count(1)
        self._unconfirmed: set[int] = set()
        self._slots = 0
        self._link: Link | None = None
        self.restarts = 0
        """How often the network thread was found dead or stuck."""

    def start(self, listener: Listener) -> None:
        """Begin to connect; `listener` is called in the network thread."""
        self._listener = listener
        self._connect()

    def stop(self) -> None:
        """Say goodbye; the broker says our will."""
        link, self._link = self._link, None
        if link is not None:
            link.stop()
            link.join(STOP_S)

    def check(self) -> None:
        """Replace a network thread that has died or is stuck."""
        link = self._link
        if link is None or (link.is_alive() and time.monotonic() < link.alive_until):
            return
        self.restarts += 1
        link.stop()
        self._hear(Lost("the network thread died or was stuck"), 0)
        self._connect()

    @property
    def free(self) -> int:
        """How many messages can be published now; 0 while the link is down."""
        with self._lock:
            return max(0, self._slots - len(self._unconfirmed))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message over; see `Transport.publish`."""
        link = self._link
        with self._lock:
            if link is None or len(self._unconfirmed) >= self._slots:
                return None
            token = next(self._tokens)
            self._unconfirmed.add(token)
        link.order(Publish(token, topic, payload, retain))
        return token

    def done(self, receipt: int) -> None:
        """Tell the broker that a message has been dealt with."""
        if self._link is not None:
            self._link.order(Done(receipt))

    def doubt(self) -> None:
        """Look for another link if nothing came over this one within the keepalive."""
        if self._link is not None:
            self._link.doubt()

    def _connect(self) -> None:
        """Start a thread; one that it replaces is not listened to any more."""

        def tell(event: Event, slots: int) -> None:
            if link is self._link:
                self._hear(event, slots)

        self._link = link = Link(self._plan, tell, self._rng)
        link.start()

    def _hear(self, event: Event, slots: int) -> None:
        with self._lock:
            if isinstance(event, Connected):
                self._slots = min(SLOTS, slots)
            elif isinstance(event, Lost):
                self._slots = 0
                self._unconfirmed.clear()
            elif isinstance(event, Delivered):
                self._unconfirmed.discard(event.token)
        self._listener(event)
