"""Several workers at the same payloads at once, on the same disk and database."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

from sync.messages import Stored
from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase, noise

if TYPE_CHECKING:
    from pathlib import Path

    from sync.messages import Ack, Up

WORKERS = 4
AT_ONCE = (1, 2, 5, 12)
"""Messages in a batch of each."""


def test_whatever_they_do_at_once_each_case_is_stored_once(tmp_path: Path, dsn: str) -> None:
    cases = [SentCase(seq=n + 1, photo=noise(140_000, n)) for n in range(6)]
    everything = [c for case in cases for parcel in case.parcels() for c in parcel.chunks()]
    answers: list[Ack] = []

    def work(bench: Bench, messages: list[Up], at_once: int) -> None:
        for first in range(0, len(messages), at_once):
            answers.extend(bench.say_all(messages[first : first + at_once]))

    with opened(tmp_path, dsn) as first:
        threads = []
        for number in range(WORKERS):  # each hears of everything, in an order of its own
            own: list[Up] = list(everything)
            random.Random(number).shuffle(own)
            threads.append(threading.Thread(target=work, args=(Bench(first), own, AT_ONCE[number])))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bench = Bench(first)
        parcels = [parcel for case in cases for parcel in case.parcels()]
        last = [bench.say(parcel.ask()) for parcel in parcels]

        assert len(answers) == WORKERS * len(everything)
        assert {type(answer) for answer in last} == {Stored}
        assert bench.listing.counts() == {"needs_review": len(cases)}
        assert bench.listing.quarantined() == 0
        for case in cases:
            assert first.blobs.path(case.image).read_bytes() == case.photo
