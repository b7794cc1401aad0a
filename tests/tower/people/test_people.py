from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.fakes.towers_people import PASSWORD, SHELL
from tower_sync_server.database.engine import reading
from tower_sync_server.errors import BadFieldError, ConflictError, NotFoundError
from tower_sync_server.people.tables import audit, sessions, users
from tower_sync_server.people.words import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.towers_people import House


def everything_kept(house: House) -> str:
    with reading(house.bench.keep.engine) as db:
        return repr([db.execute(sa.select(t)).all() for t in (users, sessions, audit)])


def test_who_was_added_is_known_by_the_password_alone(house: House) -> None:
    house.add("eva", Role.REVIEWER)

    assert house.people.knows("eva", PASSWORD)
    assert not house.people.knows("eva", PASSWORD + " ")
    assert not house.people.knows("otto", PASSWORD)
    assert [(u.name, u.role) for u in house.people.all()] == [("eva", Role.REVIEWER)]


def test_neither_passwords_nor_tokens_are_kept(house: House) -> None:
    house.add("eva")
    tokens = [house.sessions.open("eva", SHELL), house.sessions.add_token("eva", "", 1, SHELL)]
    kept = everything_kept(house)

    assert "$argon2id$" in kept
    assert [secret for secret in (PASSWORD, *tokens) if secret in kept] == []


@pytest.mark.parametrize(
    "name", ["", "Eva", "e va", "-eva", "e" * 65, "eva\n", "<b>", "é", "\x00", "\ud800"]
)
def test_what_is_no_name_is_refused_and_known_to_nobody(house: House, name: str) -> None:
    with pytest.raises(BadFieldError, match="no name"):
        house.people.add(name, Role.VIEWER, PASSWORD, SHELL)
    assert not house.people.knows(name, PASSWORD)
    with pytest.raises(NotFoundError):
        house.people.remove(name, SHELL)


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaa", "eva@home.example", "x" * 1001, "\ud800" * 12]
)
def test_a_password_that_would_be_guessed_is_refused(house: House, password: str) -> None:
    with pytest.raises(BadFieldError, match="password"):
        house.people.add("eva@home.example", Role.VIEWER, password, SHELL)
    house.add("eva")
    with pytest.raises(BadFieldError, match="password"):
        house.people.set_password("eva", password[:9], SHELL)


def test_two_people_never_have_one_name(house: House) -> None:
    house.add("eva")

    with pytest.raises(ConflictError, match="already"):
        house.people.add("eva", Role.ADMIN, "quite another one", SHELL)

    assert house.people.knows("eva", PASSWORD)


def test_the_last_admin_stays_one(house: House) -> None:
    house.add("eva", Role.ADMIN)
    house.add("otto", Role.VIEWER)

    with pytest.raises(ConflictError, match="last admin"):
        house.people.remove("eva", SHELL)
    with pytest.raises(ConflictError, match="last admin"):
        house.people.set_role("eva", Role.TRAINER, SHELL)
    house.people.set_role("eva", Role.ADMIN, SHELL)
    house.people.set_role("otto", Role.ADMIN, SHELL)
    house.people.remove("eva", SHELL)

    assert [u.name for u in house.people.all()] == ["otto"]


def test_two_admins_who_remove_each_other_at_once_leave_one(house: House) -> None:
    begin, refused = threading.Barrier(2), []

    def remove(name: str) -> None:
        begin.wait()
        try:
            house.people.remove(name, SHELL)
        except ConflictError:
            refused.append(name)

    for round_ in range(1, 11):  # each is one chance to wait for each other for good
        there = {user.name for user in house.people.all()}
        for name in {"eva", "otto"} - there:
            house.add(name, Role.ADMIN)
        threads = [threading.Thread(target=remove, args=(name,)) for name in ("eva", "otto")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == round_
        assert len(house.people.all()) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda people: people.set_role("eva", Role.TRAINER, SHELL),
        lambda people: people.set_password("eva", "quite another one", SHELL),
        lambda people: people.remove("eva", SHELL),
    ],
)
def test_a_change_ends_sessions_and_tokens_of_just_this_one(
    house: House, change: Callable[[object], None]
) -> None:
    house.add("eva")
    house.add("otto")
    of_eva = [house.sessions.open("eva", SHELL), house.sessions.add_token("eva", "", 1, SHELL)]
    of_otto = house.sessions.open("otto", SHELL)

    change(house.people)

    assert [house.sessions.visitor(token) for token in of_eva] == [None, None]
    assert house.sessions.visitor(of_otto) is not None


def test_somebody_new_of_an_old_name_has_nothing_of_the_old_one(house: House) -> None:
    house.add("eva", Role.VIEWER)
    token = house.sessions.add_token("eva", "", 1, SHELL)
    house.people.remove("eva", SHELL)
    house.add("eva", Role.ADMIN)

    assert house.sessions.visitor(token) is None


def test_every_change_is_in_the_audit_and_no_failed_one(house: House) -> None:
    house.add("eva", Role.ADMIN)
    with pytest.raises(ConflictError):
        house.people.remove("eva", SHELL)
    house.add("otto")
    house.people.set_role("otto", Role.REVIEWER, SHELL)
    house.people.set_password("otto", "quite another one", SHELL)
    house.people.remove("otto", SHELL)

    found = house.audit.page(None, 50)

    assert [(e.action, e.target) for e in reversed(found)] == [
        ("user-add", "eva"),
        ("user-add", "otto"),
        ("user-role", "otto"),
        ("user-password", "otto"),
        ("user-remove", "otto"),
    ]
    assert found[2].detail == "viewer → reviewer"
    assert {(e.who, e.at) for e in found} == {("shell:root", house.clock.at)}
