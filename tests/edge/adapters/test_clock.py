"""When to believe the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.adapters.clock import BUILT, SystemClock, believable


@pytest.mark.parametrize(
    ("now", "floor", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), BUILT, False),
        (BUILT, BUILT, True),
        (BUILT + timedelta(days=3), BUILT + timedelta(days=4), False),
        (datetime(2126, 1, 1, tzinfo=UTC), BUILT, False),
    ],
)
def test_a_clock_is_believed_between_the_build_and_the_horizon(
    now: datetime, floor: datetime, expected: bool
) -> None:
    assert believable(now, floor) is expected


def test_what_was_stored_later_than_now_makes_the_clock_doubtful() -> None:
    clock = SystemClock()
    clock.saw(clock.now() - timedelta(seconds=1))
    before = clock.trusted()
    clock.saw(clock.now() + timedelta(days=1))
    assert (before, clock.trusted()) == (True, False)


def test_the_floor_is_never_before_the_build() -> None:
    clock = SystemClock(datetime(1999, 1, 1, tzinfo=UTC))
    clock.saw(datetime(1998, 1, 1, tzinfo=UTC))
    assert clock.trusted()


def test_now_carries_its_offset_and_monotonic_grows() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() is not None
    assert 0 < clock.monotonic() <= clock.monotonic()
