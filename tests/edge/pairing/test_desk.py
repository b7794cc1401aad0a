"""The desk on a real store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from edge.errors import BadFieldError, PairingClosedError, PairingLockedError, WrongCodeError
from edge.pairing.desk import Desk
from edge.pairing.window import Moment, Phase
from edge.store.tokens import Scope
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge.store.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path) as made:
        yield made


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, lambda: Moment("boot-1", 1000.0))


async def test_a_code_becomes_a_token_of_256_bits_with_the_scopes_of_the_window(
    desk: Desk, store: Store
) -> None:
    window = await desk.open((Scope.VIEW,), "Ada's phone")
    plain, token = await desk.pair(window.code, "")
    assert len(plain) >= 43
    assert (token.name, token.scopes) == ("Ada's phone", (Scope.VIEW,))
    assert await store.verify_token(plain) is not None


async def test_a_code_pairs_one_phone_and_no_second(desk: Desk) -> None:
    window = await desk.open()
    await desk.pair(window.code, "first")
    with pytest.raises(PairingClosedError):
        await desk.pair(window.code, "second")


async def test_of_two_phones_at_the_same_moment_one_is_paired(desk: Desk, store: Store) -> None:
    window = await desk.open()
    came = await asyncio.gather(
        *(desk.pair(window.code, f"phone {n}") for n in range(5)), return_exceptions=True
    )
    assert sum(not isinstance(each, Exception) for each in came) == 1
    assert len(await store.tokens()) == 1


async def test_ten_wrong_codes_lock_the_window_until_it_is_opened_again(
    desk: Desk, store: Store
) -> None:
    window = await desk.open()
    for _ in range(9):
        with pytest.raises(WrongCodeError):
            await desk.pair("WRONG123", "x")
    for code in ("WRONG123", window.code):
        with pytest.raises(PairingLockedError):
            await desk.pair(code, "x")
    assert (await desk.status()).phase is Phase.LOCKED
    assert await store.tokens() == ()
    again = await desk.open()
    assert (await desk.pair(again.code, "x"))[1].name == "x"


async def test_a_lock_survives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as store:
        desk = Desk(store, lambda: Moment("boot-1", 1.0))
        await desk.open()
        for _ in range(9):
            with pytest.raises(WrongCodeError):
                await desk.pair("WRONG123", "x")
        with pytest.raises(PairingLockedError):
            await desk.pair("WRONG123", "x")
    async with opened(tmp_path / "a") as store:
        desk = Desk(store, lambda: Moment("boot-2", 1.0))
        assert (await desk.status()).phase is Phase.LOCKED


async def test_a_closed_window_takes_no_code(desk: Desk) -> None:
    window = await desk.open()
    await desk.close()
    with pytest.raises(PairingClosedError):
        await desk.pair(window.code, "x")


async def test_opening_again_makes_the_code_before_worthless(desk: Desk) -> None:
    first, second = await desk.open(), await desk.open()
    with pytest.raises(WrongCodeError):
        await desk.pair(first.code, "x")
    await desk.pair(second.code, "x")


async def test_nobody_is_paired_yet_until_somebody_is_and_again_when_all_are_revoked(
    desk: Desk, store: Store
) -> None:
    assert await desk.nobody_yet()
    _, token = await desk.pair((await desk.open()).code, "x")
    assert not await desk.nobody_yet()
    await store.revoke_token(token.id)
    assert await desk.nobody_yet()


async def test_the_code_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as store:
        window = await Desk(store, lambda: Moment("boot-1", 1.0)).open()
        files = [p for p in (tmp_path / "a").rglob("*") if p.is_file()]
        assert [p for p in files if window.code.encode() in p.read_bytes()] == []


async def test_a_name_that_is_too_long_is_refused(desk: Desk) -> None:
    with pytest.raises(BadFieldError):
        await desk.open(name="x" * 65)
