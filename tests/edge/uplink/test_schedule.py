"""When to send, and how much."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edge.uplink.schedule import Pace, Window


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("22:00-06:00", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "12:00", "21:59"]),
        ("08:30-17:00", ["08:30", "16:59"], ["08:29", "17:00", "00:00"]),
        ("", ["00:00", "12:00"], []),
        ("07:00-07:00", ["06:59", "07:00"], []),
    ],
)
def test_a_window_holds_its_minutes(window: str, inside: list[str], outside: list[str]) -> None:
    def at(time: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-20T{time}:30").replace(tzinfo=UTC)

    assert all(Window.parse(window).holds(at(time)) for time in inside)
    assert not any(Window.parse(window).holds(at(time)) for time in outside)


def test_a_pace_lets_as_much_through_as_it_says() -> None:
    pace, now, sent = Pace(256), 0.0, 0
    while now < 100:
        now += pace.wait_s(now)
        pace.spend(65_536, now)
        sent += 65_536
    assert sent * 8 / 1000 / now == pytest.approx(256, rel=0.05)


def test_no_pace_never_waits() -> None:
    pace = Pace(0)
    pace.spend(10**9, 0)
    assert pace.wait_s(0) == 0
