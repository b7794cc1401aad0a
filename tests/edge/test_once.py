"""The same thing at once is done once; other things, later ones and failures are not shared."""

from __future__ import annotations

import asyncio

import pytest

from edge.once import Once


class Work:
    """Counts how often it was done."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done = 0
        self._error = error

    async def __call__(self) -> int:
        await asyncio.sleep(0.01)
        self.done += 1
        if self._error is not None:
            raise self._error
        return self.done


async def test_the_same_at_once_is_done_once_and_for_the_first_who_asked() -> None:
    once, work = Once[int](), Work()
    said = await asyncio.gather(*(once.do("key", "it", work) for _ in range(5)))
    assert said == [(1, True), *[(1, False)] * 4]


async def test_another_thing_under_the_same_key_is_work_of_its_own() -> None:
    once, work = Once[int](), Work()
    said = await asyncio.gather(*(once.do("key", thing, work) for thing in ("it", "else")))
    assert [own for _, own in said] == [True, True]
    assert work.done == 2


async def test_later_it_is_done_again() -> None:
    once, work = Once[int](), Work()
    assert [await once.do("key", "it", work) for _ in range(2)] == [(1, True), (2, True)]


async def test_who_goes_away_does_not_end_it_for_the_others() -> None:
    once, work = Once[int](), Work()
    first, second = (asyncio.create_task(once.do("key", "it", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == (1, False)
    assert first.cancelled()


async def test_a_failure_is_told_to_all_and_then_forgotten() -> None:
    once, work = Once[int](), Work(ValueError("no"))
    said = await asyncio.gather(
        *(once.do("key", "it", work) for _ in range(3)), return_exceptions=True
    )
    assert [str(each) for each in said] == ["no"] * 3
    with pytest.raises(ValueError, match="no"):
        await once.do("key", "it", work)
    assert work.done == 2
