"""What may go when there is too much: decided first, then removed, files before rows."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import NotFoundError
from edge.store import cases as case_rows
from edge.store import eviction
from edge.store.retention import Holding, Kind, decide_evictions
from models.case import Case, Feedback, Status
from sync.digests import Range
from tests.fakes.drafts import NOON, draft, inspection, photo, to_review
from tests.fakes.stores import LIMITS, Moved, confirm, opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.store import Store


def image(name: str, size: int, minutes: int, held: str = "") -> Holding:
    return Holding(Kind.IMAGE, name, size, NOON + timedelta(minutes=minutes), held)


TIGHT = replace(LIMITS, image_bytes=100)


def test_below_the_limit_nothing_goes() -> None:
    assert decide_evictions([image("a", 50, 0), image("b", 50, 1)], NOON, TIGHT).go == ()


def test_the_oldest_go_until_it_fits() -> None:
    rows = [image("new", 60, 2), image("old", 60, 0), image("mid", 40, 1)]
    decided = decide_evictions(rows, NOON, TIGHT)
    assert [row.name for row in decided.go] == ["old"]
    assert decided.reason == ""


def test_what_is_held_stays_and_a_younger_one_goes() -> None:
    rows = [image("old", 60, 0, "unsynced"), image("mid", 60, 1), image("new", 40, 2)]
    assert [row.name for row in decide_evictions(rows, NOON, TIGHT).go] == ["mid"]


def test_where_only_held_ones_are_left_it_says_so() -> None:
    rows = [image("a", 90, 0, "unsynced"), image("b", 90, 1, "unreviewed"), image("c", 9, 2)]
    decided = decide_evictions(rows, NOON, replace(LIMITS, image_bytes=10))
    assert [row.name for row in decided.go] == ["c"]
    assert "1 unreviewed, 1 unsynced" in decided.reason
    assert "over the limit" in decided.reason


@pytest.mark.parametrize(
    ("kind", "age"),
    [
        (Kind.CASE, LIMITS.case_age),
        (Kind.DELETED, LIMITS.deleted_age),
        (Kind.STAGED, LIMITS.staged_age),
        (Kind.SET_ASIDE, LIMITS.set_aside_age),
    ],
)
def test_each_kind_goes_at_its_own_age_and_not_before(kind: Kind, age: timedelta) -> None:
    row = Holding(kind, "x", 1, NOON)
    almost = NOON + age - timedelta(seconds=1)
    assert decide_evictions([row], almost, LIMITS).go == ()
    assert decide_evictions([row], NOON + age, LIMITS).go == (row,)


def test_an_old_case_that_is_held_is_told() -> None:
    row = Holding(Kind.CASE, "x", 0, NOON, "unsynced")
    decided = decide_evictions([row], NOON + timedelta(days=400), LIMITS)
    assert decided.go == ()
    assert decided.reason == "1 old cases can't go: 1 unsynced."


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(0, 99), st.sampled_from(["", "unsynced"])),
        max_size=30,
    ),
    st.integers(0, 500),
)
def test_never_a_held_one_never_more_than_needed_and_never_silently_too_much(
    made: list[tuple[int, int, str]], limit: int
) -> None:
    rows = [image(str(n), size, at, held) for n, (size, at, held) in enumerate(made)]
    decided = decide_evictions(rows, NOON, replace(LIMITS, image_bytes=limit))
    left = sum(row.size for row in rows) - sum(row.size for row in decided.go)
    assert all(not row.held for row in decided.go)
    assert (left > limit) == bool(decided.reason)
    if decided.go:
        assert left + decided.go[-1].size > limit


def test_a_photo_that_is_too_young_stays_however_much_room_it_takes() -> None:
    limits = replace(TIGHT, image_age=timedelta(days=1))
    rows = [image("old", 60, -1440), image("young", 60, -1439)]
    assert [row.name for row in decide_evictions(rows, NOON, limits).go] == ["old"]
    decided = decide_evictions(rows, NOON, replace(limits, image_bytes=1))
    assert [row.name for row in decided.go] == ["old"]
    assert "1 too young" in decided.reason


# Removing for real


async def added(store: Store, number: int, **changes: Any) -> Case:
    one = photo(number)
    case, _ = await store.add(draft([one], number, **changes), [one])
    return case


async def sync_all(store: Store) -> None:
    await store.note_travelled(stored=[p.id for p in await store.pending(10_000)])
    await confirm(store)


async def test_originals_over_the_limit_go_oldest_first_and_their_cases_stay(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=7000)) as store:
        cases = [await added(store, number) for number in range(4)]
        await sync_all(store)
        assert len((await store.purge()).go) == 2
        for case in cases[:2]:
            with pytest.raises(NotFoundError, match="not on the device"):
                await store.image(case.id)
            assert (await store.thumbnail(case.id)).path.exists()
        for case in cases[2:]:
            assert (await store.image(case.id)).path.exists()
        assert len((await store.list()).cases) == 4
        assert (await store.purge()).go == ()


async def test_unsynced_and_unreviewed_originals_stay_and_the_device_says_so(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=1)) as store:
        waiting = photo(1)
        case, _ = await store.add(to_review([waiting], 1), [waiting])
        await sync_all(store)
        await added(store, 2)
        assert (await store.purge()).go == ()
        assert "1 unreviewed, 1 unsynced" in store.status().retention
        await sync_all(store)
        said = Feedback(NOON, "ann", "correct")
        await store.revise(case.id, lambda c: replace(c, feedback=(said,)))
        await sync_all(store)
        assert len((await store.purge()).go) == 2
        assert store.status().retention == ""


async def test_what_becomes_needed_after_the_decision_stays(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=1)) as store:
        case = await added(store, 1)
        await sync_all(store)
        going = [Holding(Kind.IMAGE, photo(1).sha256, 1, NOON)]
        await added(store, 1)  # the same photo again, not synced yet
        assert eviction.remove(store._writable(), store.layout, going) == 0
        assert (await store.image(case.id)).path.exists()


async def test_a_case_whose_time_is_over_goes_with_all_its_files(store: Store, now: Moved) -> None:
    old = await added(store, 1)
    await sync_all(store)
    now.move(days=366)
    young = await added(store, 2, created=now.time)
    await store.purge()
    with pytest.raises(NotFoundError):
        await store.get(old.id)
    assert (await store.get(young.id)) == young
    files = [
        p for p in store.layout.root.rglob("*") if old.id in p.name or photo(1).sha256 in p.name
    ]
    assert files == []


async def test_a_case_made_under_a_wrong_clock_does_not_go_as_if_it_were_ancient(
    store: Store, now: Moved
) -> None:
    long_ago = datetime(1970, 1, 2, tzinfo=UTC)
    case = await added(store, 1, created=long_ago, clock_ok=False)
    await sync_all(store)
    assert (await store.purge()).go == ()
    now.move(days=366)
    assert [row.name for row in (await store.purge()).go] == [case.id]


async def test_a_deleted_case_can_be_restored_until_its_time_is_over(
    store: Store, now: Moved
) -> None:
    case = await added(store, 1)
    await store.delete(case.id)
    now.move(days=29)
    await store.purge()
    await store.restore(case.id)
    await store.delete(case.id)
    now.move(days=31)
    await store.purge()
    with pytest.raises(NotFoundError):
        await store.restore(case.id)
    assert (await store.list(limit=1)).cases == ()
    assert (await store.backlog()).parcels == 0


async def test_a_shared_photo_goes_with_its_last_case(store: Store, now: Moved) -> None:
    first, second = await added(store, 1), await added(store, 1)
    await store.delete(first.id)
    now.move(days=31)
    await store.purge()
    path = (await store.image(second.id)).path
    assert path.exists()
    await store.delete(second.id)
    now.move(days=31)
    await store.purge()
    assert not path.exists()


async def test_files_go_before_rows(
    store: Store, now: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await added(store, 1)
    path = (await store.image(case.id)).path
    await store.delete(case.id)
    now.move(days=31)
    seen: list[bool] = []
    monkeypatch.setattr(case_rows, "delete", lambda db, case: seen.append(path.exists()))
    await store.purge()
    assert seen == [False]


async def test_a_key_goes_with_its_case(store: Store, now: Moved) -> None:
    case, _ = await store.add(draft([photo(1)]), [photo(1)], "key")
    await store.delete(case.id)
    now.move(days=31)
    await store.purge()
    _, created = await store.add(draft([photo(1)]), [photo(1)], "key")
    assert created


async def test_staged_photos_and_old_set_aside_databases_go(tmp_path: Path) -> None:
    now = Moved(datetime.now(UTC))
    async with opened(tmp_path, now) as store:
        await added(store, 1)
    (tmp_path / "cases.db").write_bytes(b"rotten")
    async with opened(tmp_path, now) as store:
        await store.stage(photo(2), inspection(), "skin")
        await store.purge()
        assert len(list(store.layout.staged.iterdir())) == 3
        now.move(minutes=61)
        await store.purge()
        assert list(store.layout.staged.iterdir()) == []
        assert len(list(store.layout.set_aside.iterdir())) == 1
        now.move(days=91)
        await store.purge()
        assert list(store.layout.set_aside.iterdir()) == []


async def test_a_rejected_case_is_reviewed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=1)) as store:
        one = photo(1)
        case, _ = await store.add(to_review([one]), [one])
        await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
        await sync_all(store)
        assert len((await store.purge()).go) == 1


async def test_a_thumbnail_that_a_power_cut_took_is_answered_with_the_photo(
    store: Store,
) -> None:
    case = await added(store, 1)
    thumb = (await store.thumbnail(case.id)).path
    os.truncate(thumb, 0)
    assert (await store.thumbnail(case.id)).path.read_bytes() == photo(1).data
    await added(store, 1)  # the same photo again brings it back
    assert (await store.thumbnail(case.id)).path.read_bytes() == photo(1).thumbnail


async def test_nothing_goes_before_a_comparison_has_seen_it_on_the_tower(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=1)) as store:
        await added(store, 1)
        await store.note_travelled(stored=[p.id for p in await store.pending()])
        assert (await store.purge()).go == ()
        assert "1 unconfirmed" in store.status().retention
        await confirm(store)
        assert len((await store.purge()).go) == 1


async def test_a_tower_that_lost_a_case_keeps_the_device_from_evicting_it(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=replace(LIMITS, image_bytes=1)) as store:
        case = await added(store, 1)
        await sync_all(store)
        await store.receipts.refill_all(Range(1, 16))  # the tower says that it holds nothing
        assert (await store.purge()).go == ()
        assert "1 unsynced" in store.status().retention
        await store.note_travelled(stored=[p.id for p in await store.pending()])
        assert (await store.purge()).go == ()
        await confirm(store)
        assert len((await store.purge()).go) == 1
        assert (await store.get(case.id)).status is Status.ACCEPTED
