"""When both ends are compared: once a day, after a silence, and of what is not confirmed hourly."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from edge.store.receipt_book import Compared
from edge.uplink.compare import Comparing, Rhythm
from sync.digest_codec import decode_question
from sync.digests import Compare, Differ, Range, Sum, wide_ranges
from tests.fakes.device import FakeClock

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY, HOUR = 24 * 3600.0, 3600.0
NOW = datetime(2026, 11, 20, 11, 5, tzinfo=UTC)


class Book:
    """Three blocks, of which one has something that is not confirmed."""

    def __init__(self, at: datetime | None = None, unconfirmed: int = 1) -> None:
        self.at, self.unconfirmed, self.finished = at, unconfirmed, 0
        self.fulfilled = 0

    async def ranges(self, *, unconfirmed: bool) -> tuple[Range, ...]:
        if unconfirmed:
            return wide_ranges(range(self.unconfirmed))
        return wide_ranges(range(3))

    async def sums(self, wanted: Sequence[Range]) -> tuple[Sum, ...]:
        return tuple(Sum(within, 1, b"a" * 32) for within in wanted)

    async def agree(self, asked: Sum) -> None:
        pass

    async def finish(self, wish: int = 0) -> None:
        self.finished += 1
        self.fulfilled = wish or self.fulfilled

    async def wish(self) -> int:
        return self.fulfilled

    async def compared(self) -> Compared:
        return Compared(self.at, self.unconfirmed, 0)


class Device:
    """Answers every question at once: nothing differs."""

    def __init__(self, book: Book, *, trusted: bool = True) -> None:
        self.book, self.clock = book, FakeClock()
        self.clock.is_trusted = trusted
        self.rng = random.Random(1)
        self.comparing = Comparing(book, self.clock, Rhythm(), self.rng)  # type: ignore[arg-type]

    async def ranges(self, now: float) -> int:
        """How many ranges are asked about by a step now."""
        asked = 0
        for _ in range(4):
            payload, _ = await self.comparing.step(now)
            if payload is not None:
                question = decode_question(payload)
                assert isinstance(question, Compare)
                asked += len(question.sums)
                self.comparing.sent(now)
                self.comparing.heard(Differ(question.number, ()))
        return asked

    async def settled(self) -> Device:
        """It has compared everything at second 0."""
        assert await self.ranges(0.0) == 3
        return self


async def test_a_device_that_never_compared_begins_at_once() -> None:
    device = Device(Book())
    assert await device.ranges(0.0) == 3
    assert device.book.finished == 1


async def test_everything_is_compared_once_a_day() -> None:
    device = await Device(Book(unconfirmed=0)).settled()
    assert await device.ranges(DAY - 1) == 0
    assert await device.ranges(DAY) == 3
    assert device.book.finished == 2


async def test_what_is_not_confirmed_is_compared_every_hour_and_nothing_else() -> None:
    device = await Device(Book(unconfirmed=1)).settled()
    assert await device.ranges(HOUR - 1) == 0
    assert await device.ranges(HOUR) == 1
    assert await device.ranges(HOUR + 60) == 0
    assert device.book.finished == 1


async def test_after_a_long_silence_everything_is_compared_within_a_minute() -> None:
    device = await Device(Book(unconfirmed=0)).settled()
    device.comparing.lost(100.0)
    device.comparing.lost(2000.0)
    device.comparing.connected(100.0 + HOUR)
    assert await device.ranges(100.0 + HOUR + 60) == 3


async def test_a_short_silence_is_none() -> None:
    device = await Device(Book(unconfirmed=0)).settled()
    device.comparing.lost(100.0)
    device.comparing.connected(99.0 + HOUR)
    assert await device.ranges(99.0 + HOUR + 60) == 0


@pytest.mark.parametrize(("ago", "soon"), [(HOUR / 2, False), (2 * HOUR, True), (-HOUR, True)])
async def test_a_program_that_was_away_compares_when_it_was_long(ago: float, soon: bool) -> None:
    device = Device(Book(NOW - timedelta(seconds=ago), unconfirmed=0))
    assert await device.ranges(0.0) == 0 or soon
    assert (await device.ranges(60.0) == 3) == soon


async def test_a_clock_that_can_not_be_right_keeps_nothing_from_being_compared() -> None:
    device = Device(Book(NOW, unconfirmed=0), trusted=False)
    assert await device.ranges(0.0) == 3


async def test_a_wish_of_the_tower_is_fulfilled_within_a_minute_and_once() -> None:
    device = await Device(Book(unconfirmed=0)).settled()
    device.comparing.wished(7)
    assert await device.ranges(5.0) in (0, 3)
    await device.ranges(65.0)
    assert (device.book.finished, device.book.fulfilled) == (2, 7)
    device.comparing.wished(7)  # the broker keeps it, and says it on every connection
    assert await device.ranges(130.0) == 0


async def test_a_wish_that_was_fulfilled_in_an_earlier_life_is_no_news() -> None:
    book = Book(NOW - timedelta(seconds=60), unconfirmed=0)
    book.fulfilled = 7
    device = Device(book)
    device.comparing.wished(7)
    assert await device.ranges(100.0) == 0
    device.comparing.wished(8)
    await device.ranges(101.0)
    assert await device.ranges(165.0) == 3 or book.fulfilled == 8


async def test_a_wish_in_the_middle_of_a_comparison_waits_for_its_end() -> None:
    device = Device(Book(unconfirmed=0))
    payload, _ = await device.comparing.step(0.0)
    assert payload is not None
    device.comparing.sent(0.0)
    device.comparing.wished(7)
    device.comparing.heard(Differ(decode_question(payload).number, ()))
    await device.ranges(1.0)
    assert (device.book.finished, device.book.fulfilled) in ((1, 0), (2, 7))
    await device.ranges(62.0)
    assert (device.book.finished, device.book.fulfilled) == (2, 7)


async def test_a_person_does_not_have_to_wait() -> None:
    device = await Device(Book(unconfirmed=0)).settled()
    device.comparing.soon()
    assert await device.ranges(5.0) == 3


async def test_a_question_that_is_lost_is_asked_again_and_the_round_ends_later() -> None:
    device = Device(Book(unconfirmed=0))
    payload, _ = await device.comparing.step(0.0)
    assert payload is not None
    device.comparing.sent(0.0)
    device.comparing.lost(0.5)
    assert await device.ranges(3.0) == 3
    assert device.book.finished == 1
