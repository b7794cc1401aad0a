"""The pairing window decides without a clock and without a disk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.pairing.code import ALPHABET, hash_of, new_code, shown, tidy
from edge.pairing.window import (
    OPEN_S,
    TRIES,
    Moment,
    Phase,
    Tried,
    attempt,
    from_text,
    left,
    opened,
    phase,
    to_text,
)
from edge.store.tokens import Scope

NOW = Moment("boot-1", 1000.0)
CODE = "K7Q2M9XF"


def later(seconds: float) -> Moment:
    return replace(NOW, seconds=NOW.seconds + seconds)


def test_a_code_is_eight_letters_that_are_never_the_same() -> None:
    made = {new_code() for _ in range(200)}
    assert len(made) == 200
    assert all(len(code) == 8 and set(code) <= set(ALPHABET) for code in made)


@pytest.mark.parametrize("typed", ["k7q2-m9xf", " K7Q2 M9XF ", "k7q2m9xf", "K7Q2–M9XF"])
def test_a_code_may_be_typed_as_people_type(typed: str) -> None:
    assert hash_of(typed) == hash_of(CODE)
    assert tidy("oil") == "011"
    assert shown(CODE) == "K7Q2-M9XF"


def test_a_window_is_open_for_five_minutes() -> None:
    window = opened(CODE, NOW)
    assert OPEN_S == 300
    assert phase(window, NOW) is phase(window, later(299.9)) is Phase.OPEN
    assert phase(window, later(300)) is Phase.CLOSED
    assert left(window, later(100)) == 200


def test_a_window_does_not_outlive_its_boot() -> None:
    assert phase(opened(CODE, NOW), Moment("boot-2", 1.0)) is Phase.CLOSED


def test_the_right_code_is_good_once() -> None:
    after, tried = attempt(opened(CODE, NOW), CODE, later(10))
    assert (after, tried) == (None, Tried.RIGHT)
    assert attempt(after, CODE, later(11)) == (None, Tried.CLOSED)


def test_the_right_code_comes_too_late_after_five_minutes() -> None:
    window = opened(CODE, NOW)
    assert attempt(window, CODE, later(301)) == (window, Tried.CLOSED)


def test_ten_wrong_codes_lock_it_for_the_right_one_too() -> None:
    window = opened(CODE, NOW)
    told = []
    for _ in range(TRIES):
        window, tried = attempt(window, "WRONG", NOW)
        told.append(tried)
    assert told == [Tried.WRONG] * 9 + [Tried.LOCKED]
    assert attempt(window, CODE, NOW) == (window, Tried.LOCKED)


def test_a_locked_window_stays_locked_over_time_and_boots() -> None:
    window = replace(opened(CODE, NOW), wrong=TRIES)
    assert phase(window, later(10_000)) is Phase.LOCKED
    assert phase(window, Moment("boot-2", 1.0)) is Phase.LOCKED


def test_nine_wrong_codes_and_the_right_one_pair() -> None:
    window = opened(CODE, NOW)
    for _ in range(9):
        window, _ = attempt(window, "WRONG", NOW)
    assert attempt(window, CODE, NOW)[1] is Tried.RIGHT


def test_wrong_codes_at_a_closed_window_change_nothing() -> None:
    assert attempt(None, CODE, NOW) == (None, Tried.CLOSED)


def test_a_window_comes_back_from_the_store_as_it_was() -> None:
    window = replace(opened(CODE, NOW, (Scope.ADMIN,), "Ada"), wrong=3)
    text = to_text(window)
    assert from_text(text) == window
    assert CODE not in str(text)


@pytest.mark.parametrize("text", [None, "", "{}", "no json", '{"code": 1}'])
def test_what_cannot_be_read_is_a_closed_window(text: str | None) -> None:
    assert from_text(text) is None
