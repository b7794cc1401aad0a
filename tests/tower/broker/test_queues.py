"""The queues hold what a fleet has on its way, and what is confirmed is not lost in them."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.chunks import CHUNK_BYTES
from sync.transport import INFLIGHT, Delivered, Lost
from tests.fakes.secured import client, secured, until
from tower_sync_server.broker.configuration import Size

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.secured import Secured

CASE = "01234567-89ab-4def-8123-456789abcdef"
COUNT = 5000


def confirmed_and_heard(broker: Secured, count: int = COUNT, size: int = 8) -> tuple[int, int]:
    """So many messages for a worker that answers nothing before all of them are confirmed.

    Neither end may lose its connection over it.
    """
    pi = broker.enroll("pi")
    with (
        client(broker.worker("tower-1"), topics.SHARED_UP) as worker,
        client(broker.device(pi)) as device,
    ):
        for number in range(count):
            device.say(topics.up("pi", CASE), number.to_bytes(8, "big") + bytes(size - 8))
        until(lambda: len(device.of(Delivered)) == count)
        confirmed = sum(event.accepted for event in device.of(Delivered))
        heard = -1
        while len(worker.heard()) > heard:
            heard = len(worker.heard())
            worker.acknowledge()
            with contextlib.suppress(AssertionError):
                until(lambda heard=heard: len(worker.heard()) > heard, 1)
        assert worker.of(Lost) == device.of(Lost) == []
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


def test_beyond_its_memory_it_drops_messages_and_throws_nobody_out(tmp_path: Path) -> None:
    size = Size(devices=500, workers=1, memory_mb=64)
    with secured(tmp_path, size=size) as broker:
        confirmed, heard = confirmed_and_heard(broker, 700, CHUNK_BYTES)

    assert confirmed == 700
    more = heard - size.queue_bytes // CHUNK_BYTES
    assert 0 <= more <= INFLIGHT, "Debian 13's mosquitto counts some of those in flight apart"


@pytest.mark.parametrize(("devices", "messages"), [(1, 10_000), (500, 16_000), (5000, 160_000)])
def test_the_queues_hold_all_that_the_devices_may_have_on_their_way(
    devices: int, messages: int
) -> None:
    assert Size(devices, 1, 512).messages == messages


def test_several_workers_share_the_memory() -> None:
    assert Size(10, 4, 400).queue_bytes == 50 * 1024 * 1024
