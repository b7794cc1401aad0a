"""What the device sends next, and when."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sync.bitmap import Bitmap
from sync.chunks import CHUNK_BYTES
from sync.messages import Address, Busy, Have, Header, Kind, Reject, RejectCode, Stored
from sync.sender import ACTIVE, Dead, Done, Sender
from sync.way import Outgoing
from tests.sync.golden import CASE

NO_LIMIT = 99


def parcel(number: int, chunks: int = 1, kind: Kind = Kind.CASE, started: bool = False) -> Outgoing:
    digest = f"{number:064x}"
    address = Address(CASE, number, kind, "" if kind is Kind.CASE else digest, digest)
    return Outgoing(number, Header(address, chunks * CHUNK_BYTES, "image/jpeg"), started)


class Bench:
    """A sender whose messages the broker gets at once."""

    def __init__(self, *parcels: Outgoing) -> None:
        self.now = 100.0
        self.sender = Sender(random.Random(1))
        self.tokens = 0
        for one in parcels:
            self.sender.add(one)
        self.sender.connected()

    def go(self, slots: int = NO_LIMIT, deliver: bool = True) -> list[tuple[int, int | None]]:
        """Send what is due; (parcel, chunk) of each, None for a question."""
        sends = self.sender.due(self.now, slots)
        for send in sends:
            self.tokens += 1
            self.sender.handed(send, self.tokens)
            if deliver:
                self.sender.delivered(self.tokens, True, self.now)
            self.asked = send.ask
        return [(send.parcel.id, send.index) for send in sends]

    def later(self, seconds: float) -> list[tuple[int, int | None]]:
        self.now += seconds
        return self.go()


def test_cases_and_thumbnails_go_before_originals_whatever_came_first() -> None:
    bench = Bench(parcel(1, 1, Kind.IMAGE), parcel(2), parcel(3, 1, Kind.THUMB))
    assert bench.go() == [(2, 0), (3, 0), (1, 0)]


def test_a_new_case_overtakes_an_original_that_is_on_its_way() -> None:
    bench = Bench(parcel(1, 40, Kind.IMAGE))
    assert len(bench.go(4)) == 4
    bench.sender.add(parcel(2))
    assert bench.go(1) == [(2, 0)]


def test_no_more_than_sixteen_messages_wait_for_an_answer() -> None:
    bench = Bench(parcel(1, 40, Kind.IMAGE))
    assert bench.go() == [(1, index) for index in range(16)]
    assert bench.go() == []
    bench.sender.heard(Have(parcel(1, 40, Kind.IMAGE).header.address, Bitmap.of(40, [0, 5])), 100)
    assert bench.go() == [(1, 16), (1, 17)]


def test_nothing_is_due_without_a_link() -> None:
    bench = Bench(parcel(1))
    bench.sender.lost()
    assert bench.go() == []
    assert bench.sender.wake_at(bench.now) is None


def test_an_overdue_answer_is_asked_for_and_only_what_is_missing_goes_again() -> None:
    bench = Bench(parcel(1, 3), parcel(2))
    address = parcel(1, 3).header.address
    bench.go()
    bench.sender.heard(Stored(parcel(2).header.address), bench.now + 0.1)
    assert bench.later(0.5) == []
    assert bench.later(2) == [(1, None)]
    bench.sender.heard(Have(address, Bitmap.of(3, [0, 2]), bench.asked), bench.now)
    assert bench.go() == [(1, 1)]


def test_an_old_bitmap_causes_nothing_to_be_sent_again() -> None:
    bench = Bench(parcel(1, 3))
    bench.go()
    bench.sender.heard(Have(parcel(1, 3).header.address, Bitmap.of(3, [1])), bench.now)
    assert bench.go() == []


def test_what_was_sent_in_an_earlier_life_is_asked_for_first() -> None:
    bench = Bench(parcel(1, 3, started=True))
    assert bench.go() == [(1, None)]
    bench.sender.heard(Have(parcel(1, 3).header.address, Bitmap(3), bench.asked), bench.now)
    assert bench.go() == [(1, 0), (1, 1), (1, 2)]


def test_after_a_cut_what_was_in_flight_is_asked_for_and_the_rest_just_goes() -> None:
    bench = Bench(parcel(1, 2), parcel(2, 2))
    bench.go(2, deliver=False)
    bench.sender.lost()
    bench.sender.connected()
    assert bench.go() == [(1, None), (2, 0), (2, 1)]


def test_a_tower_that_lost_its_spool_gets_everything_again() -> None:
    bench = Bench(parcel(1, 3))
    address = parcel(1, 3).header.address
    bench.go()
    bench.sender.heard(Have(address, Bitmap.of(3, [0, 1])), bench.now)
    assert bench.later(5) == [(1, None)]
    bench.sender.heard(Have(address, Bitmap(3), bench.asked), bench.now)
    assert bench.go() == [(1, 0), (1, 1), (1, 2)]


def test_stored_ends_it() -> None:
    bench = Bench(parcel(1))
    bench.go()
    assert bench.sender.heard(Stored(parcel(1).header.address), bench.now) == [Done(1)]
    assert bench.sender.known == frozenset()
    assert bench.later(1000) == []


def test_stored_for_other_bytes_of_the_same_key_ends_nothing() -> None:
    bench = Bench(parcel(1))
    bench.go()
    other = replace(parcel(1).header.address, sha256="77" * 32)
    assert bench.sender.heard(Stored(other), bench.now) == []


@pytest.mark.parametrize("code", [*RejectCode, "something of a later version"])
def test_a_refusal_ends_it_with_its_reason_and_it_never_goes_again(code: str) -> None:
    bench = Bench(parcel(1))
    bench.go()
    address = parcel(1).header.address
    assert bench.sender.heard(Reject(address, code, "why"), bench.now) == [Dead(1, f"{code}: why")]
    assert bench.later(1000) == []


def test_a_refusal_of_something_unreadable_ends_what_was_sent_of_that_case_alone() -> None:
    bench = Bench(parcel(1), parcel(2))
    bench.go(1)
    refusal = Reject(Address.unreadable(CASE), RejectCode.VERSION, "")
    assert [o.parcel for o in bench.sender.heard(refusal, bench.now)] == [1]
    assert bench.go() == [(2, 0)]


def test_a_busy_tower_is_left_alone_and_asked_afterwards() -> None:
    bench = Bench(parcel(1), parcel(2))
    bench.go(1)
    bench.sender.heard(Busy(parcel(1).header.address, 30), bench.now)
    assert bench.later(29) == []
    wake = bench.sender.wake_at(bench.now)
    assert wake is not None
    assert bench.later(wake - bench.now) == [(1, None), (2, 0)]


def test_a_tower_that_says_busy_for_a_year_is_asked_within_minutes() -> None:
    bench = Bench(parcel(1))
    bench.go()
    bench.sender.heard(Busy(parcel(1).header.address, 3e7), bench.now)
    assert bench.later(376) == [(1, None)]


def test_a_silent_tower_gets_one_question_at_a_time_further_and_further_apart() -> None:
    bench = Bench(*(parcel(n) for n in range(1, 40)))
    bench.go()
    times = []
    while bench.now < 4000:
        wake = bench.sender.wake_at(bench.now)
        assert wake is not None
        assert wake > bench.now
        sent = bench.later(wake - bench.now)
        assert len(sent) <= 1
        times += [bench.now] * len(sent)
    gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
    assert bench.sender.silent
    assert gaps[0] < 5
    assert all(150 <= gap <= 300 for gap in gaps[-5:])


def test_one_parcel_that_never_gets_an_answer_does_not_hold_up_the_others() -> None:
    bench = Bench(parcel(1))
    bench.go()
    for number in range(2, 100):
        bench.sender.add(parcel(number))
        address = parcel(number).header.address
        for _ in range(20):
            for sent, index in bench.later(20):
                if sent == number and index is None:
                    bench.sender.heard(Have(address, Bitmap(1), bench.asked), bench.now)
                elif sent == number:
                    bench.sender.heard(Stored(address), bench.now)
        assert bench.sender.known == {1}
    assert bench.sender.room > 0


def test_a_text_is_taken_on_in_the_place_of_a_photo_that_has_not_begun() -> None:
    bench = Bench(*(parcel(n, 1, Kind.IMAGE) for n in range(1, ACTIVE + 1)))
    begun = {number for number, _ in bench.go()}
    bench.sender.add(parcel(ACTIVE + 1))

    bench.sender.trim()

    assert bench.sender.known == {*range(1, ACTIVE), ACTIVE + 1}
    assert begun == set(range(1, 17))


def test_what_has_begun_is_kept_however_much_there_is() -> None:
    bench = Bench(*(parcel(n, started=True) for n in range(1, ACTIVE + 3)))

    bench.sender.trim()

    assert len(bench.sender.known) == ACTIVE + 2


def test_a_volley_that_the_broker_refuses_counts_once() -> None:
    bench = Bench(*(parcel(n) for n in range(1, 17)))
    sends = bench.sender.due(bench.now, NO_LIMIT)
    for token, send in enumerate(sends):
        bench.sender.handed(send, token)
    for token in range(16):
        bench.sender.delivered(token, False, bench.now)
    wake = bench.sender.wake_at(bench.now)
    assert wake is not None
    assert wake - bench.now <= 4


def test_what_was_overtaken_is_dropped_and_its_late_answers_mean_nothing() -> None:
    bench = Bench(parcel(1, 2))
    bench.go(deliver=False)
    bench.sender.drop(1)
    bench.sender.delivered(1, True, bench.now)
    assert bench.sender.heard(Stored(parcel(1, 2).header.address), bench.now) == []
    assert bench.go() == []
