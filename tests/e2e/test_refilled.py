"""A device, a real broker and a real tower that loses what it held, or is told to delete."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.events import Events
from models.case import Author, Feedback, Status, Summary
from sync.messages import Kind
from sync.payload import case_payload
from tests.edge.uplink.test_uplink import DEVICE, drained, sending
from tests.fakes.broker import mosquitto
from tests.fakes.drafts import NOON, draft, photo
from tests.fakes.stores import opened
from tests.fakes.towers import tower
from tower_sync_server.archive.listing import Filter, Listing
from tower_sync_server.database.engine import connect, sqlite_dsn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from edge.store.store import Store
    from models.case import Case
    from tests.fakes.towers import Tower
    from tower_sync_server.archive.listing import Entry

pytestmark = pytest.mark.slow

CASES = 30
"""Half of them come after the backup."""


async def made(store: Store, numbers: range) -> list[Case]:
    cases = []
    for number in numbers:
        one = photo(number, 40_000)
        case, _ = await store.add(draft([one], number), [one])
        cases.append(case)
    return cases


@asynccontextmanager
async def device(folder: Path) -> AsyncIterator[Store]:
    async with opened(folder / "device") as store:
        yield store


class Archive:
    """What the tower has written down, read beside it."""

    def __init__(self, running: Tower) -> None:
        self.engine = connect(sqlite_dsn(running.folder / "archive.db"))
        self.listing = Listing(self.engine)
        self.blobs = running.folder / "blobs"

    def rows(self) -> dict[str, int]:
        """Id → revision of what is listed."""
        return {e.body["id"]: e.body["rev"] for e in self.listing.page(Filter(), None, 200).entries}

    def case(self, case: Case) -> Entry:
        return self.listing.case(case.id, DEVICE)

    def photo(self, case: Case) -> bytes:
        return self.file(case).read_bytes()

    def file(self, case: Case) -> Path:
        at = self.listing.blob(case.id, DEVICE, case.images[0].sha256, Kind.IMAGE)
        return self.blobs / at.sha256[:2] / at.sha256


@contextmanager
def archive(running: Tower) -> Iterator[Archive]:
    found = Archive(running)
    try:
        yield found
    finally:
        found.engine.dispose()


async def holds(wanted: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(wanted):
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


async def test_a_tower_restored_from_an_older_backup_is_refilled_to_the_last_byte(
    tmp_path: Path,
) -> None:
    with mosquitto(tmp_path) as broker:
        async with device(tmp_path) as store:
            with tower(tmp_path, broker.port) as running:
                cases = await made(store, range(1, CASES // 2 + 1))
                async with sending(store, broker):
                    await drained(store)
                    running.stop()
                    shutil.copytree(running.folder, tmp_path / "backup")
                    await asyncio.to_thread(running.start)
                    cases += await made(store, range(CASES // 2 + 1, CASES + 1))
                    cases[0] = await store.revise(
                        cases[0].id, lambda c: replace(c, status=Status.REJECTED)
                    )
                    await drained(store)
                    with archive(running) as held:
                        assert len(held.rows()) == CASES
                    running.stop()
            shutil.rmtree(running.folder)
            shutil.copytree(tmp_path / "backup", running.folder)
            with (
                tower(tmp_path, broker.port, workers=2) as restored,
                archive(restored) as held,
            ):
                before = held.rows()
                assert (len(before), before[cases[0].id]) == (CASES // 2, 1)
                async with sending(store, broker) as uplink:
                    uplink.compare()
                    await holds(lambda: len(held.rows()) == CASES)
                    await holds(lambda: held.rows()[cases[0].id] == 2)
                    await drained(store)
                for number, case in enumerate(cases, 1):
                    found = held.case(case)
                    assert found.receipt.complete
                    assert found.body == {**json.loads(case_payload(case)), "device": DEVICE}
                    assert held.photo(case) == photo(number, 40_000).data


async def test_pictures_that_rotted_on_the_tower_are_found_and_sent_again_by_the_device(
    tmp_path: Path,
) -> None:
    with (
        mosquitto(tmp_path) as broker,
        tower(tmp_path, broker.port) as running,
        archive(running) as held,
    ):
        async with device(tmp_path) as store, sending(store, broker):
            flipped, gone, whole = await made(store, range(1, 4))
            await drained(store)
            rot(held, flipped)
            remove(held, gone)
            assert running.get("/health")["damaged"] == 0

            done = await asyncio.to_thread(scrub, running)

            assert done.returncode == 1, done.stderr
            assert json.loads(done.stdout)["bad"] == {"damaged": 1, "missing": 1}
            assert "They were asked" in done.stderr
            await holds(lambda: held.listing.damaged() == 0)  # by the wish that this left
            for number, case in enumerate((flipped, gone, whole), 1):
                assert held.photo(case) == photo(number, 40_000).data
                assert held.case(case).receipt.complete
            assert (held.blobs / "aside" / flipped.images[0].sha256).exists()
            assert running.get("/health")["warnings"] == []
            assert (await asyncio.to_thread(scrub, running)).returncode == 0


async def test_a_picture_that_neither_end_has_stays_told(tmp_path: Path) -> None:
    """What the device has let go can't come back: people are told, and nothing goes in circles."""
    with (
        mosquitto(tmp_path) as broker,
        tower(tmp_path, broker.port) as running,
        archive(running) as held,
    ):
        async with device(tmp_path) as store, sending(store, broker) as uplink:
            (case,) = await made(store, range(1, 2))
            await drained(store)
            rot(held, case)
            (picture,) = (tmp_path / "device/images").rglob(f"{case.images[0].sha256}.*")
            picture.unlink()

            await asyncio.to_thread(scrub, running)
            await holds(lambda: uplink._comparing.found.lost == 1)

            found = running.get("/health")
            assert (found["ready"], found["damaged"]) == (True, 1)
            assert "damaged or lost" in found["warnings"][0]
            assert "damaged or lost here" in running.read(f"/page/cases/{case.id}").decode()
            assert b"edgecase_tower_damaged_pictures 1.0" in running.read("/metrics")
            uplink.compare()
            await asyncio.sleep(3)
            assert (await store.backlog()).parcels == 0


