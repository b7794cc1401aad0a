"""The uplink against a real broker: what is in the outbox ends on the tower, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.adapters.clock import SystemClock
from edge.config import SyncSettings
from edge.events import EventKind, Events
from edge.identity import Identity
from edge.uplink.make import NoUplink, make_uplink
from edge.uplink.uplink import Uplink
from models.case import Status, SyncPhase
from sync.messages import Kind
from sync.mqtt_client import Connection
from sync.payload import case_payload, read_case
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.drafts import draft, photo
from tests.fakes.slow_link import slow_link
from tests.fakes.stores import make, opened
from tests.fakes.tower_in_memory import FakeTower, tower

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from edge.store.store import Store
    from models.case import Case

DEVICE = "garage"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data") as store:
        yield store


@asynccontextmanager
async def sending(
    store: Store, broker: Mosquitto, events: Events | None = None, **settings: object
) -> AsyncIterator[Uplink]:
    """An uplink at work."""
    wanted = SyncSettings(**{"host": "127.0.0.1", "port": broker.port, "spread_s": 0, **settings})
    identity = Identity(DEVICE, "boot 1")
    uplink = make_uplink(wanted, store, events or Events(), SystemClock(), identity)
    assert isinstance(uplink, Uplink)
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(done: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.02)


async def drained(store: Store, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while (await store.backlog()).parcels:
            await asyncio.sleep(0.05)


async def add(store: Store, number: int, size: int = 3000) -> Case:
    one = photo(number, size)
    case, _ = await store.add(draft([one], number), [one])
    return case


def check(fake: FakeTower, cases: list[Case], sizes: dict[int, int]) -> None:
    """Everything of these cases is there once, byte for byte."""
    images, thumbs = fake.payloads(DEVICE, Kind.IMAGE), fake.payloads(DEVICE, Kind.THUMB)
    words = fake.payloads(DEVICE, Kind.CASE)
    for number, case in enumerate(cases, 1):
        wanted = photo(number, sizes.get(number, 3000))
        assert words[case.id, case.rev] == case_payload(case)
        assert images[case.id, 1] == wanted.data
        assert thumbs[case.id, 1] == wanted.thumbnail
    assert len(fake.held.inserts) == len(set(fake.held.inserts))


async def test_everything_of_a_case_arrives_and_the_case_is_stored(
    store: Store, broker: Mosquitto
) -> None:
    sizes = {1: 300_000, 2: 10, 3: 65_536}
    cases = [await add(store, n, sizes[n]) for n in (1, 2, 3)]
    events = Events()
    with tower(broker.at("tower")) as fake:
        async with events.listen() as heard, sending(store, broker, events):
            await drained(store)
            told = [await heard.next(5) for _ in cases]
        check(fake, cases, sizes)
    assert [(e.kind, e.data["id"]) for e in told if e] == [
        (EventKind.SYNCED, case.id) for case in cases
    ] or {e.data["id"] for e in told if e} == {case.id for case in cases}
    assert (await store.get(cases[0].id)).sync.state is SyncPhase.STORED
    assert read_case(fake.payloads(DEVICE, Kind.CASE)[cases[0].id, 1]).id == cases[0].id


async def test_cases_and_thumbnails_go_before_every_original(
    store: Store, broker: Mosquitto
) -> None:
    for n in range(1, 8):
        await add(store, n, 100_000)
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker):
            await drained(store)
        kinds = [key[2] for _, (*key, _) in fake.held.inserts]
    assert kinds == ["case", "thumb"] * 7 + ["image"] * 7


async def test_a_change_of_a_case_travels_as_a_revision(store: Store, broker: Mosquitto) -> None:
    case = await add(store, 1)
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker):
            await drained(store)
            await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
            await drained(store)
        words = fake.payloads(DEVICE, Kind.CASE)
    assert [json.loads(words[case.id, rev])["status"] for rev in (1, 2)] == ["accepted", "rejected"]
    assert len(fake.payloads(DEVICE, Kind.IMAGE)) == 1


async def test_a_broker_that_dies_with_all_it_had_loses_nothing(
    store: Store, broker: Mosquitto
) -> None:
    sizes = dict.fromkeys(range(1, 5), 1500000)
    cases = [await add(store, n, sizes[n]) for n in sizes]
    with tower(broker.at("tower")) as fake:
        fake.slow_s = 0.01
        async with sending(store, broker):
            await until(lambda: len(fake.chunks) > 20)
            broker.restart()
            await until(lambda: len(fake.chunks) > 60)
            broker.restart()
            await drained(store)
        check(fake, cases, sizes)
        twice = len(fake.chunks) - len(set(fake.chunks))
        assert twice <= 2 * 16


async def test_a_tower_that_is_away_gets_everything_when_it_is_back(
    store: Store, broker: Mosquitto
) -> None:
    cases = [await add(store, n) for n in range(1, 6)]
    async with sending(store, broker) as uplink:
        await until(lambda: uplink.status().silent)
        with tower(broker.at("tower")) as fake:
            await drained(store)
            check(fake, cases, {})


async def test_what_the_tower_refuses_is_a_dead_letter_with_its_reason_and_no_loop(
    store: Store, broker: Mosquitto
) -> None:
    case = await add(store, 1)
    with tower(broker.at("tower")) as fake:
        fake.refuse_kind = Kind.THUMB
        async with sending(store, broker) as uplink:
            await until(lambda: len(fake.held.inserts) == 2)
            await asyncio.sleep(2.5)
            assert "conflict" in uplink.status().reason
        assert len(fake.chunks) == 3
    backlog = await store.backlog()
    assert (backlog.parcels, backlog.dead) == (1, 1)
    assert (await store.get(case.id)).sync.state is SyncPhase.SENT


async def test_a_photo_that_is_lost_is_said_and_holds_nothing_up(
    store: Store, broker: Mosquitto
) -> None:
    lost, other = await add(store, 1), await add(store, 2)
    store.layout.image(lost.images[0].sha256, "image/jpeg").unlink()
    with tower(broker.at("tower")):
        async with sending(store, broker):
            async with asyncio.timeout(20):
                while (await store.get(other.id)).sync.state is not SyncPhase.STORED:
                    await asyncio.sleep(0.05)
    assert (await store.backlog()).dead == 1


async def test_the_tower_hears_how_the_device_is_and_when_it_is_gone(
    store: Store, broker: Mosquitto
) -> None:
    await add(store, 1)
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker):
            await until(lambda: bool(fake.states))
            assert fake.states[0].online
            assert fake.states[0].boot == "boot 1"
        await until(lambda: not fake.states[-1].online)


async def test_the_bandwidth_stays_under_its_cap(store: Store, broker: Mosquitto) -> None:
    await add(store, 1, 100_000)
    with tower(broker.at("tower")):
        async with sending(store, broker, kbit_s=400):
            begin = asyncio.get_running_loop().time()
            await drained(store)
            took = asyncio.get_running_loop().time() - begin
    assert took > (100_000 - 65_536) * 8 / 400_000


async def test_outside_its_window_nothing_is_sent(store: Store, broker: Mosquitto) -> None:
    await add(store, 1)
    hour = datetime.now(UTC).astimezone().hour
    window = f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00"
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker, window=window):
            await until(lambda: bool(fake.states))
            await asyncio.sleep(1.5)
        assert fake.chunks == []
        assert fake.asks == 0


async def test_without_a_tower_in_the_settings_nothing_connects(store: Store) -> None:
    uplink = make_uplink(SyncSettings(), store, Events(), SystemClock(), Identity("a/b", "boot"))
    assert isinstance(uplink, NoUplink)
    assert not uplink.status().connected


@pytest.mark.parametrize(
    ("settings", "device", "word"),
    [
        (SyncSettings(host="127.0.0.1"), "a/b", "sync.device"),
        (SyncSettings(host="127.0.0.1", ca=Path("/nowhere/ca.pem")), "garage", "sync.ca"),
    ],
)
def test_what_keeps_the_uplink_from_starting_is_said_and_stops_nothing_else(
    tmp_path: Path, settings: SyncSettings, device: str, word: str
) -> None:
    identity = Identity(device, "boot")
    uplink = make_uplink(settings, make(tmp_path), Events(), SystemClock(), identity)
    assert isinstance(uplink, NoUplink)
    assert word in uplink.status().reason


@pytest.mark.slow
async def test_a_device_that_is_killed_again_and_again_delivers_everything_once(
    tmp_path: Path, broker: Mosquitto
) -> None:
    sizes = dict.fromkeys(range(1, 21), 400000)
    folder = tmp_path / "data"
    async with opened(folder) as store:
        cases = [await add(store, n, sizes[n]) for n in sizes]
    rng = random.Random(7)
    command = [sys.executable, "-m", "tests.fakes.uplink_process", str(folder), str(broker.port)]
    with tower(broker.at("tower")) as fake:
        fake.slow_s = 0.02
        kills = 0
        while len(fake.held.inserts) < 60:
            process = subprocess.Popen([*command, DEVICE])
            seen = len(fake.chunks)
            with contextlib.suppress(TimeoutError):
                await until(lambda seen=seen: len(fake.chunks) > seen + rng.randint(0, 30), 8)
            process.kill()
            process.wait()
            kills += 1
            assert kills < 60
        async with opened(folder) as store, sending(store, broker):
            await drained(store)
        check(fake, cases, sizes)
    assert kills > 3


@pytest.mark.slow
async def test_over_a_slow_link_that_is_cut_again_and_again_little_is_sent_twice(
    store: Store, broker: Mosquitto
) -> None:
    """As 256 kbit/s cut every 20 s, eight times as fast."""
    sizes = dict.fromkeys(range(1, 9), 400000)
    cases = [await add(store, n, sizes[n]) for n in sizes]
    with tower(broker.at("tower")) as fake, slow_link(broker.port, 2048) as link:
        async with sending(store, broker, port=link.port) as uplink:
            while (await store.backlog()).parcels:
                await until(lambda: uplink.status().connected)
                for _ in range(25):
                    await asyncio.sleep(0.1)
                    if not (await store.backlog()).parcels:
                        break
                else:
                    link.cut()
        check(fake, cases, sizes)
        payload = sum(len(data) for data in fake.held.archive.values())
        print(f"{link.cuts} cuts, {link.up / payload:.3f} bytes carried for each byte of payload")
        assert link.cuts >= 4
        assert link.up / payload < 1.15


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_network_thread_that_dies_is_replaced_and_everything_arrives(
    store: Store, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tower(broker.at("tower")) as fake:
        async with sending(store, broker) as uplink:
            await until(lambda: bool(fake.states))
            pump, killed = Connection.pump, []

            def die_once(self: Connection, *more: object) -> None:
                if self._plan.broker.client_id == DEVICE and not killed:
                    killed.append(threading.current_thread())
                    raise SystemExit
                pump(self, *more)  # type: ignore[arg-type]

            monkeypatch.setattr(Connection, "pump", die_once)
            await until(lambda: bool(killed) and not killed[0].is_alive())
            begin = asyncio.get_running_loop().time()
            case = await add(store, 1)
            await drained(store)
            took = asyncio.get_running_loop().time() - begin
        check(fake, [case], {})
    print(f"everything arrived {took:.1f} s after the thread had died")
    assert took < 20
    assert uplink.status().connected
