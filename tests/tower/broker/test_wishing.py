"""Wishes over a real mosquitto."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.codec import decode_downs
from sync.messages import Wish
from sync.mqtt import MqttTransport
from sync.transport import Event, Received
from tests.fakes.broker import mosquitto
from tower_sync_server.broker.wishing import Wisher
from tower_sync_server.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wish_is_there_for_a_device_that_comes_later_and_more_than_sixteen_fit(
    tmp_path: Path,
) -> None:
    heard: list[object] = []

    def hear(event: Event) -> None:
        if isinstance(event, Received):
            heard.extend(decode_downs(event.payload))

    names = [f"pi-{n}" for n in range(40)]
    with mosquitto(tmp_path) as broker:
        Wisher(MqttTransport(broker.at("tower")), names, 7).run()
        device = MqttTransport(broker.at("pi"), [topics.ack("pi-0"), topics.ack("pi-39")])
        device.start(hear)
        end = time.monotonic() + 20
        while len(heard) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        device.stop()

    assert heard == [Wish(7), Wish(7)]


def test_without_a_broker_it_is_said(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        broker.kill()

        with pytest.raises(UnavailableError, match="did not take"):
            Wisher(MqttTransport(broker.at("tower")), ["pi"], 7).run(0.5)
