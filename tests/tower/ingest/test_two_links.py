"""A worker's two links, at a real mosquitto that has more for it than it may hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sync.mqtt import MqttTransport
from sync.mqtt_client import Flow
from sync.transport import Connected, Delivered, Event, Received
from tests.fakes.broker import Mosquitto, mosquitto
from tower_sync_server.ingest.two_links import TwoLinks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLOOD, TAKES, HOLDS = 600, 128, 32


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
