"""Staged photos: there for a while, under a name nobody guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.errors import NotFoundError
from edge.store.waiting_room import MOST
from tests.fakes.drafts import draft, inspection, photo
from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.store import Store


async def test_a_staged_photo_comes_back_with_what_was_found(store: Store) -> None:
    image_id = await store.stage(photo(1), inspection("dent"), "vehicle-damage")
    assert await store.staged(image_id) == (photo(1), inspection("dent"), "vehicle-damage")


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        image_id = await store.stage(photo(1), inspection(), "skin")
    async with opened(tmp_path) as store:
        assert (await store.staged(image_id))[2] == "skin"


async def test_it_is_gone_after_its_time(store: Store, now: Moved) -> None:
    image_id = await store.stage(photo(1), inspection(), "skin")
    await store._room.empty()
    now.move(minutes=61)
    with pytest.raises(NotFoundError):
        await store.staged(image_id)


@pytest.mark.parametrize("name", ["", "x", "0" * 32, "../../etc/passwd", "a" * 31 + "\n", "A" * 32])
async def test_an_id_that_was_never_given_finds_nothing(store: Store, name: str) -> None:
    await store.stage(photo(1), inspection(), "skin")
    with pytest.raises(NotFoundError):
        await store.staged(name)


async def test_two_ids_of_one_photo_differ(store: Store) -> None:
    ids = {await store.stage(photo(1), inspection(), "skin") for _ in range(20)}
    assert len(ids) == 20


async def test_a_staged_photo_becomes_a_case_without_being_written_twice(store: Store) -> None:
    one = photo(1)
    image_id = await store.stage(one, inspection(), "vehicle-damage")
    case, _ = await store.add(draft([one]), [one])
    stored = (await store.image(case.id)).path
    assert stored.samefile(store.layout.staged / f"{image_id}.bin")
    assert (await store.staged(image_id))[0] == one


async def test_a_staged_file_that_rotted_is_not_taken_for_the_photo(store: Store) -> None:
    one = photo(1)
    image_id = await store.stage(one, inspection(), "vehicle-damage")
    await store._room.empty()
    (store.layout.staged / f"{image_id}.bin").write_bytes(b"\0" * len(one.data))
    case, _ = await store.add(draft([one]), [one])
    assert (await store.image(case.id)).path.read_bytes() == one.data


async def test_it_is_there_before_it_is_written_and_afterwards(store: Store) -> None:
    image_id = await store.stage(photo(1), inspection(), "skin")
    behind = store._room.find(image_id)
    assert behind is not None
    assert await store.staged(image_id) == behind
    await store._room.empty()
    assert store._room.find(image_id) is None
    assert await store.staged(image_id) == behind


async def test_one_that_could_not_be_written_waits_no_more(store: Store, caplog) -> None:
    store.layout.staged.rmdir()
    image_id = await store.stage(photo(1), inspection(), "skin")
    await store._room.empty()
    with pytest.raises(NotFoundError, match="waits here no more"):
        await store.staged(image_id)
    assert "was not kept" in caplog.text


async def test_few_photos_wait_in_memory(store: Store) -> None:
    for number in range(12):
        await store.stage(photo(number), inspection(), "skin")
        assert len(store._room._inside) <= MOST
