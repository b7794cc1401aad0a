"""What the updater does is told as it happens, and not more often."""

from __future__ import annotations

import pytest

from edge.updates.comparison import Tally
from edge.updates.status import Board, Compared, UpdateStatus, in_words


def test_each_station_and_each_fifth_of_a_hundred_is_told_once() -> None:
    told: list[tuple[object, object]] = []
    board = Board(lambda news: told.append((news["phase"], news["percent"])))

    board.say(phase="fetching", version="m@1.1.0", total=1_000, done=0)
    for done in range(0, 120, 10):
        board.say(done=done)
    board.say(phase="shadow")
    board.say(compared=Compared.of(Tally()))

    assert told == [("fetching", 0), ("fetching", 5), ("fetching", 10), ("shadow", None)]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (UpdateStatus(), ""),
        (UpdateStatus("looking"), ""),
        (UpdateStatus("fetching", "m@1.1.0", 433, 1_000), "Fetching m@1.1.0: 40 %"),
        (UpdateStatus("probation", "m@1.1.0"), "m@1.1.0 serves on probation"),
        (
            UpdateStatus("shadow", "m@1.1.0", compared=Compared(7)),
            "Trying m@1.1.0 on 7 photos so far",
        ),
    ],
)
def test_it_is_told_in_words(status: UpdateStatus, text: str) -> None:
    assert in_words(status) == text
