"""An ingest worker: takes what has come off the transport, deals with it at once, answers it.

Two threads take turns: while one waits for the disk, the other takes in what comes meanwhile.
Stateless: whatever it holds when it is killed comes again from the broker or the device.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sync import topics
from sync.transport import Connected, Delivered, Event, Lost, Quiet, Received, Transport
from tower_sync_server.ingest.heard import Heard, arrived, read
from tower_sync_server.ingest.letters import Answer, Letter, letters
from tower_sync_server.ingest.quota import NoQuota
from tower_sync_server.ingest.turns import Places, Turns, whose

TICK_S = 1.0
"""Between two looks at everything while nothing comes."""
LANES = 2
"""Threads that deal with batches."""
FEW = 24
"""Messages that are worth a batch of their own beside one that is being dealt with."""
LINGER_S = 0.05
"""Longest that fewer wait for others, or for that batch to end."""
MAX_MESSAGES = 64
MAX_BYTES = 16 * 1024 * 1024
"""Of a batch; what has come beyond is the next one's."""
FILTERS = (topics.SHARED_UP, topics.SHARED_DIGEST, topics.EVERY_STATE)
"""What a worker subscribes to."""

log = logging.getLogger(__name__)


class Takes(Protocol):
    """Deals with batches of messages, in several threads; `Ingest` is one."""

    @property
    def tally(self) -> Mapping[str, int]:
        """Answer → how many were given."""
        ...

    def settle(self, messages: Sequence[Heard]) -> list[Answer | None]:
        """Gives what to answer to each."""
        ...

    def has_room(self) -> bool:
        """Whether anything more is taken."""
        ...


class Counts(Protocol):
    """Counts messages that were too many; `Quota` is one."""

    @property
    def held_back(self) -> Mapping[str, int]:
        """Device → how many."""
        ...

    def note(self, device: str, count: int = 1) -> None:
        """So many more."""
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
    held_back: Mapping[str, int] = field(default_factory=dict)
    """Device → how many of its messages were too many."""


@dataclass(frozen=True, slots=True)
class Read:
    """A message that waits to be dealt with."""

    link: int
    """On which link it came."""
    receipt: int
    """For `done`."""
    device: str
    """Of its topic."""
    heard: Heard
    """What it says."""
    size: int
    """Bytes."""


Tell = Callable[[Report], None]


class Worker:
    """Runs in the thread that calls `run` and in its lanes; the transport has its own threads."""

    def __init__(
        self, transport: Watched, ingest: Takes, tell: Tell, counts: Counts | None = None
    ) -> None:
        """Nothing is started; `tell` hears how it is, about every second, `counts` what was cut."""
        self._counts = counts or NoQuota()
        self._places = Places()
        self._transport = transport
        self._ingest = ingest
        self._tell = tell
        self._came: list[Received] = []
        self._inbox: Turns[Read] = Turns()
        self._arrived = threading.Condition()
        self._moved = threading.Event()
        self._stopping = threading.Event()
        self._working = 0
        self._failure: BaseException | None = None
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
        lanes = [threading.Thread(target=self._lane, name=f"lane-{n}") for n in range(LANES)]
        for lane in lanes:
            lane.start()
        try:
            while not self._stopping.is_set():
                self._transport.check()
                self._tell(self._report())
                self._stopping.wait(TICK_S)
        finally:
            self.stop()
            for lane in lanes:
                lane.join()
            self._transport.stop()
        if self._failure is not None:
            raise self._failure

    def _report(self) -> Report:
        tally, held_back = dict(self._ingest.tally), dict(self._counts.held_back)
        return Report(self._up, self._reason, tally, held_back)

    def stop(self) -> None:
        """End soon, after what is being dealt with."""
        self._stopping.set()
        self._moved.set()
        with self._arrived:
            self._arrived.notify_all()

    def _hear(self, event: Event) -> None:
        """In the transport's thread: note it, and never block."""
        match event:
            case Connected():
                self._up, self._reason = True, ""
            case Lost(reason):
                self._up, self._reason = False, reason
                self._losses += 1
                self._came.clear()
                self._places.clear()
            case Received():
                self._came.append(event)
                return
            case Quiet():
                self._read()
            case Delivered(accepted=False):  # nobody there: the device will ask again
                log.debug("an answer was not delivered: %s", event.reason)
            case Delivered():
                pass
        self._moved.set()

    def _read(self) -> None:
        """Read what has come, say that it has, and put it where the lanes find it."""
        came, self._came = self._came, []
        fresh = [
            Read(self._losses, m.receipt, device, read(m.topic, m.payload), len(m.payload))
            for m in came
            if self._enters(device := whose(m.topic), m.receipt)
        ]
        if mentioned := arrived(one.heard for one in fresh if self._places.may_go_on(one.device)):
            self._mention(mentioned)
        with self._arrived:
            for one in fresh:
                self._inbox.put(one.device, one)
            self._arrived.notify()

    def _enters(self, device: str, receipt: int) -> bool:
        """Whether there is a place for another message of a device; else it is dealt with."""
        if self._places.enter(device):
            return True
        self._counts.note(device)
        self._transport.done(receipt)  # unread: whoever waits for an answer asks again
        return False

    def _mention(self, answers: Sequence[Answer]) -> None:
        """Say this where there is a free slot; it promises nothing, and nobody waits for it."""
        if self._ingest.has_room():
            for letter in letters(answers):
                self._transport.publish(topics.ack(letter.device), letter.payload)

    def _lane(self) -> None:
        """Deal with batch after batch; what ends it ends the worker."""
        try:
            while not self._stopping.is_set():
                batch = self._batch()
                try:
                    self._deal_with(batch)
                finally:
                    with self._arrived:
                        self._working -= 1
                        self._arrived.notify_all()
        except BaseException as e:  # noqa: BLE001 - `run` raises it
            self._failure = e
            self._stopping.set()

    def _batch(self) -> list[Read]:
        """Everything that has come, up to a limit; waits a while for the first."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._inbox or self._stopping.is_set(), TICK_S)
            self._arrived.wait_for(self._worth_it, LINGER_S)
            batch: list[Read] = []
            size = 0
            while self._inbox and len(batch) < MAX_MESSAGES and size < MAX_BYTES:
                batch.append(self._inbox.pop())
                size += batch[-1].size
            self._working += 1
        # Of a lost link nothing is taken: the broker gives it again, perhaps to another worker.
        return [one for one in batch if one.link == self._losses]

    def _worth_it(self) -> bool:
        """Whether to begin: a batch costs nearly the same however much is in it."""
        return not self._working or len(self._inbox) >= FEW or self._stopping.is_set()

    def _deal_with(self, batch: list[Read]) -> None:
        if not batch:
            return
        link = batch[0].link
        answers = self._ingest.settle([one.heard for one in batch])
        self._finish(link, [r for r, a in zip(batch, answers, strict=True) if a is None])
        for letter in letters(answers):
            if self._say(link, letter):
                self._finish(link, [batch[number] for number in letter.numbers])

    def _finish(self, link: int, messages: Sequence[Read]) -> None:
        if link == self._losses:
            for message in messages:
                self._transport.done(message.receipt)
                self._places.leave(message.device)

    def _say(self, link: int, letter: Letter) -> bool:
        """Publish as soon as there is a free slot; False where the link was lost before."""
        while link == self._losses and not self._stopping.is_set():
            self._moved.clear()
            if self._transport.publish(topics.ack(letter.device), letter.payload) is not None:
                return True
            self._moved.wait(TICK_S)
        return False
