from __future__ import annotations

import re
import statistics
import time

import pytest
from argon2 import PasswordHasher

from tests.fakes.towers_people import PASSWORD
from tower_sync_server.people.passwords import Passwords, generated, refuse_weak

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    passwords = Passwords()
    one, two = passwords.hash(PASSWORD), passwords.hash(PASSWORD)

    assert one != two
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.fits(one, PASSWORD)
    assert not passwords.fits(one, PASSWORD.upper())


@pytest.mark.parametrize("stored", ["", "plain text", "$argon2id$broken", None])
def test_what_is_no_hash_fits_nothing(stored: str | None) -> None:
    assert not Passwords(CHEAP).fits(stored, "")
    assert not Passwords(CHEAP).fits(stored, PASSWORD)


def test_nobody_is_looked_for_as_long_as_somebody() -> None:
    """Without the hash that stands for nobody this is a thousand times quicker."""
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1))
    stored = passwords.hash(PASSWORD)

    def took(of: str | None) -> float:
        times = []
        for _ in range(7):
            start = time.process_time()
            passwords.fits(of, "not it at all")
            times.append(time.process_time() - start)
        return statistics.median(times)

    assert took(None) > took(stored) / 3


def test_older_parameters_are_noticed() -> None:
    assert Passwords().outdated(CHEAP.hash(PASSWORD))
    assert not Passwords(CHEAP).outdated(CHEAP.hash(PASSWORD))


def test_a_password_that_is_made_is_strong_and_can_be_read_aloud() -> None:
    made = {generated() for _ in range(50)}

    assert len(made) == 50
    for one in made:
        assert re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}", one)
        refuse_weak(one, "eva")
