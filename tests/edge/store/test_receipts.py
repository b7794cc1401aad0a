"""What the tower is known to hold, and what follows where it holds something else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.store import migrations
from edge.store.database import connect
from edge.store.outbox import Kind
from models.case import Status, SyncPhase
from sync.comparison import Checked
from sync.digests import Content, Range, leaf
from sync.messages import Kind as Wire
from sync.payload import case_payload
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import LIMITS, Moved, confirm, opened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from edge.store.receipts import Own
    from edge.store.store import Store
    from models.case import Case

WHOLE = Range(1, 16)


async def added(store: Store, number: int = 1) -> Case:
    case, _ = await store.add(draft([photo(number)], number), [photo(number)])
    return case


async def synced(store: Store, count: int = 1) -> list[Case]:
    cases = [await added(store, number) for number in range(1, count + 1)]
    await sync_all(store)
    return cases


async def sync_all(store: Store) -> None:
    await store.note_travelled(stored=[p.id for p in await store.pending(10_000)])


def held(case: Case) -> bytes:
    """The leaf of a case of which the tower holds everything."""
    images = frozenset(image.sha256 for image in case.images)
    sha256 = hashlib.sha256(case_payload(case)).hexdigest()
    return leaf([Content(case.id, case.rev, sha256, images, images)])


async def leaves(store: Store) -> dict[int, bytes]:
    return dict((await store.receipts.own(WHOLE)).leaves)


def missing(own: Own, *kinds: Wire, leaves: Iterable[tuple[int, bytes]] = ()) -> Checked:
    """The tower lacks these kinds of everything, and holds these leaves."""
    return Checked(own.range, tuple(i for i in own.items if i.kind in kinds), tuple(leaves))


async def test_a_case_has_a_receipt_once_the_tower_holds_all_of_it(store: Store) -> None:
    case = await added(store)
    ids = [p.id for p in await store.pending()]
    await store.note_travelled(stored=ids[:2])
    assert await leaves(store) == {}
    await store.note_travelled(stored=ids[2:])
    assert await leaves(store) == {1: held(await store.get(case.id))}


async def test_a_new_revision_has_another_receipt_that_nothing_has_confirmed(store: Store) -> None:
    (case,) = await synced(store)
    await confirm(store)
    assert (await store.receipts.compared()).unconfirmed == 0
    await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
    await sync_all(store)
    assert await leaves(store) == {1: held(await store.get(case.id))}
    assert (await store.receipts.compared()).unconfirmed == 1


async def test_a_receipt_outlives_its_case_so_that_the_sums_stay_the_same(
    tmp_path: Path, now: Moved
) -> None:
    async with opened(tmp_path, now) as store:
        (case,) = await synced(store)
        before = await store.receipts.sums([WHOLE])
        await store.delete(case.id)
        now.move(days=31)
        await store.purge()
        assert await store.receipts.sums([WHOLE]) == before


async def test_everything_is_compared_and_in_between_what_is_not_confirmed(store: Store) -> None:
    assert await store.receipts.ranges(unconfirmed=False) == ()
    await synced(store, 3)
    assert await store.receipts.ranges(unconfirmed=False) == (Range(1, 1024),)
    assert await store.receipts.ranges(unconfirmed=True) == (Range(1, 1024),)
    await confirm(store)
    assert await store.receipts.ranges(unconfirmed=True) == ()


async def test_what_has_changed_since_it_was_asked_about_is_not_confirmed(store: Store) -> None:
    await synced(store, 2)
    (asked,) = await store.receipts.sums([WHOLE])
    await added(store, 3)
    await sync_all(store)
    await store.receipts.agree(asked)
    assert (await store.receipts.compared()).unconfirmed == 3


async def test_what_the_tower_has_lost_waits_again_and_is_asked_for_first(store: Store) -> None:
    case, other = await synced(store, 2)
    own = await store.receipts.own(WHOLE)
    there = [(seq, one) for seq, one in own.leaves if seq == 2]
    lost = Checked(WHOLE, tuple(i for i in own.items if i.case == case.id), tuple(there))
    done = await store.receipts.settle(own, lost)
    assert (done.cases, done.parcels, done.lost) == ([case.id], 3, 0)
    waiting = await store.pending()
    assert [(p.case_id, p.kind) for p in waiting] == [
        (case.id, kind) for kind in (Kind.CASE, Kind.THUMB, Kind.IMAGE)
    ]
    assert all(p.attempts == 1 for p in waiting)
    assert (await store.get(case.id)).sync.state is SyncPhase.QUEUED
    assert (await store.get(other.id)).sync.state is SyncPhase.STORED
    await sync_all(store)
    assert await leaves(store) == dict(own.leaves)


async def test_of_a_case_that_is_there_only_what_is_missing_goes_again(store: Store) -> None:
    await synced(store)
    own = await store.receipts.own(WHOLE)
    await store.receipts.settle(own, missing(own, Wire.IMAGE, leaves=[(1, b"x" * 32)]))
    assert [p.kind for p in await store.pending()] == [Kind.IMAGE]


async def test_a_tower_that_holds_nothing_gets_everything(store: Store) -> None:
    await synced(store, 3)
    done = await store.receipts.refill_all(WHOLE)
    assert (len(done.cases), done.parcels) == (3, 9)
    assert len(await store.pending()) == 9


async def test_what_changed_while_the_answer_was_on_its_way_is_left_alone(store: Store) -> None:
    (case,) = await synced(store)
    own = await store.receipts.own(WHOLE)
    await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
    done = await store.receipts.settle(own, missing(own, *Wire))
    assert done.parcels == 0
    assert [(p.kind, p.rev) for p in await store.pending()] == [(Kind.CASE, 2)]


async def test_what_neither_end_holds_is_told_once_and_found_again_where_it_turns_up(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=1)) as store:
        await synced(store)
        await confirm(store)
        await store.purge()
        own = await store.receipts.own(WHOLE)
        lacking = missing(own, Wire.IMAGE, leaves=[(1, b"x" * 32)])
        assert (await store.receipts.settle(own, lacking)).lost == 1
        assert (await store.receipts.compared()).lost == 1
        assert await store.pending() == ()
        assert await leaves(store) == {1: b"x" * 32}
        own = await store.receipts.own(WHOLE)
        assert (await store.receipts.settle(own, lacking)).lost == 0
        await store.receipts.settle(own, Checked(WHOLE, (), ((1, b"y" * 32),)))
        assert (await store.receipts.compared()).lost == 0


async def test_a_case_that_made_room_here_and_is_lost_there_is_lost(
    tmp_path: Path, now: Moved
) -> None:
    async with opened(tmp_path, now) as store:
        (case,) = await synced(store)
        await store.delete(case.id)
        now.move(days=31)
        await store.purge()
        assert (await store.receipts.refill_all(WHOLE)).lost == 1
        assert (await store.receipts.compared()).lost == 1
        assert (await store.receipts.sums([WHOLE]))[0].count == 0


async def test_what_only_the_tower_holds_is_told_once_and_taken_down(store: Store) -> None:
    own = await store.receipts.own(WHOLE)
    done = await store.receipts.settle(own, Checked(WHOLE, (), ((9, b"x" * 32),)))
    assert done.only_there == 1
    own = await store.receipts.own(WHOLE)
    assert own.leaves == ((9, b"x" * 32),)
    done = await store.receipts.settle(own, Checked(WHOLE, (), ((9, b"x" * 32),)))
    assert done.only_there == 0


async def test_a_check_is_cut_short_where_there_is_too_much_in_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced(store, 5)
    monkeypatch.setattr("edge.store.receipts.MAX_ITEMS", 7)
    own = await store.receipts.own(WHOLE)
    assert own.range == Range(1, 2)
    assert len(own.items) == 6
    assert [seq for seq, _ in own.leaves] == [1, 2]


async def test_a_database_of_before_gets_its_receipts_with_the_update(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await synced(store, 2)
        await added(store, 3)
        before = await leaves(store)
        path = store.layout.database
    db = connect(path, "FULL")
    for statement in (
        "DROP TABLE receipts",
        "DROP TABLE lost",
        "DROP INDEX outbox_order",
        "ALTER TABLE outbox DROP COLUMN late",
        "CREATE INDEX outbox_order ON outbox (kind = 'image', id)"
        " WHERE state IN ('queued', 'sent')",
        "DELETE FROM _sqlite_migrations WHERE name = '0004_receipts'",
    ):
        db.execute(statement)
    db.close()
    assert "0004_receipts" in migrations.STEPS
    async with opened(tmp_path) as store:
        assert await leaves(store) == before
        assert len(before) == 2
