from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.codec import decode_ack
from sync.messages import Chunk, Stored
from sync.transport import Connected, Delivered, Lost, Quiet, Received
from tests.fakes.parcels import SentCase, wire
from tower_sync_server.errors import OperatorError
from tower_sync_server.ingest.letters import Answer
from tower_sync_server.ingest.quota import NoQuota
from tower_sync_server.ingest.turns import MOST, TURN
from tower_sync_server.ingest.worker import LANES, MAX_MESSAGES, Report, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sync.transport import Event, Listener
    from tower_sync_server.ingest.heard import Heard

TOPIC, PAYLOAD = wire(SentCase().case().chunk(0))
ADDRESS = SentCase().case().header.address


class Pipe:
    """A transport that does what the test says."""

    def __init__(self) -> None:
        self.listener: Listener = lambda _event: None
        self.free = 64
        self.said: list[tuple[str, bytes]] = []
        self.dealt_with: list[int] = []
        self.checks = 0
        self.stopped = False

    def start(self, listener: Listener) -> None:
        self.listener = listener

    def tell(self, event: Event) -> None:
        self.listener(event)
        self.listener(Quiet())

    def stop(self) -> None:
        self.stopped = True

    def check(self) -> None:
        self.checks += 1

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        assert not retain
        if self.free == 0:
            return None
        self.free -= 1
        self.said.append((topic, payload))
        return len(self.said)

    def done(self, receipt: int) -> None:
        self.dealt_with.append(receipt)


class Answers:
    """Takes everything; `during` happens while it does."""

    def __init__(self) -> None:
        self.tally = Counter[str]()
        self.taken = 0
        self.batches: list[int] = []
        self.during: Callable[[], None] = lambda: None

    def has_room(self) -> bool:
        return True

    def settle(self, messages: Sequence[Heard]) -> list[Answer | None]:
        self.batches.append(len(messages))
        self.taken += len(messages)
        self.during()
        return [
            Answer("gate", Stored(ADDRESS)) if isinstance(one.said, Chunk) else None
            for one in messages
        ]


class Rig:
    def __init__(self) -> None:
        self.pipe, self.answers = Pipe(), Answers()
        self.reports: list[Report] = []
        self.worker = Worker(self.pipe, self.answers, self.reports.append)
        self.thread = threading.Thread(target=self.worker.run)

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.thread.start()
    rig.until(lambda: rig.pipe.checks > 0)
    rig.pipe.tell(Connected())
    yield rig
    rig.worker.stop()
    rig.thread.join(10)
    assert rig.pipe.stopped


def test_a_message_is_answered_and_then_done_with(rig: Rig) -> None:
    rig.pipe.tell(Received(TOPIC, PAYLOAD, 7))

    rig.until(lambda: rig.pipe.dealt_with == [7])

    ((topic, payload),) = rig.pipe.said
    assert topic == topics.ack("gate")
    assert decode_ack(payload) == Stored(ADDRESS)


def test_what_needs_no_answer_is_done_with_too(rig: Rig) -> None:
    rig.pipe.tell(Received("edgecase/v1/d/gate/state", b"", 8))

    rig.until(lambda: rig.pipe.dealt_with == [8])

    assert rig.pipe.said == []


def test_an_answer_waits_for_a_free_slot_and_the_broker_for_the_answer(rig: Rig) -> None:
    rig.pipe.free = 0
    rig.pipe.tell(Received(TOPIC, PAYLOAD, 9))
    rig.until(lambda: rig.answers.taken == 1)
    assert rig.pipe.dealt_with == []

    rig.pipe.free = 1
    rig.pipe.tell(Delivered(1, accepted=True))

    rig.until(lambda: rig.pipe.dealt_with == [9])


