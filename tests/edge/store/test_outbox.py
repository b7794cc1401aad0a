"""The outbox: what the tower doesn't hold yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.store import outbox
from edge.store.outbox import Kind, Phase
from models.case import Case, Status, SyncPhase
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.store import Store


async def added(store: Store, number: int = 1) -> Case:
    case, _ = await store.add(draft([photo(number)], number), [photo(number)])
    return case


async def test_a_new_case_queues_itself_its_thumbnail_and_its_original(store: Store) -> None:
    case = await added(store)
    parcels = await store.pending()
    assert [p.kind for p in parcels] == [Kind.CASE, Kind.THUMB, Kind.IMAGE]
    assert {p.case_id for p in parcels} == {case.id}
    assert [p.size for p in parcels[1:]] == [len(photo(1).thumbnail), len(photo(1).data)]
    assert (await store.backlog()).cases == 1


async def test_the_oldest_is_sent_first_and_no_more_than_asked_for(store: Store) -> None:
    cases = [await added(store, number) for number in range(3)]
    assert [p.case_id for p in await store.pending(4)] == [cases[0].id] * 3 + [cases[1].id]


async def test_a_case_is_stored_once_all_of_it_is(store: Store, now: Moved) -> None:
    case = await added(store)
    ids = [p.id for p in await store.pending()]
    await store.note_travelled(sent=ids)
    assert (await store.get(case.id)).sync.state is SyncPhase.SENT
    assert [(p.phase, p.attempts) for p in await store.pending()] == [(Phase.SENT, 1)] * 3
    await store.note_travelled(stored=ids[:2])
    assert (await store.get(case.id)).sync.state is SyncPhase.SENT
    await store.note_travelled(stored=ids[2:])
    stored = await store.get(case.id)
    assert (stored.sync.state, stored.sync.at, stored.rev) == (SyncPhase.STORED, now.time, 1)
    assert await store.pending() == ()
    assert (await store.backlog()).parcels == 0


async def test_a_change_queues_the_case_again_and_not_its_photo(store: Store) -> None:
    case = await added(store)
    await store.note_travelled(stored=[p.id for p in await store.pending()])
    rejected = await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
    assert rejected.sync.state is SyncPhase.QUEUED
    assert [(p.kind, p.rev) for p in await store.pending()] == [(Kind.CASE, 2)]


async def test_a_revision_that_was_overtaken_is_not_sent(store: Store) -> None:
    case = await added(store)
    first = (await store.pending())[0]
    await store.note_travelled(sent=[first.id])
    await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
    await store.note_travelled(stored=[first.id])  # the receipt of the old one comes late
    assert [(p.kind, p.rev) for p in await store.pending()] == [
        (Kind.THUMB, 1),
        (Kind.IMAGE, 1),
        (Kind.CASE, 2),
    ]


async def test_what_the_tower_refuses_waits_for_a_person_and_its_case_is_not_stored(
    store: Store,
) -> None:
    case = await added(store)
    first, *others = [p.id for p in await store.pending()]
    await store.dead_letter(first, "too large")
    await store.note_travelled(stored=others)
    backlog = await store.backlog()
    assert (backlog.cases, backlog.parcels, backlog.dead) == (1, 1, 1)
    assert await store.pending() == ()
    assert (await store.get(case.id)).sync.state is not SyncPhase.STORED
    assert await store.revive() == 1
    assert [p.id for p in await store.pending()] == [first]


async def test_after_a_restart_everything_unstored_is_still_queued(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await added(store)
        before = await store.pending()
    async with opened(tmp_path) as store:
        assert await store.pending() == before


async def test_after_a_rebuild_everything_is_queued_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        case = await added(store)
        await store.note_travelled(stored=[p.id for p in await store.pending()])
    (tmp_path / "cases.db").unlink()
    async with opened(tmp_path) as store:
        assert {p.case_id for p in await store.pending()} == {case.id}
        assert len(await store.pending()) == 3
        assert (await store.get(case.id)).sync.state is SyncPhase.QUEUED


async def test_rejected_cases_go_after_all_others_and_texts_before_photos(store: Store) -> None:
    first, second = await added(store, 1), await added(store, 2)
    await store.revise(first.id, lambda c: replace(c, status=Status.REJECTED))
    waiting = (await store.waiting((), 10)).more
    assert [(p.case_id, p.kind) for p, _ in waiting] == [
        (second.id, Kind.CASE),
        (second.id, Kind.THUMB),
        (second.id, Kind.IMAGE),
        (first.id, Kind.THUMB),
        (first.id, Kind.CASE),
        (first.id, Kind.IMAGE),
    ]
    assert [p.late for p, _ in waiting] == [False] * 3 + [True] * 3


async def test_a_dead_letter_that_is_revived_keeps_its_reason(store: Store) -> None:
    await added(store)
    first = (await store.pending())[0]
    await store.dead_letter(first.id, "conflict: other bytes")
    assert [p.reason for p in await store.dead_letters()] == ["conflict: other bytes"]
    assert await store.revive() == 1
    assert await store.dead_letters() == ()
    revived = next(p for p in await store.pending() if p.id == first.id)
    assert (revived.phase, revived.reason) == (Phase.QUEUED, "conflict: other bytes")
    assert await store.revive() == 0


async def test_the_cases_that_set_out_are_told_once(store: Store) -> None:
    case = await added(store)
    ids = [p.id for p in await store.pending()]
    assert (await store.note_travelled(sent=ids)).sent == [case.id]
    assert (await store.note_travelled(sent=ids)).sent == []


async def test_receipts_and_what_is_handed_over_are_noted_together_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, begun = await added(store, 1), await added(store, 2)
    ids = [p.id for p in await store.pending()]
    real = outbox.mark_sent

    def die(*_: object) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(outbox, "mark_sent", die)
    with pytest.raises(ZeroDivisionError):
        await store.note_travelled(stored=ids[:3], sent=ids[3:4])
    assert (await store.get(done.id)).sync.state is SyncPhase.QUEUED
    assert len(await store.pending()) == 6

    monkeypatch.setattr(outbox, "mark_sent", real)
    noted = await store.note_travelled(stored=ids[:3], sent=ids[3:4])
    assert (noted.stored, noted.sent) == ([done.id], [begun.id])
    assert [(p.phase, p.attempts) for p in await store.pending()] == [
        (Phase.SENT, 1),
        (Phase.QUEUED, 0),
        (Phase.QUEUED, 0),
    ]
