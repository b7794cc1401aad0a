"""Changing a case: a new revision each time, in the row and in the sidecar."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.errors import ConflictError, NotFoundError
from edge.store import sidecars
from models.case import Author, Case, Feedback, Status, Summary
from models.jsonable import InvalidWordError
from tests.fakes.drafts import NOON, draft, photo

if TYPE_CHECKING:
    from edge.store.store import Store

NOBODY = "00000000-0000-4000-8000-000000000000"


async def added(store: Store, number: int = 1) -> Case:
    case, _ = await store.add(draft([photo(number)], number), [photo(number)])
    return case


def written(text: str) -> Summary:
    return Summary(text, Author.LLM, True)


async def test_a_change_is_a_new_revision(store: Store) -> None:
    case = await added(store)
    after = await store.revise(case.id, lambda c: replace(c, summary=written("New.")))
    assert (after.rev, after.summary.text) == (2, "New.")
    assert await store.get(case.id) == after


async def test_the_sidecar_is_the_same_revision(store: Store) -> None:
    case = await added(store)
    after = await store.revise(case.id, lambda c: replace(c, summary=written("New.")))
    found = sidecars.read(store.layout.sidecar(case.id, case.created))
    assert found.sidecar is not None
    assert found.sidecar.case == after


async def test_a_change_that_changes_nothing_is_no_revision(store: Store) -> None:
    case = await added(store)
    assert await store.revise(case.id, lambda c: c) == case
    assert (await store.backlog()).parcels == 3


async def test_changes_at_once_are_all_kept(store: Store) -> None:
    case = await added(store)

    def say(n: int) -> Feedback:
        return Feedback(NOON, f"person {n}", "correct")

    await asyncio.gather(
        *(
            store.revise(case.id, lambda c, n=n: replace(c, feedback=(*c.feedback, say(n))))  # type: ignore[misc]
            for n in range(10)
        )
    )
    after = await store.get(case.id)
    assert after.rev == 11
    assert {f.by for f in after.feedback} == {f"person {n}" for n in range(10)}


async def test_a_change_made_for_an_older_revision_is_a_conflict(store: Store) -> None:
    case = await added(store)
    await store.revise(case.id, lambda c: replace(c, summary=written("A.")), expected_rev=1)
    with pytest.raises(ConflictError):
        await store.revise(case.id, lambda c: replace(c, summary=written("B.")), expected_rev=1)
    assert (await store.get(case.id)).summary.text == "A."


@pytest.mark.parametrize("changes", [{"seq": 9}, {"device": "other"}, {"created": NOON}])
async def test_what_a_case_is_known_by_never_changes(
    store: Store, changes: dict[str, object]
) -> None:
    case = await added(store)
    with pytest.raises(InvalidWordError):
        await store.revise(case.id, lambda c: replace(c, **changes))  # type: ignore[arg-type]
    assert await store.get(case.id) == case


async def test_a_case_that_is_not_there_is_not_found(store: Store) -> None:
    for call in (store.get(NOBODY), store.delete(NOBODY), store.restore(NOBODY)):
        with pytest.raises(NotFoundError):
            await call
    with pytest.raises(NotFoundError):
        await store.revise(NOBODY, lambda c: c)
    with pytest.raises(NotFoundError):
        await store.image(NOBODY)


async def test_a_deleted_case_is_out_of_the_list_and_can_be_restored(store: Store) -> None:
    case = await added(store)
    rejected = await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
    deleted = await store.delete(case.id)
    assert (deleted.status, deleted.rev) == (Status.DELETED, 3)
    assert (await store.list()).cases == ()
    restored = await store.restore(case.id)
    assert (restored.status, restored.rev) == (rejected.status, 4)
    assert (await store.list()).cases == (restored,)


async def test_deleting_or_restoring_twice_changes_nothing(store: Store) -> None:
    case = await added(store)
    assert await store.restore(case.id) == case
    assert await store.delete(case.id) == await store.delete(case.id)


async def test_a_change_may_delete_the_case(store: Store) -> None:
    case = await added(store)
    await store.revise(case.id, lambda c: replace(c, status=Status.DELETED))
    assert (await store.restore(case.id)).status is Status.ACCEPTED


async def test_a_deleted_case_takes_no_change(store: Store) -> None:
    case = await added(store)
    await store.delete(case.id)
    with pytest.raises(NotFoundError):
        await store.revise(case.id, lambda c: replace(c, summary=written("Late.")))


async def test_a_change_that_fails_leaves_everything_as_it_was(store: Store) -> None:
    case = await added(store)
    path = store.layout.sidecar(case.id, case.created)
    before = path.read_bytes()

    def broken(case: Case) -> Case:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.revise(case.id, broken)
    assert path.read_bytes() == before
    assert await store.get(case.id) == case