def test_a_receipt_of_a_lost_link_is_never_used(rig: Rig) -> None:
    """The same number means another message on the next link."""
    rig.answers.during = lambda: rig.pipe.tell(Lost("cut"))
    rig.pipe.tell(Received(TOPIC, PAYLOAD, 1))
    rig.pipe.tell(Received(TOPIC, PAYLOAD, 2))
    rig.until(lambda: rig.answers.taken >= 1)
    rig.answers.during = lambda: None
    rig.pipe.tell(Connected())
    rig.pipe.tell(Received(TOPIC, PAYLOAD, 3))

    rig.until(lambda: rig.pipe.dealt_with == [3])

    assert len(rig.pipe.said) == 1


def test_what_comes_while_the_disk_is_waited_for_is_one_batch(rig: Rig) -> None:
    gate = threading.Event()
    rig.answers.during = gate.wait
    for number in range(LANES):  # a message for each lane, which then waits
        rig.pipe.tell(Received(TOPIC, PAYLOAD, number))
        rig.until(lambda: rig.answers.taken == number + 1)  # noqa: B023 - at once
    for number in range(LANES, LANES + 9):
        rig.pipe.tell(Received(TOPIC, PAYLOAD, number))

    gate.set()

    rig.until(lambda: len(rig.pipe.dealt_with) == LANES + 9)
    assert rig.answers.batches == [1] * LANES + [9]


def test_nothing_of_a_batch_is_answered_before_all_of_it_is_safe(rig: Rig) -> None:
    gate = threading.Event()
    rig.answers.during = gate.wait
    for number in range(5):
        rig.pipe.tell(Received(TOPIC, PAYLOAD, number))
    rig.until(lambda: rig.answers.taken >= 1)

    assert (rig.pipe.said, rig.pipe.dealt_with) == ([], [])

    gate.set()
    rig.until(lambda: sorted(rig.pipe.dealt_with) == [0, 1, 2, 3, 4])


def test_it_says_how_it_is(rig: Rig) -> None:
    rig.until(lambda: rig.reports[-1].connected)
    rig.pipe.tell(Lost("the broker is gone"))

    rig.until(lambda: not rig.reports[-1].connected)

    assert rig.reports[-1].reason == "the broker is gone"


def test_a_failing_disk_ends_it() -> None:
    rig = Rig()

    def fail() -> None:
        raise OperatorError("the disk failed")

    rig.answers.during = fail
    threading.Timer(0.1, lambda: rig.pipe.tell(Received(TOPIC, PAYLOAD, 1))).start()

    with pytest.raises(OperatorError):
        rig.worker.run()
    assert rig.pipe.dealt_with == []
    assert rig.pipe.stopped


def test_a_device_that_waits_for_nothing_is_cut_off_and_the_others_are_dealt_with() -> None:
    rig, counted, going_on = Rig(), Counted(), threading.Event()
    rig.worker = Worker(rig.pipe, rig.answers, rig.reports.append, counted)
    rig.thread = threading.Thread(target=rig.worker.run, daemon=True)
    rig.answers.during = lambda: (going_on.wait(10), None)[1]
    rig.pipe.free = 10_000
    rig.thread.start()
    try:
        rig.until(lambda: rig.pipe.checks > 0)
        rig.pipe.tell(Connected())
        flood = wire(SentCase().case().chunk(0), "yard")
        for receipt in range(1, 1_001):
            rig.pipe.listener(Received(*flood, receipt))
        rig.pipe.tell(Received(TOPIC, PAYLOAD, 2_000))
        assert rig.pipe.dealt_with == list(range(MOST + 1, 1_001))  # unread, as they came
        going_on.set()
        rig.until(lambda: len(rig.pipe.dealt_with) == 1_001)
        behind = rig.pipe.dealt_with.index(2_000) - (1_000 - MOST)
        assert behind < LANES * MAX_MESSAGES + TURN < MOST
        assert counted.held_back == {"yard": 1_000 - MOST}
        rig.until(lambda: rig.reports[-1].held_back == counted.held_back)
    finally:
        going_on.set()
        rig.worker.stop()
        rig.thread.join(10)


class Counted(NoQuota):
    """Counts what was too much."""

    def __init__(self) -> None:
        self.held_back = Counter[str]()

    def note(self, device: str, count: int = 1) -> None:
        self.held_back[device] += count
