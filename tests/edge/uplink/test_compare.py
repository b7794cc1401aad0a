"""The uplink against a real broker: what the tower has lost is sent again, and hints are heard."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.events import EventKind, Events
from models.case import SyncPhase
from sync import codec, topics
from sync.messages import Hint, Kind
from sync.mqtt import MqttTransport
from tests.edge.uplink.test_uplink import DEVICE, add, check, drained, sending, until
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.stores import opened
from tests.fakes.sync_world import Tower
from tests.fakes.tower_in_memory import FakeTower, tower

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from edge.store.store import Store


@pytest.fixture
def folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def broker(folder: Path) -> Iterator[Mosquitto]:
    with mosquitto(folder) as running:
        yield running


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[Store]:
    async with opened(folder / "data") as store:
        yield store


async def compared(store: Store, seconds: float = 30) -> None:
    """Wait until a comparison has confirmed everything."""
    async with asyncio.timeout(seconds):
        while (await store.receipts.compared()).unconfirmed or await _backlog(store):
            await asyncio.sleep(0.05)


async def _backlog(store: Store) -> int:
    return (await store.backlog()).parcels


def forget(fake: FakeTower, which: Callable[[str, str], bool]) -> int:
    """Have the tower lose the parcels (case, kind) that `which` says."""
    held = fake.held
    gone = [key for key in held.archive if which(key[1][0], key[1][2])]
    for key in gone:
        del held.archive[key]
        held.inserts.remove(key)
    return len(gone)


async def test_a_tower_restored_from_a_backup_is_refilled_byte_for_byte(
    store: Store, broker: Mosquitto
) -> None:
    cases = [await add(store, n) for n in range(1, 41)]
    events = Events()
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker, events) as uplink:
            await drained(store)
            uplink.compare()
            await compared(store)
            backup = {case.id for case in cases[:25]}
            assert forget(fake, lambda case, _: case not in backup) == 45
            forget(fake, lambda case, kind: case == cases[3].id and kind == "image")
            forget(fake, lambda case, kind: case == cases[4].id and kind == "thumb")
            async with events.listen() as heard:
                uplink.compare()
                await until(lambda: len(fake.held.archive) == 120)
                first = await heard.next(5)
            await drained(store)
            uplink.compare()
            await compared(store)
        check(fake, cases, {})
    assert first is not None
    assert (first.kind, first.data["state"]) == (EventKind.SYNC_CHANGED, "queued")
    assert {(await store.get(c.id)).sync.state for c in cases} == {SyncPhase.STORED}


async def test_a_tower_that_comes_back_empty_gets_everything_again(
    store: Store, broker: Mosquitto
) -> None:
    cases = [await add(store, n) for n in range(1, 6)]
    with tower(broker.at("tower")):
        async with sending(store, broker):
            await drained(store)
    with tower(broker.at("tower"), Tower()) as fake:
        async with sending(store, broker) as uplink:
            uplink.compare()
            await until(lambda: len(fake.held.archive) == 15)
        check(fake, cases, {})


async def test_what_was_stored_is_confirmed_without_being_asked_for(
    store: Store, broker: Mosquitto
) -> None:
    await add(store, 1)
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker, compare_hours=0.5 / 3600):
            await compared(store)
            async with asyncio.timeout(30):  # the round's end is noted after what it confirmed
                while (await store.receipts.compared()).at is None:
                    await asyncio.sleep(0.05)
            assert fake.questions


async def test_a_tower_of_before_is_no_trouble(store: Store, broker: Mosquitto) -> None:
    """It does not listen to questions: nothing is confirmed, and everything else works."""
    await add(store, 1)
    old = FakeTower(broker.at("tower"))
    old.transport = MqttTransport(broker.at("tower"), [topics.SHARED_UP, topics.EVERY_STATE])
    old.start()
    try:
        async with sending(store, broker) as uplink:
            uplink.compare()
            await drained(store)
            await asyncio.sleep(1.5)
            assert (uplink.status().silent, uplink.status().reason) == (False, "")
    finally:
        old.stop()
    assert (await store.receipts.compared()).unconfirmed == 1


async def test_outside_its_window_nothing_is_compared(store: Store, broker: Mosquitto) -> None:
    hour = datetime.now(UTC).astimezone().hour
    window = f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00"
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker, window=window) as uplink:
            await until(lambda: bool(fake.states))
            await add(store, 1)
            uplink.compare()
            await asyncio.sleep(1.5)
        assert fake.questions == []


async def test_the_state_says_what_a_fleet_wants_to_know(store: Store, broker: Mosquitto) -> None:
    await add(store, 1)
    await add(store, 2)
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker):
            await until(lambda: bool(fake.states))
    state = fake.states[0]
    assert state.last_seq == 2
    assert state.disk_free is not None
    assert state.disk_free > 0
    assert (state.temperature, state.throttled, dict(state.models)) == (None, None, {})


async def test_a_hint_that_is_kept_by_the_broker_is_heard_and_told(
    store: Store, broker: Mosquitto
) -> None:
    announcer = MqttTransport(broker.at("announcer"))
    announcer.start(lambda _event: None)
    try:
        await until(lambda: announcer.free > 0)
        announcer.publish(topics.hint("all"), codec.encode_hint(Hint()), retain=True)
        await until(lambda: announcer.free > 0)
        events = Events()
        async with events.listen() as heard, sending(store, broker, events):
            told = await heard.next(15)
    finally:
        announcer.stop()
    assert told is not None
    assert told.kind is EventKind.HINT


async def test_a_case_is_told_to_be_on_its_way_and_then_to_be_on_the_tower(
    store: Store, broker: Mosquitto
) -> None:
    case = await add(store, 1)
    events = Events()
    with tower(broker.at("tower")) as fake:
        async with events.listen() as heard, sending(store, broker, events):
            told = [await heard.next(15), await heard.next(15)]
    assert [(e.kind, dict(e.data)) for e in told if e] == [
        (EventKind.SYNC_CHANGED, {"id": case.id, "state": "sent"}),
        (EventKind.SYNCED, {"id": case.id}),
    ]
    assert fake.payloads(DEVICE, Kind.CASE)
