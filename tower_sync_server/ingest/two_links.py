"""A transport that hears on one link and speaks on another.

A worker that has enough to do stops reading: what waits stays with the broker. On one link the
broker's word on the worker's answers would stand behind all of that, and the worker wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sync.transport import Connected, Delivered, Lost, Quiet, Received, Transport

if TYPE_CHECKING:
    from sync.transport import Event, Listener


class Hears(Transport, Protocol):
    """A transport that may have stopped reading, so that it doesn't see that it is dead."""

    def doubt(self) -> None:
        """Look for another link if nothing came over this one lately."""
        ...


class TwoLinks:
    """Implements `sync.transport.Transport`."""

    def __init__(self, hears: Hears, speaks: Transport) -> None:
        """Nothing is started; only `hears` subscribes to anything."""
        self._hears = hears
        self._speaks = speaks
        self._listener: Listener = lambda _event: None

    def start(self, listener: Listener) -> None:
        """Begin to connect; `listener` is called in the threads of both links.

        Only what is `Delivered` comes from the second one: while that one is down nothing is taken
        to be published, and the first one's messages wait.
        """
        self._listener = listener
        self._hears.start(self._heard)
        self._speaks.start(self._spoken)

    def stop(self) -> None:
        """Say goodbye on both."""
        self._hears.stop()
        self._speaks.stop()

    @property
    def free(self) -> int:
        """How many messages can be published now."""
        return self._speaks.free

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message over; see `Transport.publish`."""
        return self._speaks.publish(topic, payload, retain=retain)

    def done(self, receipt: int) -> None:
        """Tell the broker that a message has been dealt with."""
        self._hears.done(receipt)

    def check(self) -> None:
        """See that both work."""
        self._hears.check()
        self._speaks.check()

    def _heard(self, event: Event) -> None:
        self._listener(event)

    def _spoken(self, event: Event) -> None:
        match event:
            case Delivered():
                self._listener(event)
            case Lost():  # both go the same way, and the other one may wait for this one's answers
                self._hears.doubt()
            case Connected() | Received() | Quiet():
                pass
