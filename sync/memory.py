"""A broker and its transports in memory, in a time of their own, as bad as a test wants them.

`fate` is asked for every message: the delays, in seconds, with which it arrives; none loses it,
two double it, different ones reorder. `cut` ends a link, `restart` forgets everything, and a
transport that is held back delays.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import count

from sync.transport import SLOTS, Connected, Delivered, Event, Listener, Lost, Received, Will

Fate = Callable[[], Sequence[float]]
SHARE = "$share/"


def matches(pattern: str, topic: str) -> bool:
    """Whether a filter (with `+` and a last `#`) takes a topic."""
    wanted, parts = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted, parts = wanted[:-1], parts[: len(wanted) - 1]
    return len(wanted) == len(parts) and all(
        w in ("+", p) for w, p in zip(wanted, parts, strict=True)
    )


class MemoryBroker:
    """The broker, the network and the time."""

    def __init__(self, fate: Fate = lambda: (0.01,), reconnect_s: float = 1.0) -> None:
        """Deliver as `fate` says; a link that was cut comes back after `reconnect_s`."""
        self.now = 0.0
        self.up = True
        self._fate = fate
        self._reconnect_s = reconnect_s
        self._numbers = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._clients: list[MemoryTransport] = []
        self._retained: dict[str, bytes] = {}
        self._turn = 0

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._numbers), do))

    def step(self) -> bool:
        """Let time pass until the next thing has happened; False where nothing will."""
        if not self._agenda:
            return False
        self.now, _, do = heapq.heappop(self._agenda)
        do()
        return True

    def cut(self, *clients: MemoryTransport) -> None:
        """End these links; they come back."""
        for client in clients:
            client.drop("cut")

    def restart(self) -> None:
        """End every link and forget everything, as a broker without persistence does."""
        self._retained.clear()
        self.cut(*self._clients)

    def attach(self, client: MemoryTransport) -> None:
        """Connect, or try again later."""

        def connect() -> None:
            if client.wanted and not client.connected and self.up:
                if client not in self._clients:
                    self._clients.append(client)
                client.tell(Connected())
                for topic, payload in self._retained.items():
                    if any(matches(f, topic) for f in client.filters if not f.startswith(SHARE)):
                        client.receive(topic, payload)
            elif client.wanted and not client.connected:
                self.after(self._reconnect_s, connect)

        self.after(self._reconnect_s, connect)

    def detach(self, client: MemoryTransport, *, will: Will | None) -> None:
        """Say the will of a client that is gone."""
        if client in self._clients:
            self._clients.remove(client)
        if will is not None:
            self.route(will.topic, will.payload, retain=True)

    def carry(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Take a message and deliver it as fate says."""
        for delay in self._fate():
            self.after(delay, lambda: self.route(topic, payload, retain=retain))

    def route(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Give a message to everybody who listens; to one of those who share a subscription."""
        if retain:
            self._retained[topic] = payload
        shared: dict[str, list[MemoryTransport]] = {}
        for client in self._clients:
            for pattern in client.filters:
                if pattern.startswith(SHARE):
                    if matches(pattern.split("/", 2)[2], topic):
                        shared.setdefault(pattern, []).append(client)
                elif matches(pattern, topic):
                    client.receive(topic, payload)
        for group in shared.values():
            self._turn += 1
            group[self._turn % len(group)].receive(topic, payload)


class MemoryTransport:
    """Implements `sync.transport.Transport` over a `MemoryBroker`."""

    def __init__(
        self, broker: MemoryBroker, filters: Sequence[str] = (), will: Will | None = None
    ) -> None:
        """Subscribe to `filters` on every connection."""
        self.filters = tuple(filters)
        self.connected = False
        self.wanted = False
        self._broker = broker
        self._will = will
        self._listener: Listener = lambda _event: None
        self._tokens = count(1)
        self._unconfirmed: set[int] = set()
        self._undone: dict[int, tuple[str, bytes]] = {}

    def start(self, listener: Listener) -> None:
        """Begin to connect."""
        self._listener, self.wanted = listener, True
        self._broker.attach(self)

    def stop(self) -> None:
        """Say goodbye; the will stays unsaid."""
        self.wanted, self._listener = False, lambda _event: None
        self._leave(None)

    def kill(self) -> None:
        """Die, as the process around it does."""
        self.wanted, self._listener = False, lambda _event: None
        self._leave(self._will)

    def drop(self, reason: str) -> None:
        """Lose the link, and try again."""
        if self.connected:
            self._leave(self._will)
            self._listener(Lost(reason))
            self._broker.attach(self)

    @property
    def free(self) -> int:
        """Free slots."""
        return SLOTS - len(self._unconfirmed) if self.connected else 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message over; the broker has it a moment later, unless the link is cut before."""
        if not self.free:
            return None
        token = next(self._tokens)
        self._unconfirmed.add(token)

        def arrive() -> None:
            if token in self._unconfirmed:
                self._broker.carry(topic, payload, retain=retain)
                self._broker.after(0.005, confirm)

        def confirm() -> None:
            if token in self._unconfirmed:
                self._unconfirmed.discard(token)
                self._listener(Delivered(token, accepted=True))

        self._broker.after(0.005, arrive)
        return token

    def done(self, receipt: int) -> None:
        """Forget what would have come again."""
        self._undone.pop(receipt, None)

    def check(self) -> None:
        """Nothing here can break."""

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message from the broker."""
        receipt = next(self._tokens)
        self._undone[receipt] = (topic, payload)
        self._listener(Received(topic, payload, receipt))

    def tell(self, event: Event) -> None:
        """Hear that the link is up."""
        self.connected = True
        self._listener(event)

    def _leave(self, will: Will | None) -> None:
        """What was not dealt with goes to another, or is lost where nobody else listens."""
        was, self.connected = self.connected, False
        self._unconfirmed.clear()
        undone, self._undone = list(self._undone.values()), {}
        if was:
            self._broker.detach(self, will=will)
            for topic, payload in undone:
                self._broker.route(topic, payload, retain=False)
