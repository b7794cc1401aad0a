"""Whoever is not a device, or another one, and whatever is no message: none of it gets in."""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure
from sync import topics
from sync.broker import Tls
from sync.messages import Stored
from sync.transport import Connected, Delivered
from tests.e2e.faults.scenarios import mutations
from tests.e2e.faults.world import until
from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase, wire
from tests.fakes.secured import Client, Secured, secured, tried
from tests.fakes.towers import tower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sync.broker import Broker

VICTIM = "victim"
BATCH = 40


@dataclass(frozen=True)
class Size:
    """How much of it."""

    mutations: int
    """Given to the ingest itself."""
    over_broker: int
    """Of them sent as well, by a device of the fleet."""


SMALL = Size(mutations=3_000, over_broker=150)
FULL = Size(mutations=10_000, over_broker=2_000)


def run(folder: Path, size: Size, seed: int) -> list[Figure]:
    """First into the ingest itself, then over the broker as it ships, to a real tower."""
    (folder / "inside").mkdir()
    (folder / "outside").mkdir()
    return [
        *_inside(folder / "inside", size.mutations, seed),
        *_outside(folder / "outside", size.over_broker, seed),
    ]


def _inside(folder: Path, count: int, seed: int) -> list[Figure]:
    """Batches of bad messages around a good one; what is in the database afterwards."""
    chance = random.Random(seed)
    good: set[str] = set()
    said_stored = crashes = 0
    with opened(folder) as keep, _quiet():
        ingest = Bench(keep).ingest
        for _ in range(-(-count // BATCH)):
            case, *message = mutations.valid(chance)
            batch = [mutations.mutated(chance) for _ in range(BATCH)]
            place = chance.randrange(BATCH)
            batch.insert(place, tuple(message))
            try:
                answers = ingest.take_all(batch)
            except Exception as e:  # noqa: BLE001  any at all is a crash
                print(f"  crash: {type(e).__name__}: {e}")
                crashes += 1
                continue
            good.add(case.id)
            stored = [n for n, a in enumerate(answers) if a and isinstance(a.ack, Stored)]
            said_stored += len([n for n in stored if n != place])
            crashes += place not in stored
    rows = _rows(folder)
    return [
        Figure("malformed: mutations", BATCH * -(-count // BATCH), ""),
        Figure("malformed: accepted", len(rows - good), "", 0),
        Figure("malformed: answered with stored", said_stored, "", 0),
        Figure("malformed: crashes, and good ones not taken", crashes + len(good - rows), "", 0),
        Figure("control: good ones among them that were accepted", len(rows & good), "", 1,
               at_least=True),
    ]  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Every bad message is a line of the log; nobody wants to read thousands."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _outside(folder: Path, count: int, seed: int) -> list[Figure]:
    """The same from a device of the fleet, and from others who have no right to be heard."""
    chance = random.Random(seed + 1)
    with ExitStack() as stack:
        broker = stack.enter_context(secured(folder))
        own = broker.enroll(mutations.DEVICE)
        victim = broker.device(broker.enroll(VICTIM))
        running = stack.enter_context(tower(folder, 0, 2, _as_worker(broker)))
        workers = {worker.pid for worker in running.workers()}
        let_in = _strangers(broker, folder, victim)
        mallory = broker.device(own)
        _say(mallory, [mutations.mutated(chance) for _ in range(count)])
        forged = SentCase(id=mutations.valid(chance)[0].id, photo=mutations.PHOTO)
        _say(mallory, _all_of(forged, VICTIM))
        honest = SentCase(id=mutations.valid(chance)[0].id, photo=mutations.PHOTO)
        _say(victim, _all_of(honest, VICTIM))
        until(lambda: honest.id in _rows(running.folder), 60, "a good one is taken")
        same = workers == {worker.pid for worker in running.workers()}
        rows = _rows(running.folder)
        return [
            Figure("forged: sent over the broker", count, ""),
            Figure("forged: accepted", len(rows - {honest.id}), "", 0),
            Figure("forged: strangers let in", let_in, "", 0),
            Figure("forged: workers that died", not same, "", 0),
            Figure("forged: tower not ready after", running.get("/health")["ready"] is not True,
                   "", 0),
            Figure("control: a good one that was accepted", len(rows & {honest.id}), "", 1,
                   at_least=True),
        ]  # fmt: skip


def without_rules(folder: Path) -> int:
    """The control: how many cases are taken in another's name where the broker has no rules."""

    def lax(text: str) -> str:
        return "\n".join(line for line in text.split("\n") if "acl_file" not in line)

    with ExitStack() as stack:
        broker = stack.enter_context(secured(folder, lax))
        mallory = broker.device(broker.enroll(mutations.DEVICE))
        broker.enroll(VICTIM)
        running = stack.enter_context(tower(folder, 0, 1, _as_worker(broker)))
        forged = mutations.valid(random.Random(1))[0]
        _say(mallory, _all_of(forged, VICTIM))
        until(lambda: _rows(running.folder), 30, "it is taken")
        return len(_rows(running.folder))


def _all_of(case: SentCase, device: str) -> list[tuple[str, bytes]]:
    """Every message of a case."""
    return [wire(chunk, device) for parcel in case.parcels() for chunk in parcel.chunks()]


def _as_worker(broker: Secured) -> dict[str, str]:
    """Settings of a tower that comes as the broker's worker."""
    tls = broker.worker("").tls
    assert tls is not None
    return {
        "EDGECASE_TOWER_MQTT__PORT": str(broker.workers_port),
        "EDGECASE_TOWER_MQTT__CA": str(tls.ca),
        "EDGECASE_TOWER_MQTT__CERTIFICATE": str(tls.certificate),
        "EDGECASE_TOWER_MQTT__KEY": str(tls.key),
    }


def _strangers(broker: Secured, folder: Path, victim: Broker) -> int:
    """How many of those who have no right to it are let in."""
    assert victim.tls is not None
    other = Secured(folder / "other fleet")
    (folder / "other fleet").mkdir()
    with other.fleet.folder.locked():
        pass
    other.fleet.ensure()
    foreign = other.device(other.enroll(VICTIM)).tls
    assert foreign is not None
    shut_out = broker.device(broker.enroll("shut-out"))
    broker.fleet.revoke("shut-out")
    time.sleep(1)
    ways = [
        replace(victim, tls=Tls(victim.tls.ca)),
        replace(victim, tls=Tls(victim.tls.ca, foreign.certificate, foreign.key)),
        replace(victim, tls=None),
        shut_out,
    ]
    let_in = 0
    for way in ways:
        with tried(way) as stranger:
            let_in += not stranger.is_shut_out()
    return let_in


def _say(broker: Broker, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish each, whatever the broker does to who says it."""
    client = Client(broker, topics.ack(broker.client_id))
    try:
        until(lambda: client.of(Connected), 30, "connected")
        for topic, payload in messages:
            if "+" in topic or "#" in topic or "\0" in topic or not topic:
                continue  # the library doesn't even send these
            _once(client, topic, payload)
        until(lambda: client.transport.free > 0, 60, "all is said")
        time.sleep(0.5)
    finally:
        client.transport.stop()


def _once(client: Client, topic: str, payload: bytes) -> None:
    until(lambda: client.transport.free > 0, 60, "room for one more", 0.005)
    client.transport.publish(topic, payload)
    for event in client.events:
        receipt = getattr(event, "receipt", None)
        if receipt is not None:
            client.transport.done(receipt)
    client.events[:] = [e for e in client.events if isinstance(e, (Connected, Delivered))][-50:]


def _rows(folder: Path) -> set[str]:
    """Ids of all cases of which anything at all is in the archive, whoever sent it."""
    with closing(sqlite3.connect(f"file:{folder / 'archive.db'}?mode=ro", uri=True)) as db:
        tables = ("parcels", "cases", "revisions", "quarantine")
        return {row[0] for table in tables for row in db.execute(f"SELECT case_id FROM {table}")}
