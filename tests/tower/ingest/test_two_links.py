"""A worker's two links, at a real mosquitto that has more for it than it may hold."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sync.broker import Broker
from sync.mqtt import MqttTransport
from sync.mqtt_client import Flow
from sync.transport import Connected, Delivered, Event, Received
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.slow_link import slow_link
from tower_sync_server.ingest.two_links import TwoLinks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

FLOOD, TAKES, HOLDS = 600, 128, 32
KEEPALIVE_S = 2


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def published(broker: Mosquitto, links: Callable[[Mosquitto], TwoLinks | MqttTransport]) -> int:
    """How many answers are confirmed to somebody who holds all that it may, while more waits."""
    events: list[Event] = []
    worker, gate = links(broker), MqttTransport(broker.at("gate"))
    worker.start(events.append)
    gate.start(lambda _event: None)
    try:
        until(lambda: Connected() in events and gate.free > 0 and worker.free > 0)
        for number in range(FLOOD):
            until(lambda: gate.free > 0)
            assert gate.publish(f"a/{number}", b"x") is not None
        until(lambda: sum(isinstance(e, Received) for e in events) >= HOLDS)
        for received in [e for e in events if isinstance(e, Received)][:4]:
            worker.done(received.receipt)
        time.sleep(1)
        assert sum(isinstance(e, Received) for e in events) <= HOLDS + 4
        for number in range(8):
            assert worker.publish(f"b/{number}", b"y") is not None
        time.sleep(1)
        return sum(isinstance(e, Delivered) for e in events)
    finally:
        worker.stop()
        gate.stop()


def test_answers_go_out_while_nothing_more_is_read(tmp_path: Path) -> None:
    def two(broker: Mosquitto) -> TwoLinks:
        hears = MqttTransport(broker.at("worker"), ("a/+",), flow=Flow(TAKES, HOLDS))
        return TwoLinks(hears, MqttTransport(broker.at("worker-answers")))

    with mosquitto(tmp_path) as broker:
        assert published(broker, two) == 8


def test_on_one_link_they_stand_behind_what_is_not_read(tmp_path: Path) -> None:
    def one(broker: Mosquitto) -> MqttTransport:
        return MqttTransport(broker.at("worker"), ("a/+",), flow=Flow(TAKES, HOLDS))

    with mosquitto(tmp_path) as broker:
        assert published(broker, one) < 8


def lost_while_nothing_is_read(folder: Path) -> bool:
    """Whether the link that hears is given up where both have died, and it holds all it may."""
    events: list[Event] = []
    with mosquitto(folder) as broker, slow_link(broker.port, math.inf) as link:
        at = Broker("127.0.0.1", "worker", link.port)
        hears = MqttTransport(
            at, ("a/+",), flow=Flow(takes=TAKES, holds=HOLDS), keepalive_s=KEEPALIVE_S
        )
        speaks = MqttTransport(replace(at, client_id="worker-answers"), keepalive_s=KEEPALIVE_S)
        worker, gate = TwoLinks(hears, speaks), MqttTransport(broker.at("gate"))
        worker.start(events.append)
        gate.start(lambda _event: None)
        try:
            until(lambda: Connected() in events and gate.free > 0 and worker.free > 0)
            for number in range(2 * HOLDS):
                until(lambda: gate.free > 0)
                gate.publish(f"a/{number}", b"x")
            until(lambda: sum(isinstance(e, Received) for e in events) >= HOLDS)
            link.strand()
            end = time.monotonic() + 2 * KEEPALIVE_S + 8
            while time.monotonic() < end and events.count(Connected()) < 2:
                time.sleep(0.05)
            return events.count(Connected()) > 1
        finally:
            worker.stop()
            gate.stop()


def test_a_link_that_dies_while_nothing_is_read_of_it_is_given_up_with_the_other(
    tmp_path: Path,
) -> None:
    assert lost_while_nothing_is_read(tmp_path)


def test_by_itself_it_would_never_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: who reads nothing sees no silence."""
    monkeypatch.setattr(MqttTransport, "doubt", lambda _self: None)
    assert not lost_while_nothing_is_read(tmp_path)


def test_a_link_over_which_something_came_is_kept_when_the_other_is_lost(tmp_path: Path) -> None:
    events: list[Event] = []
    with mosquitto(tmp_path) as broker:
        hears = MqttTransport(broker.at("worker"), ("a/+",))
        hears.start(events.append)
        until(lambda: Connected() in events)
        hears.doubt()
        time.sleep(1.5)
        hears.stop()
    assert events == [Connected()]
