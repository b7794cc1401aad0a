"""Bearer tokens: kept hashed, revoked for good."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from edge.errors import NotFoundError
from edge.store.tokens import Scope
from models.jsonable import InvalidWordError
from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.store import Store


async def test_a_token_opens_what_it_was_made_for(store: Store, now: Moved) -> None:
    plain, token = await store.create_token("ann's phone", [Scope.CAPTURE, Scope.VIEW])
    found = await store.verify_token(plain)
    assert found == token
    assert found.scopes == (Scope.VIEW, Scope.CAPTURE)
    assert (found.name, found.created) == ("ann's phone", now.time)


@pytest.mark.parametrize("wrong", ["", "x", "é\0\udc80", "a" * 10_000])
async def test_anything_else_opens_nothing(store: Store, wrong: str) -> None:
    await store.create_token("a", [Scope.ADMIN])
    assert await store.verify_token(wrong) is None


async def test_a_revoked_token_opens_nothing_any_more(store: Store) -> None:
    plain, token = await store.create_token("a", [Scope.ADMIN])
    other, _ = await store.create_token("b", [Scope.VIEW])
    await store.revoke_token(token.id)
    assert await store.verify_token(plain) is None
    assert await store.verify_token(other) is not None
    assert [t.revoked is None for t in await store.tokens()] == [False, True]
    with pytest.raises(NotFoundError):
        await store.revoke_token("nobody")


async def test_the_token_itself_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        plain, token = await store.create_token("a", [Scope.ADMIN])
    content = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert plain.encode() not in content
    assert token.hash.encode() in content


async def test_use_is_noted_once_an_hour(store: Store, now: Moved) -> None:
    plain, _ = await store.create_token("a", [Scope.VIEW])
    made = now.time
    for _ in range(7):
        now.move(minutes=10)
        await store.verify_token(plain)
    assert (await store.tokens())[0].last_used == made + timedelta(minutes=70)


async def test_a_token_without_name_or_scope_is_not_made(store: Store) -> None:
    for name, scopes in (("", [Scope.VIEW]), ("a", []), ("a" * 65, [Scope.VIEW])):
        with pytest.raises(InvalidWordError):
            await store.create_token(name, scopes)
    assert await store.tokens() == ()


async def test_tokens_are_long_and_never_the_same(store: Store) -> None:
    made = {(await store.create_token("a", [Scope.VIEW]))[0] for _ in range(20)}
    assert len(made) == 20
    assert all(len(plain) >= 43 for plain in made)


async def test_settings_are_remembered(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert await store.setting("ring") is None
        await store.put_setting("ring", "early")
        await store.put_setting("ring", "late")
    async with opened(tmp_path) as store:
        assert await store.setting("ring") == "late"
