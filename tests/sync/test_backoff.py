"""How long to wait, before sending again and before connecting again."""

from __future__ import annotations

import random

import pytest

from sync.backoff import FIRST_S, LONGEST_RECONNECT_S, LONGEST_S, backoff, reconnect

RNG = random.Random(3)


@pytest.mark.parametrize(
    ("tries", "longest"), [(0, 2), (1, 4), (2, 8), (7, 256), (8, 300), (99, 300)]
)
def test_what_is_overdue_is_asked_for_again_after_half_to_all_of_2_s_to_5_min(
    tries: int, longest: float
) -> None:
    waits = [backoff(tries, RNG) for _ in range(2000)]
    assert longest / 2 <= min(waits) < longest * 0.51
    assert longest * 0.99 < max(waits) <= longest
    assert (FIRST_S, LONGEST_S) == (2.0, 300.0)


def test_a_fleet_whose_broker_hung_up_comes_back_spread_over_more_than_half_a_minute() -> None:
    waits = sorted(reconnect(0, hung_up=True, spread_s=40, rng=RNG) for _ in range(200))
    assert waits[-1] - waits[0] >= 30
    assert max(b - a for a, b in zip(waits, waits[1:], strict=False)) < 5
    in_a_second = max(sum(a <= b < a + 1 for b in waits) for a in waits)
    assert in_a_second <= 20


@pytest.mark.parametrize("away_s", [5, 10, 20, 40, 60, 300])
def test_it_comes_back_spread_out_however_long_the_broker_was_away(away_s: float) -> None:
    """Those whose attempts failed meanwhile must not all be back seconds after it."""
    back, rng = [], random.Random(3)
    for _ in range(200):
        failures, at = 0, reconnect(0, hung_up=True, spread_s=40, rng=rng)
        while at < away_s:
            failures += 1
            at += reconnect(failures, hung_up=True, spread_s=40, rng=rng)
        back.append(at)
    assert max(back) - min(back) >= 30
    assert max(sum(a <= b < a + 1 for b in back) for a in back) <= 30


@pytest.mark.parametrize(("hung_up", "spread_s"), [(False, 40), (True, 0)])
def test_a_link_that_died_in_silence_is_sought_again_within_two_seconds(
    hung_up: bool, spread_s: float
) -> None:
    waits = [reconnect(0, hung_up, spread_s, RNG) for _ in range(500)]
    assert 1 <= min(waits) <= max(waits) <= 2


def test_attempts_that_fail_come_further_and_further_apart_up_to_a_minute() -> None:
    for failures, longest in ((1, 4), (2, 8), (4, 32), (5, 60), (50, LONGEST_RECONNECT_S)):
        waits = [reconnect(failures, hung_up=False, spread_s=40, rng=RNG) for _ in range(500)]
        assert longest / 2 <= min(waits) <= max(waits) <= longest
