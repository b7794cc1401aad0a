"""One thread writes, others read: readers don't wait, and a case is never half done."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from edge.errors import EdgeError, OperatorError, UnavailableError
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import make, opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.store import Store
    from models.case import Case


async def added(store: Store, number: int) -> Case:
    case, _ = await store.add(draft([photo(number)], number), [photo(number)])
    return case


async def test_a_reader_does_not_wait_for_a_change_that_takes_long(store: Store) -> None:
    case = await added(store, 1)
    release = threading.Event()

    def slow(case: Case) -> Case:
        release.wait(10)
        return case

    change = asyncio.create_task(store.revise(case.id, slow))
    behind = asyncio.create_task(added(store, 2))
    async with asyncio.timeout(5):
        assert await store.get(case.id) == case
        assert (await store.list()).cases == (case,)
        assert (await store.backlog()).cases == 1
    assert not change.done()
    release.set()
    await asyncio.gather(change, behind)
    assert len((await store.list()).cases) == 2


async def test_whoever_stops_waiting_for_a_case_leaves_it_whole(store: Store) -> None:
    waiting = asyncio.create_task(added(store, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await added(store, 2)
    cases = (await store.list()).cases
    assert [case.seq for case in cases] in ([2, 1], [1])
    for case in cases:
        assert (await store.image(case.id)).path.exists()


async def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    store = make(tmp_path)
    await store.open()
    waiting = [asyncio.create_task(added(store, number)) for number in range(5)]
    await asyncio.sleep(0)
    await store.close()
    done = await asyncio.gather(*waiting)
    async with opened(tmp_path) as again:
        assert {case.id for case in (await again.list()).cases} == {case.id for case in done}


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    store = make(tmp_path)
    with pytest.raises(OperatorError):
        store.status()
    with pytest.raises(OperatorError):
        await added(store, 1)
    await store.close()
    with pytest.raises(UnavailableError):
        await added(store, 1)
    with pytest.raises(EdgeError):
        await store.list()


async def test_making_a_store_touches_nothing(tmp_path: Path) -> None:
    store = make(tmp_path / "data")
    await store.close()
    assert list(tmp_path.iterdir()) == []
