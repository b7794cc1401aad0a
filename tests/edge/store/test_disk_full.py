"""A disk that is full, for real: refused clearly, nothing half kept, and all well with space."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.errors import DiskFullError
from edge.store.database import damage
from tests.fakes.drafts import draft, inspection, photo
from tests.fakes.mounts import tmpfs
from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.store.store import Store
    from models.case import Case

MB = 1_000_000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "small", 8) as folder:
        yield folder


class Ballast:
    """A file that takes the room."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ballast"

    def leave(self, free: int) -> None:
        """Let just so many bytes be free."""
        found = os.statvfs(self.path.parent)
        here = self.path.stat().st_size if self.path.exists() else 0
        size = max(0, here + found.f_bavail * found.f_frsize - free)
        with self.path.open("r+b" if here else "wb") as file:
            file.truncate(size)
            os.posix_fallocate(file.fileno(), 0, max(size, 1))


async def add(store: Store, number: int, size: int = 100_000) -> Case:
    one = photo(number, size)
    case, _ = await store.add(draft([one], number), [one], f"key {number}")
    return case


async def whole(store: Store, cases: list[Case]) -> None:
    """Everything acknowledged is there, and nothing else."""
    layout = store.layout
    for case in cases:
        assert await store.get(case.id) == case
        assert (await store.image(case.id)).path.stat().st_size == case.images[0].size
    assert len((await store.list(limit=200)).cases) == len(cases)
    assert {p.stem for p in layout.images.glob("*/*")} == {c.images[0].sha256 for c in cases}
    assert {p.stem for p in layout.thumbs.glob("*/*")} == {c.images[0].sha256 for c in cases}
    assert {p.stem for p in layout.sidecars.glob("*/*.json")} == {c.id for c in cases}
    assert list(layout.tmp.iterdir()) == []


async def add_until_it_fails(store: Store, cases: list[Case]) -> None:
    for number in range(1000):
        cases.append(await add(store, number))  # noqa: PERF401


@pytest.mark.root
async def test_a_full_disk_refuses_keeps_what_it_has_and_works_again_with_space(
    small: Path,
) -> None:
    ballast = Ballast(small)
    ballast.leave(3 * MB)
    cases: list[Case] = []
    async with opened(small) as store:
        with pytest.raises(DiskFullError) as refused:
            await add_until_it_fails(store, cases)
        assert refused.value.status == 507
        assert refused.value.hint
        assert len(cases) > 5
        await whole(store, cases)
        ballast.path.unlink()
        started = time.monotonic()
        cases.append(await add(store, 1000))
        assert time.monotonic() - started < 10
        await whole(store, cases)
        assert [case.seq for case in cases] == list(range(1, len(cases) + 1))
    assert damage(small / "cases.db") == ""


@pytest.mark.root
async def test_wherever_the_space_ends_nothing_is_half_kept(small: Path) -> None:
    ballast = Ballast(small)
    async with opened(small) as store:
        cases = [await add(store, 0)]
        refused = 0
        for step in range(70):
            ballast.leave(step * 4096)
            try:
                cases.append(await add(store, 1 + step))
            except DiskFullError:
                refused += 1
            await whole(store, cases)
        assert refused > 25
        assert len(cases) > 5
        ballast.path.unlink()
        cases.append(await add(store, 1000))
        await whole(store, cases)


@pytest.mark.root
async def test_a_change_that_finds_no_room_leaves_the_case_as_it_was(small: Path) -> None:
    ballast = Ballast(small)
    async with opened(small) as store:
        case = await add(store, 1)
        sidecar = store.layout.sidecar(case.id, case.created)
        refused = 0
        for step in range(40):
            ballast.leave(step * 1024)
            before = sidecar.read_bytes()
            text = f"{step} " * 200
            try:
                summary = replace(case.summary, text=text)
                case = await store.revise(case.id, lambda c, s=summary: replace(c, summary=s))  # type: ignore[misc]
            except DiskFullError:
                refused += 1
                assert sidecar.read_bytes() == before
            await whole(store, [case])
        assert refused > 0


@pytest.mark.root
async def test_staging_without_room_is_refused_and_leaves_nothing(small: Path) -> None:
    ballast = Ballast(small)
    async with opened(small) as store:
        ballast.leave(50_000)
        with pytest.raises(DiskFullError):
            await store.stage(photo(1, 100_000), inspection(), "skin")
        assert list(store.layout.staged.iterdir()) == []
        assert list(store.layout.tmp.iterdir()) == []


@pytest.mark.root
async def test_on_a_disk_without_a_byte_left_what_may_go_still_goes(small: Path) -> None:
    ballast, now = Ballast(small), Moved()
    async with opened(small, now) as store:
        kept, gone = await add(store, 1), await add(store, 2)
        await store.delete(gone.id)
        now.move(days=31)
        ballast.leave(0)
        await store.purge()
        await whole(store, [kept])


async def test_below_the_reserve_nothing_new_is_taken_but_people_may_still_act(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        case = await add(store, 1)
    async with opened(tmp_path, min_free_bytes=2**60) as store:
        assert not store.status().accepting
        with pytest.raises(DiskFullError, match="MB are left"):
            await add(store, 2)
        with pytest.raises(DiskFullError):
            await store.stage(photo(3), inspection(), "skin")
        same, created = await store.add(draft([photo(1, 100_000)], 1), [photo(1, 100_000)], "key 1")
        assert (same.id, created) == (case.id, False)
        assert (await store.delete(case.id)).rev == 2


async def test_a_full_disk_accepts_nothing_also_where_nothing_is_to_be_kept_free(small):
    async with opened(small, min_free_bytes=0) as store:
        assert store.status().accepting
        Ballast(small).leave(0)
        assert not store.status().accepting
