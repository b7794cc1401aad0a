"""What waits in the outbox, in the order in which it travels, and what is in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.store.outbox import Kind
from models.case import Status
from sync.payload import case_payload, read_case
from tests.fakes.drafts import draft, photo

if TYPE_CHECKING:
    from edge.store.parcels import Content
    from edge.store.store import Store
    from models.case import Case


async def added(store: Store, number: int = 1) -> Case:
    case, _ = await store.add(draft([photo(number)], number), [photo(number)])
    return case


def whole(content: Content | None) -> bytes:
    assert content is not None
    return b"".join(content.read(offset, 1000) for offset in range(0, content.size, 1000))


async def test_originals_come_after_the_cases_and_thumbnails_of_everything(store: Store) -> None:
    for number in (1, 2, 3):
        await added(store, number)
    more = (await store.waiting((), 99)).more
    assert [p.kind for p, _ in more] == [Kind.CASE, Kind.THUMB] * 3 + [Kind.IMAGE] * 3


async def test_what_is_known_is_not_named_again_and_what_was_settled_is_left_out(
    store: Store,
) -> None:
    await added(store)
    first, second, third = (p.id for p, _ in (await store.waiting((), 3)).more)
    await store.note_travelled(stored=[first])
    waiting = await store.waiting((first, second), 5)
    assert waiting.known == {second}
    assert [p.id for p, _ in waiting.more] == [third]
    assert (await store.waiting((), 0)).more == ()


async def test_the_bytes_and_their_hash_are_those_of_case_thumbnail_and_original(
    store: Store,
) -> None:
    case = await added(store)
    contents = {p.kind: c for p, c in (await store.waiting((), 3)).more}
    assert whole(contents[Kind.CASE]) == case_payload(case)
    assert read_case(whole(contents[Kind.CASE])) == case
    assert whole(contents[Kind.THUMB]) == photo(1).thumbnail
    assert whole(contents[Kind.IMAGE]) == photo(1).data
    for content in contents.values():
        assert content is not None
        assert content.sha256 == hashlib.sha256(whole(content)).hexdigest()


async def test_the_receipt_is_no_part_of_a_revision(store: Store) -> None:
    case = await added(store)
    before = {p.id: c for p, c in (await store.waiting((), 1)).more}
    await store.note_travelled(sent=list(before))
    assert {p.id: c for p, c in (await store.waiting((), 1)).more} == before
    assert case_payload(await store.get(case.id)) == case_payload(case)


async def test_a_revision_that_was_overtaken_has_no_bytes_any_more(store: Store) -> None:
    case = await added(store)
    (old, _), *_ = (await store.waiting((), 1)).more
    await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
    waiting = await store.waiting((old.id,), 99)
    assert waiting.known == frozenset()
    ((new, content),) = [(p, c) for p, c in waiting.more if p.kind is Kind.CASE]
    assert (new.rev, read_case(whole(content)).status) == (2, Status.REJECTED)


async def test_a_file_that_is_gone_has_no_bytes(store: Store) -> None:
    await added(store)
    sha256 = photo(1).sha256
    store.layout.thumb(sha256).unlink()
    store.layout.image(sha256, "image/jpeg").unlink()
    assert [c is None for _, c in (await store.waiting((), 3)).more] == [False, True, True]


async def test_the_cases_that_are_all_there_are_told(store: Store) -> None:
    case = await added(store)
    ids = [p.id for p, _ in (await store.waiting((), 3)).more]
    assert (await store.note_travelled(stored=ids[:2])).stored == []
    assert (await store.note_travelled(stored=ids[2:])).stored == [case.id]
