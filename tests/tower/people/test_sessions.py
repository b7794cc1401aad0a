from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.fakes.towers_people import LIFETIMES, SHELL
from tower_sync_server.database.engine import reading
from tower_sync_server.errors import NotFoundError
from tower_sync_server.people.sessions import MAX_PER_USER, PREFIX
from tower_sync_server.people.tables import sessions
from tower_sync_server.people.words import By, Kind, Lifetimes, Role, Visitor

if TYPE_CHECKING:
    from tests.fakes.towers_people import House

EVA = By("eva", "192.0.2.1")


def visitor(house: House, token: str) -> Visitor:
    found = house.sessions.visitor(token)
    assert found is not None
    return found


def test_a_token_tells_who_holds_it_with_the_role_of_now(house: House) -> None:
    house.add("eva", Role.REVIEWER)

    found = visitor(house, house.sessions.open("eva", EVA))

    assert (found.name, found.role, found.kind) == ("eva", Role.REVIEWER, Kind.BROWSER)


def test_no_two_tokens_are_the_same_and_each_has_256_bits(house: House) -> None:
    house.add("eva")
    tokens = {house.sessions.open("eva", EVA) for _ in range(20)}

    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}  # base64 of 32 bytes


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "\ud800", "\x00"])
def test_what_is_no_token_is_nobodys(house: House, token: str) -> None:
    house.add("eva")
    house.sessions.open("eva", EVA)

    assert house.sessions.visitor(token) is None


def test_a_browser_is_signed_out_when_it_rests_and_in_the_end(house: House) -> None:
    house.add("eva")
    resting, busy = house.sessions.open("eva", EVA), house.sessions.open("eva", EVA)
    for _ in range(int(LIFETIMES.total_s / LIFETIMES.idle_s)):
        house.clock.pass_s(LIFETIMES.idle_s - 61)
        visitor(house, busy)

    assert house.sessions.visitor(resting) is None
    house.clock.pass_s(LIFETIMES.idle_s)
    assert house.sessions.visitor(busy) is None
    house.clock.pass_s(LIFETIMES.total_s)
    assert house.sessions.visitor(busy) is None


def test_a_programs_token_may_rest_until_its_end(house: House) -> None:
    house.add("eva")
    token = house.sessions.add_token("eva", "backup", 30, SHELL)
    house.clock.pass_s(30 * 24 * 3600 - 1)
    assert token.startswith(PREFIX)
    assert visitor(house, token).kind is Kind.TOKEN

    house.clock.pass_s(2)

    assert house.sessions.visitor(token) is None


def test_signing_out_ends_one_session(house: House) -> None:
    house.add("eva")
    here, there = house.sessions.open("eva", EVA), house.sessions.open("eva", EVA)

    house.sessions.close(visitor(house, here), EVA)

    assert house.sessions.visitor(here) is None
    visitor(house, there)


def test_a_token_is_revoked_by_the_id_that_the_list_shows(house: House) -> None:
    house.add("eva")
    house.add("otto")
    token = house.sessions.add_token("eva", "backup", 30, SHELL)
    (row,) = house.sessions.of("eva", Kind.TOKEN)
    assert row.label == "backup"
    with pytest.raises(NotFoundError):
        house.sessions.revoke("otto", row.id, SHELL)
    with pytest.raises(NotFoundError):
        house.sessions.revoke("eva", "", SHELL)
    visitor(house, token)

    house.sessions.revoke("eva", row.id, SHELL)

    assert house.sessions.visitor(token) is None
    assert house.sessions.of("eva", Kind.TOKEN) == ()


def test_nobody_opens_a_session_for_nobody(house: House) -> None:
    for open_one in (
        lambda: house.sessions.open("eva", EVA),
        lambda: house.sessions.add_token("eva", "", 1, SHELL),
    ):
        with pytest.raises(NotFoundError):
            open_one()


def test_sessions_of_one_user_are_bounded_and_tokens_stay(house: House) -> None:
    house.add("eva")
    program = house.sessions.add_token("eva", "", 30, SHELL)
    tokens = []
    for _ in range(MAX_PER_USER + 2):
        house.clock.pass_s(1)
        tokens.append(house.sessions.open("eva", EVA))

    known = [house.sessions.visitor(token) is not None for token in tokens]

    assert known == [False] * 2 + [True] * MAX_PER_USER
    visitor(house, program)


def test_rows_of_sessions_that_are_over_are_dropped(house: House) -> None:
    house.add("eva")
    house.sessions.open("eva", EVA)
    house.clock.pass_s(LIFETIMES.idle_s + 1)
    alive = house.sessions.open("eva", EVA)

    house.sessions.forget_ended()

    with reading(house.bench.keep.engine) as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(sessions)) == 1
    visitor(house, alive)


def test_lifetimes_that_sign_nobody_in_are_refused() -> None:
    with pytest.raises(ValueError, match="idle_s"):
        Lifetimes(0, 1)
    with pytest.raises(ValueError, match="idle_s"):
        Lifetimes(2, 1)