def rot(held: Archive, case: Case) -> None:
    """Flip a bit of its photo on the tower's disk."""
    file = held.file(case)
    data = bytearray(file.read_bytes())
    data[100] ^= 4
    file.write_bytes(data)


def remove(held: Archive, case: Case) -> None:
    held.file(case).unlink()


def scrub(running: Tower) -> subprocess.CompletedProcess[str]:
    """`edgecase-tower scrub` beside it, as the timer starts it."""
    return running.call("scrub", "--json")


async def test_what_people_do_with_a_case_on_the_device_reaches_the_tower(tmp_path: Path) -> None:
    said = Feedback(NOON, "ann", "wrong", "that is a reflection")
    summary = Summary("Written by the model.", Author.LLM, True)
    changes: list[Callable[[Case], Case]] = [
        lambda c: replace(c, feedback=(said,)),
        lambda c: replace(c, status=Status.REJECTED),
        lambda c: replace(c, summary=summary),
    ]
    with (
        mosquitto(tmp_path) as broker,
        tower(tmp_path, broker.port) as running,
        archive(running) as held,
    ):
        async with device(tmp_path) as store, sending(store, broker, Events()):
            case, gone = await made(store, range(1, 3))
            await drained(store)
            for rev, change in enumerate(changes, 2):
                await store.revise(case.id, change)
                await drained(store)
                assert held.rows()[case.id] == rev
            found = held.case(case).body
            assert found["feedback"][0]["reason"] == "that is a reflection"
            assert found["status"] == "rejected"
            assert found["summary"]["text"] == "Written by the model."
            await store.delete(gone.id)
            await drained(store)
            assert held.case(gone).body["status"] == "deleted"
            assert gone.id not in held.rows()
            await store.restore(gone.id)
            await drained(store)
            assert held.case(gone).body["status"] == "accepted"
