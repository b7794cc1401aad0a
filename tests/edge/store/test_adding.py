"""Adding a case: durable, numbered, once for each key."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from edge.errors import BadImageError, BadRequestError, ConflictError, NotFoundError
from edge.store.sidecars import Sidecar
from models.case import SyncPhase
from models.jsonable import from_json
from tests.fakes.drafts import NOON, draft, photo
from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.store import Store


async def test_a_case_comes_back_as_it_was_given(store: Store) -> None:
    one = photo(1)
    case, created = await store.add(draft([one], 7), [one])
    assert created
    assert case == draft([one], 7).numbered(case.id, 1)
    assert await store.get(case.id) == case
    assert case.sync.state is SyncPhase.QUEUED


async def test_numbers_begin_at_one_and_have_no_gaps(store: Store) -> None:
    for number in range(1, 6):
        case, _ = await store.add(draft([photo(number)]), [photo(number)])
        assert case.seq == number


async def test_a_failed_case_takes_no_number(store: Store) -> None:
    wrong = photo(1)
    with pytest.raises(BadRequestError):
        await store.add(draft([wrong]), [photo(2)])
    case, _ = await store.add(draft([wrong]), [wrong])
    assert case.seq == 1


async def test_the_photo_lies_under_its_hash_and_is_the_same_bytes(store: Store) -> None:
    one = photo(1)
    case, _ = await store.add(draft([one]), [one])
    original, thumb = await store.image(case.id), await store.thumbnail(case.id)
    assert original.path == store.layout.root / "images" / one.sha256[:2] / f"{one.sha256}.jpg"
    assert original.path.read_bytes() == one.data
    assert thumb.path.read_bytes() == one.thumbnail


async def test_the_sidecar_holds_the_case(store: Store) -> None:
    case, _ = await store.add(draft([photo(1)]), [photo(1)])
    path = store.layout.sidecars / "2026-11" / f"{case.id}.json"
    assert from_json(Sidecar, json.loads(path.read_bytes())).case == case


async def test_a_case_of_two_photos_keeps_both_in_order(store: Store) -> None:
    both = [photo(2), photo(1)]
    case, _ = await store.add(draft(both), both)
    paths = [(await store.image(case.id, place)).path for place in (0, 1)]
    assert [path.read_bytes() for path in paths] == [p.data for p in both]
    with pytest.raises(NotFoundError):
        await store.image(case.id, 2)


async def test_a_photo_that_is_not_its_hash_is_refused(store: Store) -> None:
    one = photo(1)
    lying = type(one)(b"other", one.sha256, one.media_type, 1, 1, one.thumbnail)
    with pytest.raises(BadImageError):
        await store.add(draft([one]), [lying])
    assert list(store.layout.images.glob("*/*")) == []


async def test_two_cases_may_share_a_photo(store: Store) -> None:
    one = photo(1)
    first, _ = await store.add(draft([one], 1), [one])
    second, _ = await store.add(draft([one], 2), [one])
    assert first.id != second.id
    assert len(list(store.layout.images.glob("*/*"))) == 1


async def test_a_rotten_file_under_the_same_name_is_replaced(store: Store) -> None:
    one = photo(1)
    case, _ = await store.add(draft([one], 1), [one])
    path = (await store.image(case.id)).path
    path.write_bytes(b"\0" * len(one.data))
    await store.add(draft([one], 2), [one])
    assert path.read_bytes() == one.data


async def test_nothing_temporary_is_left(store: Store) -> None:
    await store.add(draft([photo(1)]), [photo(1)])
    assert list(store.layout.tmp.iterdir()) == []


async def test_fifty_at_once_with_one_key_make_one_case(store: Store) -> None:
    one = photo(1)
    calls = [store.add(draft([one], n, form={}), [one], "the-key") for n in range(50)]
    answers = await asyncio.gather(*calls)
    assert len({case.id for case, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1
    assert (await store.counts())["accepted"] == 1


async def test_the_same_key_with_another_photo_or_form_is_a_conflict(store: Store) -> None:
    await store.add(draft([photo(1)]), [photo(1)], "key")
    with pytest.raises(ConflictError):
        await store.add(draft([photo(2)]), [photo(2)], "key")
    with pytest.raises(ConflictError):
        await store.add(draft([photo(1)], form={"plate": "B"}), [photo(1)], "key")


async def test_the_same_content_without_a_key_is_a_new_case(store: Store) -> None:
    first, _ = await store.add(draft([photo(1)]), [photo(1)])
    second, created = await store.add(draft([photo(1)]), [photo(1)])
    assert created
    assert first.id != second.id


async def test_a_key_is_remembered_over_a_restart_and_for_a_week(tmp_path: Path) -> None:
    now = Moved()
    async with opened(tmp_path, now) as store:
        first, _ = await store.add(draft([photo(1)]), [photo(1)], "key")
    async with opened(tmp_path, now) as store:
        now.move(days=6)
        again, created = await store.add(draft([photo(1)]), [photo(1)], "key")
        assert (again.id, created) == (first.id, False)
        now.move(days=2)
        other, created = await store.add(draft([photo(2)]), [photo(2)], "key")
        assert created
        assert other.id != first.id


async def test_the_latest_trusted_time_is_remembered_and_an_untrusted_one_is_not(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        await store.add(draft([photo(1)], 5), [photo(1)])
        await store.add(draft([photo(2)], 90, clock_ok=False), [photo(2)])
        await store.add(draft([photo(3)], 3), [photo(3)])
    async with opened(tmp_path) as store:
        latest = store.status().opened.latest
        assert latest is not None
        assert (latest - NOON).total_seconds() == 5 * 60
