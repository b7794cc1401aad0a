"""An ingest worker: takes messages off the transport and answers them, one after the other.

Stateless: whatever it holds when it is killed comes again from the broker or the device.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sync import topics
from sync.codec import encode_down
from sync.transport import Connected, Delivered, Event, Lost, Received, Transport

if TYPE_CHECKING:
    from tower_sync_server.ingest import Answer

TICK_S = 1.0
"""Between two looks at everything while nothing comes."""
FILTERS = (topics.SHARED_UP, topics.SHARED_DIGEST, topics.EVERY_STATE)
"""What a worker subscribes to."""

log = logging.getLogger(__name__)


class Takes(Protocol):
    """Deals with one message; `Ingest` is one."""

    @property
    def tally(self) -> Mapping[str, int]:
        """Answer → how many were given."""
        ...

    def take(self, topic: str, payload: bytes) -> Answer | None:
        """Gives what to answer."""
        ...


class Watched(Transport, Protocol):
    """A transport whose own thread has to be looked after."""

    def check(self) -> None:
        """Replace it where it has died."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """How a worker is."""

    connected: bool
    """Whether it hears the broker."""
    reason: str
    """Why not; "" where it does."""
    answered: Mapping[str, int]
    """Answer → how many were given."""


Tell = Callable[[Report], None]


class Worker:
    """Runs in the thread that calls `run`; the transport has threads of its own."""

    def __init__(self, transport: Watched, ingest: Takes, tell: Tell) -> None:
        """Nothing is started; `tell` hears how it is, about every second."""
        self._transport = transport
        self._ingest = ingest
        self._tell = tell
        self._inbox: queue.SimpleQueue[tuple[int, Received]] = queue.SimpleQueue()
        self._moved = threading.Event()
        self._stopping = threading.Event()
        self._up = False
        self._losses = 0
        """How often the link was lost; a receipt is worth something only until the next time."""
        self._reason = "not connected yet"

    def run(self) -> None:
        """Take messages in until `stop`.

        Raises:
            OperatorError: the disk or the database is failing.
        """
        self._transport.start(self._hear)
        told = -TICK_S
        try:
            while not self._stopping.is_set():
                if time.monotonic() - told >= TICK_S:
                    told = time.monotonic()
                    self._transport.check()
                    self._tell(Report(self._up, self._reason, dict(self._ingest.tally)))
                self._one()
        finally:
            self._transport.stop()

    def stop(self) -> None:
        """End soon, after the message that is being dealt with."""
        self._stopping.set()
        self._moved.set()

    def _hear(self, event: Event) -> None:
        """In the transport's thread: note it, and never block."""
        match event:
            case Connected():
                self._up, self._reason = True, ""
            case Lost(reason):
                self._up, self._reason = False, reason
                self._losses += 1
            case Received():
                self._inbox.put((self._losses, event))
            case Delivered(accepted=False):  # nobody there: the device will ask again
                log.info("an answer was not delivered: %s", event.reason)
            case Delivered():
                pass
        self._moved.set()

    def _one(self) -> None:
        """Deal with the next message, if one comes soon."""
        try:
            link, message = self._inbox.get(timeout=TICK_S)
        except queue.Empty:
            return
        if link != self._losses:
            return  # the broker gives it again, perhaps to another worker
        answer = self._ingest.take(message.topic, message.payload)
        if answer is None or self._say(link, topics.ack(answer.device), encode_down(answer.ack)):
            self._finish(link, message)

    def _finish(self, link: int, message: Received) -> None:
        if link == self._losses:
            self._transport.done(message.receipt)

    def _say(self, link: int, topic: str, payload: bytes) -> bool:
        """Publish as soon as there is a free slot; False where the link was lost before."""
        while link == self._losses and not self._stopping.is_set():
            self._moved.clear()
            if self._transport.publish(topic, payload) is not None:
                return True
            self._moved.wait(TICK_S)
        return False
