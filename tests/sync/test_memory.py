"""The transport of the tests is as bad as it is told to be."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

from sync.memory import MemoryBroker, MemoryTransport, matches
from sync.transport import SLOTS, Connected, Delivered, Event, Lost, Received, Transport, Will

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pair:
    """A sender, and one or more listeners on `a/+`."""

    def __init__(self, *fates: Sequence[float], shared: int = 0) -> None:
        left = deque(fates)
        self.broker = MemoryBroker(lambda: left.popleft() if left else (0.01,))
        self.sender = MemoryTransport(self.broker, will=Will("a/will", b"gone"))
        filters = ["$share/g/a/+"] if shared else ["a/+"]
        self.listeners = [MemoryTransport(self.broker, filters) for _ in range(shared or 1)]
        self.said: list[Event] = []
        self.heard: list[list[Received]] = [[] for _ in self.listeners]
        for listener, heard in zip(self.listeners, self.heard, strict=True):
            listener.start(lambda e, h=heard: h.append(e) if isinstance(e, Received) else None)  # type: ignore[misc]
        self.sender.start(self.said.append)
        self.run(2)

    def run(self, seconds: float) -> None:
        end = self.broker.now + seconds
        self.broker.after(seconds, lambda: None)
        while self.broker.now < end:
            assert self.broker.step()

    def send(self, *payloads: bytes) -> list[bytes]:
        """Publish, wait, and give what the first listener got."""
        for payload in payloads:
            self.sender.publish("a/b", payload)
        self.run(20)
        return [event.payload for event in self.heard[0]]


def test_it_is_a_transport() -> None:
    transport: Transport = MemoryTransport(MemoryBroker())
    assert transport.free == 0
    assert transport.publish("a", b"") is None


def test_it_loses_doubles_delays_and_reorders() -> None:
    assert Pair((), (0.1,)).send(b"1", b"2") == [b"2"]
    assert Pair((0.1, 0.2)).send(b"1") == [b"1", b"1"]
    assert Pair((9,), (0.1,)).send(b"1", b"2") == [b"2", b"1"]


def test_a_cut_loses_what_is_in_the_pipe_and_the_link_comes_back() -> None:
    pair = Pair()
    pair.sender.publish("a/b", b"1")
    pair.broker.cut(pair.sender)
    assert pair.sender.publish("a/b", b"2") is None
    assert pair.send() == [b"gone"]
    assert [type(event) for event in pair.said] == [Connected, Lost, Connected]


def test_no_more_than_sixteen_messages_are_taken_at_once() -> None:
    pair = Pair()
    taken = [pair.sender.publish("a/b", b"") for _ in range(40)]
    assert sum(token is not None for token in taken) == SLOTS
    pair.run(1)
    assert len([e for e in pair.said if isinstance(e, Delivered)]) == pair.sender.free == SLOTS


def test_a_shared_subscription_gives_each_message_to_one_and_to_another_where_that_dies() -> None:
    pair = Pair(shared=2)
    pair.send(b"1", b"2")
    first, second = pair.heard
    assert sorted(e.payload for e in first + second) == [b"1", b"2"]
    left = len(second)
    pair.listeners[0].kill()
    assert len(second) - left == len(first)


def test_a_broker_that_restarts_forgets_what_was_retained() -> None:
    pair = Pair()
    pair.sender.publish("a/kept", b"1", retain=True)
    pair.run(1)

    def late() -> list[bytes]:
        said: list[Event] = []
        MemoryTransport(pair.broker, ["a/#"]).start(said.append)
        pair.run(2)
        return [e.payload for e in said if isinstance(e, Received) and e.topic == "a/kept"]

    assert late() == [b"1"]
    pair.broker.restart()
    pair.run(2)
    assert late() == []


@pytest.mark.parametrize(
    ("pattern", "topic", "takes"),
    [
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("+/b", "a/b", True),
        ("a", "b", False),
    ],
)
def test_filters_take_what_mqtt_says(pattern: str, topic: str, takes: bool) -> None:
    assert matches(pattern, topic) is takes
