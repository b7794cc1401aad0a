"""What carries messages: a pipe that may lose, double and reorder them, and says when it is cut.

Both ends stand on this Protocol alone. `sync.mqtt` is the real one, `sync.memory` the lossy one of
the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

SLOTS = 16
"""Messages that may be between `publish` and their `Delivered`; more are not taken."""


INFLIGHT = 128
"""Messages that a worker of the tower may have from the broker and not be `done` with."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The link is up, and every subscription is in place."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The link is down; what was published and not `Delivered` may or may not have arrived."""

    reason: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The broker has a message. That says nothing about the tower."""

    token: int
    """What `publish` gave."""
    accepted: bool
    """False: the broker refused it (not authorized, quota, …)."""
    reason: str = ""
    """Why, for people."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message came."""

    topic: str
    """Where it was sent."""
    payload: bytes
    """What was sent."""
    receipt: int
    """For `done`, once it has been dealt with."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """What had come has been told: a moment to deal with all of it together."""


Event = Connected | Lost | Delivered | Received | Quiet
Listener = Callable[[Event], None]
"""Hears of everything, in order, in a thread of the transport's own; it must not block."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our name when it loses us; retained."""

    topic: str
    """Where."""
    payload: bytes
    """What."""


class Transport(Protocol):
    """Carries messages while it is up, and keeps trying to come up. Never blocks its caller."""

    def start(self, listener: Listener) -> None:
        """Begin to connect; everything that happens is told to `listener`."""
        ...

    def stop(self) -> None:
        """Say goodbye and end; nothing is told after that."""
        ...

    @property
    def free(self) -> int:
        """How many messages can be published now; 0 while the link is down."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message over.

        Returns:
            A token, which comes back in `Delivered` unless the link is `Lost` before; None where
            nothing was taken, since the link is down or every slot is in use.
        """
        ...

    def done(self, receipt: int) -> None:
        """Tell the broker that a message has been dealt with; until then it may come again."""
        ...

    def check(self) -> None:
        """See that it still works, and mend it; to be called every few seconds."""
        ...
