from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.towers_people import PASSWORD, House
from tower_sync_server.errors import BusyError, RateLimitedError, WrongPasswordError
from tower_sync_server.people.door import AT_ONCE, WAITING, Door
from tower_sync_server.people.throttle import (
    FREE_OF_ADDRESS,
    FREE_OF_NAME,
    LONGEST_S,
    MAX_KEPT,
    REST_S,
    Throttle,
    network,
)
from tower_sync_server.people.words import Action

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench

HOME, STRANGER = "192.0.2.1", "198.51.100.7"


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def dsn() -> str:
    return ""


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def throttle(seconds: Seconds) -> Throttle:
    return Throttle(seconds)


def guess_until_locked(
    throttle: Throttle, seconds: Seconds, name: str, address: str
) -> list[float]:
    """The waits, each sat out, of somebody who guesses all day."""
    waits = []
    for _ in range(40):
        wait = throttle.take(name, address)
        if wait:
            waits.append(wait)
            seconds.now += wait
            assert throttle.take(name, address) == 0
    return waits


def test_guessing_gets_slower_and_slower_but_never_ends_for_good(
    throttle: Throttle, seconds: Seconds
) -> None:
    waits = guess_until_locked(throttle, seconds, "eva", STRANGER)

    assert waits[:3] == [5.0, 10.0, 20.0]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_S


def test_a_stranger_locks_nobody_out(throttle: Throttle, seconds: Seconds) -> None:
    guess_until_locked(throttle, seconds, "eva", STRANGER)
    while throttle.take("eva", STRANGER) == 0:
        pass

    assert throttle.take("eva", HOME) == 0


def test_many_names_from_one_address_are_counted_together(throttle: Throttle) -> None:
    for number in range(FREE_OF_ADDRESS):
        assert throttle.take(f"user{number}", STRANGER) == 0

    assert throttle.take("another", STRANGER) > 0
    assert throttle.take("another", HOME) == 0


def test_many_tries_at_once_are_no_way_around(throttle: Throttle) -> None:
    let_in = sum(throttle.take("eva", STRANGER) == 0 for _ in range(100))

    assert let_in == FREE_OF_NAME


def test_the_right_password_clears_the_names_counter(throttle: Throttle) -> None:
    for _ in range(20):
        for _ in range(FREE_OF_NAME):
            assert throttle.take("eva", HOME) == 0
            throttle.succeeded("eva", HOME)


def test_whoever_rests_begins_anew(throttle: Throttle, seconds: Seconds) -> None:
    while throttle.take("eva", HOME) == 0:
        pass
    seconds.now += REST_S

    assert [throttle.take("eva", HOME) for _ in range(FREE_OF_NAME)] == [0] * FREE_OF_NAME


def test_the_counters_are_bounded(throttle: Throttle) -> None:
    for number in range(MAX_KEPT + 100):
        throttle.take("eva", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(throttle._tries) == MAX_KEPT


@settings(deadline=None)
@given(st.lists(st.floats(0, 2000), min_size=1, max_size=60))
def test_a_wait_is_never_longer_than_said(pauses: list[float]) -> None:
    seconds = Seconds()
    throttle = Throttle(seconds)
    for pause in pauses:
        seconds.now += pause
        wait = throttle.take("eva", HOME)
        assert 0 <= wait <= LONGEST_S + 0.001  # of a sum of floats
        if wait:
            seconds.now += wait
            assert throttle.take("eva", HOME) == 0


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_a_household_counts_as_one_address(address: str, wanted: str) -> None:
    assert network(address) == wanted


async def test_the_door_says_how_long_to_wait(bench: Bench) -> None:
    house = House(bench)
    house.add("eva")
    door = Door(house.people, house.sessions, house.audit, Throttle(Seconds()))
    for _ in range(FREE_OF_NAME):
        with pytest.raises(WrongPasswordError):
            await door.enter("eva", "not it at all", STRANGER)

    with pytest.raises(RateLimitedError) as e:
        await door.enter("eva", PASSWORD, STRANGER)

    assert e.value.retry_after_s == 5
    assert house.sessions.visitor(await door.enter("eva", PASSWORD, HOME)) is not None


async def test_a_crowd_at_the_door_is_sent_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(bench)
    door = Door(house.people, house.sessions, house.audit, Throttle(Seconds()))
    busiest, now = 0, 0

    def slow(_name: str, _password: str) -> bool:
        nonlocal busiest, now
        now += 1
        busiest = max(busiest, now)
        time.sleep(0.02)
        now -= 1
        return False

    monkeypatch.setattr(house.people, "knows", slow)
    crowd = [door.enter(f"user{n}", PASSWORD, f"10.0.0.{n}") for n in range(AT_ONCE + WAITING + 5)]
    found = await asyncio.gather(*crowd, return_exceptions=True)

    assert sum(isinstance(one, BusyError) for one in found) == 5
    assert busiest <= AT_ONCE


async def test_a_failure_is_in_the_audit_without_what_was_typed_as_a_name(bench: Bench) -> None:
    house = House(bench)
    door = Door(house.people, house.sessions, house.audit, Throttle(Seconds()))
    for name in ("eva", "My Password 123!"):
        with pytest.raises(WrongPasswordError):
            await door.enter(name, "whatever it is", HOME)

    found = house.audit.page(None, 5)

    assert [(e.who, e.address, e.action, e.ok) for e in found] == [
        ("(no name)", HOME, Action.SIGN_IN, False),
        ("eva", HOME, Action.SIGN_IN, False),
    ]
