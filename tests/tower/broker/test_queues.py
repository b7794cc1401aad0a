"""The queues hold what a fleet has on its way, and what is confirmed is not lost in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.transport import Delivered
from tests.fakes.secured import client, secured, until
from tower_sync_server.broker.configuration import Size

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.secured import Secured

CASE = "01234567-89ab-4def-8123-456789abcdef"
COUNT = 5000


def confirmed_and_heard(broker: Secured) -> tuple[int, int]:
    """5,000 messages for a worker that answers nothing before all of them are confirmed."""
    pi = broker.enroll("pi")
    with (
        client(broker.worker("tower-1"), topics.SHARED_UP) as worker,
        client(broker.device(pi)) as device,
    ):
        for number in range(COUNT):
            device.say(topics.up("pi", CASE), b"%d" % number)
        until(lambda: len(device.of(Delivered)) == COUNT)
        confirmed = sum(event.accepted for event in device.of(Delivered))
        done = 0
        device.say(topics.state("pi"), b"")
        while True:
            heard = worker.heard()
            for event in worker.events[done:]:
                if hasattr(event, "receipt"):
                    worker.transport.done(event.receipt)
            done = len(worker.events)
            try:
                until(lambda heard=heard: len(worker.heard()) > len(heard), 1)
            except AssertionError:
                return confirmed, len({payload for _, payload in worker.heard()})


def test_of_5000_confirmed_messages_none_is_lost(tmp_path: Path) -> None:
    with secured(tmp_path) as broker:
        assert confirmed_and_heard(broker) == (COUNT, COUNT)


def test_with_mosquittos_own_limit_most_of_them_would_be(tmp_path: Path) -> None:
    """The control."""

    def lax(text: str) -> str:
        return re.sub(r"(?m)^max_queued_(messages|bytes) .*$", "", text)

    with secured(tmp_path, lax) as broker:
        confirmed, heard = confirmed_and_heard(broker)

    assert confirmed == COUNT
    assert heard < COUNT / 2


@pytest.mark.parametrize(("devices", "messages"), [(1, 10_000), (500, 16_000), (5000, 160_000)])
def test_the_queues_hold_all_that_the_devices_may_have_on_their_way(
    devices: int, messages: int
) -> None:
    assert Size(devices, 1, 512).messages == messages


def test_several_workers_share_the_memory() -> None:
    assert Size(10, 4, 400).queue_bytes == 75 * 1024 * 1024
