"""When to believe the clock."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import pytest

from edge.adapters.clock import BUILT, JUMP_S, LEAP, SystemClock, believable, vouches


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


START = BUILT + timedelta(days=19)
DAY = timedelta(days=1)


class SetClock(SystemClock):
    """Shows what it is set to; time since boot goes its own way."""

    def __init__(self, shown: datetime, floor: datetime = BUILT, *, server: bool = False) -> None:
        super().__init__(floor, synchronised=lambda _now: server)
        self.shown, self.since_boot = shown, 100.0

    def now(self) -> datetime:
        return self.shown

    def monotonic(self) -> float:
        return self.since_boot

    def step(self, wall: timedelta, boot: timedelta | None = None) -> None:
        self.shown += wall
        self.since_boot += (wall if boot is None else boot).total_seconds()


@pytest.mark.parametrize("year", [1970, 2040])
@pytest.mark.parametrize("server", [True, False])
def test_in_1970_and_in_2040_the_latest_known_moment_stands_in_for_the_clock(
    year: int, server: bool
) -> None:
    clock = SetClock(datetime(year, 1, 1, tzinfo=UTC), START, server=server and year == 1970)

    assert not clock.trusted()
    assert clock.passed() == START


def test_years_ahead_a_time_server_has_to_vouch_for_it() -> None:
    moment = START + LEAP + DAY
    assert not SetClock(moment, START).trusted()
    assert SetClock(moment, START, server=True).passed() is None


def test_what_was_believed_can_not_go_back() -> None:
    clock = SetClock(START)
    assert clock.trusted()
    clock.step(DAY)
    assert clock.trusted()

    behind = SetClock(START, floor=START + DAY)
    assert behind.passed() == START + DAY


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_clock_that_jumps_is_believed_again_when_it_is_back_or_vouched_for(
    jump: timedelta,
) -> None:
    clock = SetClock(START)
    assert clock.trusted()

    clock.step(jump, boot=timedelta(seconds=1))
    assert not clock.trusted()
    passed = clock.passed()
    assert passed is not None
    assert passed <= START

    clock.step(-jump, boot=timedelta(seconds=1))
    assert clock.trusted()


def test_a_jump_that_a_time_server_made_is_believed() -> None:
    clock = SetClock(START, server=True)
    assert clock.trusted()
    for jump in (3 * DAY, -2 * DAY):
        clock.step(jump, boot=timedelta(seconds=1))
        assert clock.trusted()


def test_a_clock_that_is_set_right_after_the_start_is_believed() -> None:
    clock = SetClock(datetime(1970, 1, 1, tzinfo=UTC))
    assert not clock.trusted()
    clock.step(START - clock.shown, boot=timedelta(seconds=5))
    assert clock.trusted()


def test_small_corrections_are_no_jumps() -> None:
    clock = SetClock(START)
    for seconds in (0.0, -0.5, 30.0, -JUMP_S / 2):
        clock.step(timedelta(seconds=seconds), boot=timedelta(seconds=1))
        assert clock.trusted()


@pytest.mark.parametrize(
    ("status", "behind_s", "expected"),
    [(0x2001, 0, True), (0x40, 0, False), (0x2041, 0, False), (0x2001, 86400, False)],
)
def test_the_kernel_says_whether_a_time_server_keeps_its_clock(
    status: int, behind_s: int, expected: bool
) -> None:
    now = int(START.timestamp())
    said = struct.pack("@Iqqqqiqqqq", 0, 0, 0, 0, 0, status, 2, 1, 0, now - behind_s)
    assert vouches(said, START) is expected
    assert not vouches(None, START)
